"""The values of a plan by their types: a change of one leaves all the others as they are."""

import pytest

from tests.preorders.test_v1_plans import created

BILLED = {
    "billing_checkout_charge_type": "price",
    "billing_checkout_charge_percentage": 12.5,
    "billing_checkout_charge_amount": 25,
    "billing_at": "2099-01-01T00:00:00Z",
    "billing_after_n_intervals": 45,
    "billing_title": "Reserve yours",
    "billing_description": "The rest when it ships",
    "discount_text": "{{ discount }} off",
    "pricing_type": "percentage",
    "pricing_percentage": 15,
    "delivery_after_n_intervals": 14,
    "delivery_at": "2027-03-01T00:00:00Z",
    "product_variants_source_id": 5,
}


@pytest.mark.parametrize(
    "change",
    [
        {"billing_type": "no_remaining_balance"},
        {"billing_type": "exact_time"},
        {"billing_checkout_charge_type": "percentage"},
        {"billing_checkout_charge_percentage": 100},
        {"billing_checkout_charge_amount": 0},
        {"pricing_type": "no_discount"},
        {"pricing_amount": 15},
        {"delivery_type": "exact_time"},
        {"delivery_type": "unknown"},
        {"delivery_type": "anchor"},
        {"product_variants_source": "collection"},
        {"inventory_reserve_type": "on_fulfillment"},
        {"markets_enabled": False},
    ],
)
async def test_put_leaves_what_was_not_sent_there_and_back(v1, change):
    plan = await created(v1, **BILLED)
    assert {name: plan[name] for name in BILLED} == BILLED
    at = f"/preorders/{plan['id']}"
    for sent in (change, {name: plan[name] for name in change}):
        put = await v1.put(at, json={"selling_plan": sent})
        assert put.status_code == 200, put.text
        moved = {"updated_at": None, "ongoing_job": None}
        assert put.json() | moved == plan | sent | moved
        assert (await v1.get(at)).json() | moved == plan | sent | moved


async def test_fifteen_percent_never_become_fifteen_dollars(v1, client):
    plan = await created(v1, pricing_type="percentage", pricing_percentage=15)
    at = f"/preorders/{plan['id']}"
    for kind in ("price", "fixed_amount"):
        refused = await v1.put(at, json={"selling_plan": {"pricing_type": kind}})
        assert refused.status_code == 422
        assert refused.json() == {
            "errors": {"pricing_amount": [f"is required for the pricing_type {kind}"]}
        }
    for sent in ({"pricing_type": "no_discount"}, {"pricing_type": "percentage"}):
        assert (await v1.put(at, json={"selling_plan": sent})).status_code == 200
    offer = (await client.get(f"/preorders/offers/{plan['id']}")).json()
    assert offer["payments"]["discount"] == {"type": "percentage", "value": "15"}


async def test_a_deposit_of_v2_waits_while_the_plan_has_none(v1, client, offer_id):
    at = f"/preorders/offers/{offer_id}/payments"
    await client.post(f"{at}/set_mode", json={"mode": "partial"})
    await client.post(f"{at}/set_deposit_percent", json={"percent": 35})
    for kind, mode in (("no_remaining_balance", "full"), ("time_after_checkout", "partial")):
        body = {"selling_plan": {"billing_type": kind}}
        assert (await v1.put(f"/preorders/{offer_id}", json=body)).status_code == 200
        assert (await client.get(at)).json()["mode"] == mode
    assert (await client.get(at)).json()["options"]["partial"]["deposit"]["percent"] == 35


async def test_a_market_scope_without_markets_is_shown_as_none(v1, client, offer_id):
    await client.post(f"/preorders/offers/{offer_id}/markets/set_markets", json={"market_ids": []})
    at = f"/preorders/{offer_id}"
    assert (await v1.get(at)).json()["markets_enabled"] is False
    await v1.put(at, json={"selling_plan": {"shopify_market_ids": [5]}})
    plan = (await v1.get(at)).json()
    assert (plan["markets_enabled"], plan["shopify_market_ids"]) == (False, [5])
