"""The settings documents of an offer through the v2 API: toggles, clears, notes, named actions."""

from copy import deepcopy

import pytest

from openstoq.preorders.offers.actions import offers
from openstoq.preorders.offers.capabilities import CAPABILITIES
from tests.preorders.documents import act, at, patch, read

__all__ = ["at"]

TOGGLES = [
    ("widget", "badge.enabled"),
    ("widget", "disclaimer.enabled"),
    ("widget", "button.colors.enabled"),
    ("widget", "billing_widget.enabled"),
    ("shipping", "fulfillment.hold"),
    ("shipping", "display.show_shipping_timeline"),
    ("shipping", "fulfillment.split.enabled"),
    ("shipping", "fulfillment.split.hold_fulfillments"),
    ("payments", "remaining_balance.auto_collect"),
    ("payments", "remaining_balance.auto_collect_on_fulfillment"),
    ("limits", "display.show_remaining"),
    ("checkout", "terms.enabled"),
    ("checkout", "terms.disable_button_until_acknowledged"),
    ("checkout", "terms.include_in_line_item_properties"),
    ("checkout", "mixed_cart.allowed"),
    ("countdown", "enabled"),
    ("integrations", "pos.enabled"),
    ("integrations", "pos.skip_inventory_check"),
    ("integrations", "b2b.enabled"),
    ("markets", "enabled"),
    ("advanced", "line_item_properties.include_shipping_text"),
    ("advanced", "line_item_properties.include_payment_breakdown"),
    ("advanced", "line_item_properties.include_acknowledgement"),
]


CLEARS = [
    ("widget", "badge.text", "New"),
    ("widget", "badge.text_color", "#112233"),
    ("widget", "disclaimer.text", "Ships late"),
    ("widget", "disclaimer.border_radius", 4),
    ("shipping", "display.shipping_text", "In May"),
    ("shipping", "fulfillment.split.tag", "split"),
    ("limits", "per_order.min", 2),
    ("limits", "per_order.max", 3),
    ("limits", "per_customer.max", 4),
    ("limits", "total.max", 5),
    ("countdown", "custom_end_date", "2026-07-01T00:00:00Z"),
    ("advanced", "button_text_overrides.before_launch", "Soon"),
    ("advanced", "button_text_overrides.after_launch", "Now"),
    ("advanced", "button_text_overrides.out_of_stock", "Later"),
    ("advanced", "custom_css", ".a { color: red }"),
]


# capability, action, body, and what it writes by path
ACTIONS = [
    (
        "widget",
        "set_badge_colors",
        {"text_color": "#111111", "background_color": "#222222"},
        {"badge.text_color": "#111111", "badge.background_color": "#222222"},
    ),
    ("widget", "set_badge_text", {"text": "Soon"}, {"badge.text": "Soon"}),
    (
        "widget",
        "set_billing_widget_text",
        {"title": "Pay", "description": "All of it"},
        {"billing_widget.title": "Pay", "billing_widget.description": "All of it"},
    ),
    (
        "widget",
        "set_button_colors",
        {"text_color": "#111111"},
        {"button.colors.text_color": "#111111", "button.colors.enabled": True},
    ),
    ("widget", "set_button_text", {"text": "Get it"}, {"button.text": "Get it"}),
    (
        "widget",
        "set_disclaimer_style",
        {"text_color": "#111111", "border_radius": 3},
        {"disclaimer.text_color": "#111111", "disclaimer.border_radius": 3},
    ),
    ("widget", "set_disclaimer_text", {"text": "Late"}, {"disclaimer.text": "Late"}),
    ("inventory", "set_provider", {"provider": "shopify"}, {"provider": "shopify"}),
    (
        "inventory",
        "set_reservation_timing",
        {"timing": "on_sale"},
        {"reservation.timing": "on_sale"},
    ),
    (
        "shipping",
        "set_delivery_date",
        {"date": "2026-07-01T00:00:00Z"},
        {"delivery.type": "exact_date", "delivery.date": "2026-07-01T00:00:00Z"},
    ),
    (
        "shipping",
        "set_delivery_window",
        {"days": 14},
        {"delivery.type": "window", "delivery.days": 14},
    ),
    ("shipping", "set_shipping_text", {"text": "In May"}, {"display.shipping_text": "In May"}),
    ("shipping", "set_split_order_tag", {"tag": "split"}, {"fulfillment.split.tag": "split"}),
    (
        "shipping",
        "set_split_transaction_gateway",
        {"gateway": None},
        {"fulfillment.split.transaction_gateway": None},
    ),
    ("limits", "set_max_per_customer", {"max": 4}, {"per_customer.max": 4}),
    ("limits", "set_max_per_order", {"max": 3}, {"per_order.max": 3}),
    ("limits", "set_min_per_order", {"min": 2}, {"per_order.min": 2}),
    ("limits", "set_total_max", {"max": 5}, {"total.max": 5}),
    ("checkout", "add_order_tag", {"tag": "b"}, {"order_tags": ["Preorder", "b"]}),
    ("checkout", "remove_order_tag", {"tag": "preorder"}, {"order_tags": []}),
    ("checkout", "set_order_tags", {"tags": ["a", "A", "b"]}, {"order_tags": ["a", "b"]}),
    (
        "checkout",
        "set_mixed_cart_error_message",
        {"message": "No"},
        {"mixed_cart.error_message": "No"},
    ),
    ("checkout", "set_terms_text", {"text": "Agreed"}, {"terms.text": "Agreed"}),
    (
        "countdown",
        "set_custom_end_date",
        {"date": "2026-07-01T00:00:00Z"},
        {"custom_end_date": "2026-07-01T00:00:00Z"},
    ),
    ("countdown", "set_ends_text", {"text": "Ends"}, {"ends_text": "Ends"}),
    ("countdown", "set_starts_text", {"text": "Starts"}, {"starts_text": "Starts"}),
    ("countdown", "set_mode", {"mode": "to_custom_date"}, {"mode": "to_custom_date"}),
    (
        "countdown",
        "set_style",
        {"text_color": "#111111", "border_radius": 3},
        {"style.text_color": "#111111", "style.border_radius": 3},
    ),
    ("countdown", "set_unit_labels", {"days": "D"}, {"unit_labels.days": "D"}),
    (
        "advanced",
        "detach_from_shopify_selling_plan",
        {},
        {"use_shopify_selling_plan": False},
    ),
    (
        "advanced",
        "set_button_text_override",
        {"state": "out_of_stock", "text": "Gone"},
        {"button_text_overrides.out_of_stock": "Gone"},
    ),
    ("advanced", "set_custom_css", {"css": "a {}"}, {"custom_css": "a {}"}),
    (
        "advanced",
        "set_custom_line_item_property",
        {"text": "Preorder"},
        {"line_item_properties.custom_text": "Preorder"},
    ),
]


# Actions that need more than a new offer; they have tests of their own below.
ELSEWHERE = {
    ("advanced", "attach_to_shopify_selling_plan"),
    ("markets", "add_market"),
    ("markets", "remove_market"),
    ("markets", "set_markets"),
    ("payments", "disable_option"),
    ("payments", "enable_option"),
    ("payments", "set_deposit_percent"),
    ("payments", "set_discount"),
    ("payments", "set_discount_text"),
    ("payments", "set_mode"),
    ("payments", "set_option_copy"),
    ("shipping", "set_delivery_asap"),
}


@pytest.fixture
async def new(client, database, shop):
    """Makes offers, each case its own, by a key whose points do not run out."""
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")

    async def new():
        answer = await client.post("/preorders/offers", json={})
        assert answer.status_code == 202, answer.text
        return f"/preorders/offers/{answer.json()['id']}"

    return new


def value_at(document, path):
    for name in path.split("."):
        document = document[name]
    return document


def laid(document, values):
    """A copy of a document with the values at their dotted paths."""
    changed = deepcopy(document)
    for path, value in values.items():
        *parents, last = path.split(".")
        target = changed
        for name in parents:
            target = target[name]
        target[last] = value
    return changed


def nested(path, value):
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


async def test_a_toggle_flips_both_ways_and_nothing_else_changes(client, new):
    for name, path in TOGGLES:
        here = f"{await new()}/{name}"
        before = await read(client, here)
        for flag in (not value_at(before, path), value_at(before, path)):
            await patch(client, here, nested(path, flag))
            assert await read(client, here) == laid(before, {path: flag}), path


async def test_null_clears_a_value_and_nothing_else(client, new):
    for name, path, value in CLEARS:
        here = f"{await new()}/{name}"
        before = await read(client, here)
        for sent in (value, None):
            await patch(client, here, nested(path, sent))
            assert await read(client, here) == laid(before, {path: sent}), path


async def test_a_named_action_writes_what_it_says(client, new):
    for name, action, body, written in ACTIONS:
        here = f"{await new()}/{name}"
        before = await read(client, here)
        await act(client, f"{here}/{action}", body)
        assert await read(client, here) == laid(before, written), action


async def test_what_one_action_sets_another_takes_back(client, at):
    for name, action, body, undone_by in (
        ("shipping", "set_delivery_date", {"date": "2027-03-01"}, "set_delivery_asap"),
        ("shipping", "set_delivery_window", {"days": 14}, "set_delivery_asap"),
        ("advanced", "detach_from_shopify_selling_plan", {}, "attach_to_shopify_selling_plan"),
    ):
        here = f"{at}/{name}"
        before = await read(client, here)
        assert await act(client, f"{here}/{action}", body) != before
        assert await act(client, f"{here}/{undone_by}", {}) == before, action


def test_every_named_action_is_tried_here():
    path = "/preorders/offers/{id}/"
    documents = {one.name: one for one in CAPABILITIES}
    declared = {
        tuple(action.path.removeprefix(path).split("/"))
        for action in offers.ACTIONS
        if action.method == "POST" and action.path.removeprefix(path).split("/")[0] in documents
    }
    assert declared - {(name, action) for name, action, *_ in ACTIONS} == ELSEWHERE


@pytest.mark.parametrize(
    ("path", "accepted", "refused", "reason"),
    [
        ("sequential_number", False, True, "fulfillment.split.tag"),
        ("transaction_gateway", None, "Store Credit", "/preorders/orders/{id}/payments"),
    ],
)
async def test_a_split_has_neither_a_name_nor_a_transaction_of_its_own(
    client, at, path, accepted, refused, reason
):
    before = await read(client, f"{at}/shipping")
    split = {path: refused}
    for where, body, field in (
        (f"{at}/shipping", {"fulfillment": {"split": split}}, f"fulfillment.split.{path}"),
        (
            at,
            {"shipping": {"fulfillment": {"split": split}}},
            f"shipping.fulfillment.split.{path}",
        ),
    ):
        answer = await client.patch(where, json=body)
        assert answer.status_code == 422, answer.text
        (sentence,) = answer.json()["errors"]
        assert sentence.startswith(f"{field} can only be")
        assert reason in sentence
    made = await client.post(
        "/preorders/offers", json={"shipping": {"fulfillment": {"split": split}}}
    )
    assert made.status_code == 422
    assert await read(client, f"{at}/shipping") == before
    await patch(client, f"{at}/shipping", {"fulfillment": {"split": {path: accepted}}})
    assert await read(client, f"{at}/shipping") == before


async def test_the_gateway_of_a_split_is_refused_by_its_action_too(client, at):
    here = f"{at}/shipping/set_split_transaction_gateway"
    answer = await client.post(here, json={"gateway": "Store Credit"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0].startswith("gateway can only be null: ")
