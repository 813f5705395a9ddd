"""Rules of single settings of an offer: deposits, options, discounts, markets, two names."""

from tests.preorders.documents import act, at, patch, read

__all__ = ["at"]


async def test_the_oversell_flag_has_two_names_and_auto_apply_wins(client, at):
    for sent, flag in (
        ({"enabled": False}, False),
        ({"enabled": True}, True),
        ({"auto_apply_to_new_variants": False}, False),
        ({"auto_apply_to_new_variants": True, "enabled": False}, True),
        ({"enabled": True, "auto_apply_to_new_variants": False}, False),
    ):
        await patch(client, f"{at}/inventory", {"continue_selling": sent})
        both = {"enabled": flag, "auto_apply_to_new_variants": flag}
        assert (await read(client, f"{at}/inventory"))["continue_selling"] == both, sent


async def test_text_is_ends_text_and_the_explicit_name_wins(client, at):
    here = f"{at}/countdown"
    await patch(client, here, {"text": "By alias"})
    assert (await read(client, here))["ends_text"] == "By alias"
    await patch(client, here, {"text": "By alias", "ends_text": "By name"})
    assert (await read(client, here))["ends_text"] == "By name"


async def test_markets_named_by_gid_or_number_scope_the_offer_until_cleared(client, at):
    here = f"{at}/markets"
    ids = ["gid://shopify/Market/123", 7]
    await patch(client, here, {"enabled": True, "market_ids": ids})
    scoped = {"enabled": True, "market_ids": [123, 7], "applies_to_all_markets": False}
    assert await read(client, here) == scoped
    await patch(client, here, {"enabled": True, "applies_to_all_markets": True})
    everywhere = {"enabled": True, "market_ids": [], "applies_to_all_markets": True}
    assert await read(client, here) == everywhere
    await act(client, f"{here}/set_markets", {"market_ids": [5]})
    await act(client, f"{here}/add_market", {"market_id": 6})
    await act(client, f"{here}/remove_market", {"market_id": 5})
    assert (await read(client, here))["market_ids"] == [6]


async def test_billing_widget_and_first_option_share_their_copy(client, at):
    await patch(client, f"{at}/widget", {"billing_widget": {"title": "A", "description": "B"}})
    full = (await read(client, f"{at}/payments"))["options"]["full"]
    assert (full["billing_title"], full["billing_description"]) == ("A", "B")
    body = {"option_type": "full", "billing_title": "C"}
    await act(client, f"{at}/payments/set_option_copy", body)
    widget = (await read(client, f"{at}/widget"))["billing_widget"]
    assert (widget["title"], widget["description"]) == ("C", "B")


async def test_a_deposit_needs_a_partial_option_and_1_to_99_percent(client, at):
    here = f"{at}/payments"
    refused = await client.post(f"{here}/set_deposit_percent", json={"percent": 30})
    assert refused.status_code == 409
    await act(client, f"{here}/set_mode", {"mode": "partial"})
    for percent in (0, 100):
        answer = await client.post(f"{here}/set_deposit_percent", json={"percent": percent})
        assert answer.status_code == 422
    for percent in (1, 99):
        await act(client, f"{here}/set_deposit_percent", {"percent": percent})
        assert (await read(client, here))["options"]["partial"]["deposit"]["percent"] == percent


async def test_options_come_and_go_but_never_the_last_and_keep_their_copy(client, at):
    here = f"{at}/payments"
    last = await client.post(f"{here}/disable_option", json={"option_type": "full"})
    assert last.status_code == 409
    await act(client, f"{here}/enable_option", {"option_type": "partial"})
    once = await read(client, here)
    assert once["mode"] == "full_and_partial"
    await act(client, f"{here}/enable_option", {"option_type": "partial"})
    assert await read(client, here) == once
    body = {"option_type": "partial", "billing_title": "Deposit now"}
    await act(client, f"{here}/set_option_copy", body)
    await act(client, f"{here}/set_mode", {"mode": "partial"})
    kept = await read(client, here)
    assert kept["mode"] == "partial"
    assert kept["options"]["full"] is None
    assert kept["options"]["partial"]["billing_title"] == "Deposit now"


async def test_no_discount_nulls_the_value(client, at):
    here = f"{at}/payments"
    for kind in ("percentage", "price", "fixed_amount"):
        await act(client, f"{here}/set_discount", {"type": kind, "value": 10})
        found = (await read(client, here))["discount"]
        assert (found["type"], float(found["value"])) == (kind, 10)
        await patch(client, here, {"discount": {"type": "no_discount"}})
        cleared = {"type": "no_discount", "value": None}
        assert (await read(client, here))["discount"] == cleared, kind


async def test_a_discount_text_goes_to_every_option_or_to_one(client, at):
    here = f"{at}/payments"
    await act(client, f"{here}/set_mode", {"mode": "full_and_partial"})
    await act(client, f"{here}/set_discount_text", {"text": "Save {{ discount }}"})
    await act(client, f"{here}/set_discount_text", {"text": "Half", "option_type": "partial"})
    options = (await read(client, here))["options"]
    assert options["full"]["discount_text"] == "Save {{ discount }}"
    assert options["partial"]["discount_text"] == "Half"


async def test_an_unknown_field_is_named_by_its_path(client, at):
    answer = await client.patch(f"{at}/widget", json={"badge": {"wobble": True}})
    assert answer.status_code == 422
    assert "badge.wobble" in answer.text


async def test_the_offers_own_patch_reports_the_problems_of_all_documents(client, at):
    before = await read(client, at)
    body = {
        "name": "Changed",
        "limits": {"per_order": {"min": 5, "max": 2}},
        "shipping": {"delivery": {"type": "window"}},
        "payments": {"discount": {"type": "percentage", "value": 101}},
    }
    answer = await client.patch(at, json=body)
    assert answer.status_code == 422
    for name in ("limits.per_order", "shipping.delivery", "payments.discount"):
        assert name in answer.text
    assert await read(client, at) == before
