"""A PATCH that is wrong in many ways is told of each of them once, and changes nothing."""

import pytest

from openstoq.actions.validation import remainder
from openstoq.preorders.offers.actions.offers import OfferPatch

NO_AMOUNT = (
    "must be a decimal number such as 12.50, not negative, of at most 12 digits and 4 decimals"
)
BELOW = "must be at least 1"
ORDER = "limits.per_order has a min of 5 above its max of 2"
# Of each document something that its fields forbid, that it does not have, or that does not fit
# together; and what is said of it.
WRONG = {
    "widget": (
        {"badge": {"enabled": "yes", "text": "New", "wobble": 1}},
        ["widget.badge.enabled must be true or false", "widget.badge.wobble is not a known field"],
    ),
    "inventory": (
        {"provider": "me"},
        ["inventory.provider must be one of: stoq, shopify"],
    ),
    "shipping": (
        {"delivery": {"type": "window"}, "fulfillment": {"split": {"tag": 5}}},
        [
            "shipping.delivery needs days for the type window",
            "shipping.fulfillment.split.tag must be a string",
        ],
    ),
    "payments": (
        {"discount": {"type": "percentage", "value": 200}, "remaining_balance": {"days": "x"}},
        [
            "payments.discount of type percentage must have a value of at most 100",
            "payments.remaining_balance.days must be an integer",
        ],
    ),
    "limits": (
        {"per_order": {"min": 5, "max": 2, "wobble": 1}, "total": {"max": 0}},
        [ORDER, "limits.per_order.wobble is not a known field", f"limits.total.max {BELOW}"],
    ),
    "checkout": ({"order_tags": ["a", 5]}, ["checkout.order_tags.1 must be a string"]),
    "markets": (5, ["markets must be an object"]),
    "nothing": ({}, ["nothing is not a known field"]),
    "name": ("", ["name must be at least 1 characters long"]),
}


async def refused(client, at, body):
    before = (await client.get(at)).json()
    answer = await client.patch(at, json=body)
    assert answer.status_code == 422, answer.text
    assert (await client.get(at)).json() == before
    return sorted(answer.json()["errors"])


@pytest.fixture
def at(offer_id):
    return f"/preorders/offers/{offer_id}"


async def test_an_offers_patch_names_every_problem_of_every_document(client, at):
    body = {name: sent for name, (sent, _) in WRONG.items()}
    expected = sorted(said for _, sentences in WRONG.values() for said in sentences)
    assert await refused(client, at, body) == expected


@pytest.mark.parametrize("name", ["widget", "shipping", "payments", "limits", "checkout"])
async def test_a_documents_own_patch_names_every_problem_of_it(client, at, name):
    sent, said = WRONG[name]
    expected = sorted(sentence.removeprefix(f"{name}.") for sentence in said)
    assert await refused(client, f"{at}/{name}", sent) == expected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"discount": {"type": "percentage", "value": "lots"}},
            f"discount.value {NO_AMOUNT}",
        ),
        (
            {"discount": {"type": "half", "value": 200}},
            "discount.type must be one of: percentage, price, fixed_amount, no_discount",
        ),
        (
            {"discount": {"type": "price", "value": 10**13}},
            "discount.value must have at most 12 digits before its point",
        ),
        (
            {"remaining_balance": {"due": "exact_time", "date": "some day"}},
            "remaining_balance.date must be a date (YYYY-MM-DD) or a date and time (RFC 3339)",
        ),
    ],
)
async def test_what_is_wrong_only_for_want_of_an_unread_field_is_not_said_too(
    client, at, body, said
):
    (sentence,) = await refused(client, f"{at}/payments", body)
    assert sentence == said


async def test_without_such_an_offer_the_request_alone_is_judged(client):
    at = "/preorders/offers/019a0000-0000-7000-8000-000000000000"
    answer = await client.patch(at, json={"nope": 1, "limits": {"per_order": {"min": 5, "max": 2}}})
    assert (answer.status_code, answer.json()) == (422, {"errors": ["nope is not a known field"]})


@pytest.mark.parametrize("body", [b"", b" "])
async def test_a_selection_without_a_body_is_told_what_it_lacks(client, at, body):
    answer = await client.patch(f"{at}/products", content=body)
    assert (answer.status_code, answer.json()) == (422, {"errors": ["source is required"]})


async def test_the_selection_of_products_is_judged_as_a_whole(client, at):
    body = {"source": "all", "collection": {"collection_id": 5}, "custom": {}, "confirm": 1}
    assert await refused(client, f"{at}/products", body) == [
        "collection may only be sent with source collection",
        "confirm must be true or false",
        "custom may only be sent with source custom",
    ]
    assert await refused(client, f"{at}/products", {"source": "all", "nope": 1}) == [
        "confirm must be true: the offer would apply to every variant in the shop",
        "nope is not a known field",
    ]
    assert await refused(client, f"{at}/products", {"source": "collection", "nope": 1}) == [
        "collection.collection_id is required for the source collection",
        "nope is not a known field",
    ]


@pytest.mark.parametrize(
    ("sent", "rest", "unread"),
    [
        (b'{"name": 5, "internal_name": "x"}', {"internal_name": "x"}, {("name",)}),
        (b'{"markets": {"market_ids": [1, "x", "y"], "enabled": true}}',
         {"markets": {"enabled": True}}, {("markets", "market_ids")}),
        (b'{"limits": {"total": {"max": 99999999999999999999999}}, "name": "A"}',
         {"limits": {"total": {}}, "name": "A"}, {("limits", "total", "max")}),
        ({"widget": [], "name": "A", "nope": 1}, {"name": "A"}, {("widget",)}),
    ],
)  # fmt: skip
def test_the_rest_of_a_request_is_read_without_what_is_wrong(sent, rest, unread):
    readable, paths = remainder(OfferPatch, sent)
    assert readable.model_dump(mode="json", exclude_unset=True) == rest
    assert paths == unread


async def test_what_depends_on_the_offer_is_said_along_with_broken_requirements(client, at):
    body = {"source": "collection", "custom": {}, "nope": 1}
    assert await refused(client, f"{at}/products", body) == [
        "collection.collection_id is required for the source collection",
        "custom may only be sent with source custom",
        "nope is not a known field",
    ]
