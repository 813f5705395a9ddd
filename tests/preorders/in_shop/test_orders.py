"""Preorders from checkout to release, in a running sandbox with a real worker."""

import pytest

from openstoq.commerce.shopify.adapter import ShopifyShop
from openstoq.preorders.orders.jobs import read_order, reconcile
from tests.factories.sandboxed import accepted, all_jobs_done, run


async def test_a_deposit_order_from_checkout_to_release(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 2))
    told = await market.read(order)
    assert (told["state"], told["shopify_order_id"]) == ("awaiting_balance", order["id"])
    payments = told["payments"]
    assert payments["deposit"]["status"] == "paid"
    assert payments["deposit"]["received"] == order["received"]
    assert payments["balance"]["amount"] == order["outstanding"]
    assert (told["any_held"], told["all_held"]) == (True, True)
    assert "Preorder" in (await market.in_shop(order))["tags"]
    assert "charge_balance" in await market.refusal(order, "release")

    await market.ask(order, "payments/charge_balance", mode="auto")
    told = await market.read(order)
    assert told["state"] == "balance_collected"
    assert told["payments"]["total_outstanding"] == "0.00"
    assert (await market.in_shop(order))["outstanding"] == "0.00"
    (charge,) = await market.charges()
    assert charge["status"] == "SUCCESS"

    await market.ask(order, "release", tag_with="ship-it")
    told = await market.read(order)
    assert (told["state"], told["any_held"]) == ("released", False)
    assert told["sync"] == {"state": "synced", "error": None}
    assert {"Preorder", "ship-it"} <= set((await market.in_shop(order))["tags"])
    (parcel,) = await market.parcels(order)
    assert (parcel["status"], parcel["holds"]) == ("OPEN", [])
    assert "already" in await market.refusal(order, "release")
    await market.happen(order, "fulfill")
    assert await market.state(order) == "fulfilled"


async def test_a_hold_says_why_and_covers_preorders_alone(market, client, offer, plans, variants):
    await client.patch(f"{offer}/shipping", json={"fulfillment": {"hold_reason_note": "Drop 7"}})
    order = await market.place((variants[0], plans["full"], 1), (variants[5], None, 1))
    assert await market.state(order) == "placed"
    held, free = sorted(await market.parcels(order), key=lambda one: one["status"] != "ON_HOLD")
    assert [one["variant_id"] for one in held["lines"]] == [variants[0]]
    (hold,) = held["holds"]
    assert (hold["by"], hold["note"]) == ("app", "Drop 7")
    assert (free["status"], free["holds"]) == ("OPEN", [])
    shown = await market.read(order, "/fulfillment")
    assert (shown["all_held"], shown["any_held"]) == (True, True)
    assert shown["hold_reason_note"] == "Drop 7"

    await market.ask(order, "release")
    one, merged = await market.parcels(order)
    assert (one["id"], one["status"], len(one["lines"])) == (held["id"], "OPEN", 2)
    assert (merged["id"], merged["status"], merged["lines"]) == (free["id"], "CLOSED", [])


async def test_others_holds_are_left_alone(market, site, plans, variants):
    order = await market.place((variants[0], plans["full"], 1))
    (parcel,) = await market.parcels(order)
    await site.control(
        "POST", f"fulfillment_orders/{parcel['id']}/holds", {"by": "another_app", "note": "fraud?"}
    )
    await market.ask(order, "fulfillment/release_holds")
    (parcel,) = await market.parcels(order)
    assert [hold["note"] for hold in parcel["holds"]] == ["fraud?"]
    assert await market.state(order) == "released"
    await market.ask(order, "fulfillment/apply_holds")
    (parcel,) = await market.parcels(order)
    assert sorted(hold["by"] for hold in parcel["holds"]) == ["another_app", "app"]
    assert await market.state(order) == "placed"
    await market.ask(order, "hold_fulfillments")
    assert len((await market.parcels(order))[0]["holds"]) == 2


async def test_holds_are_released_whatever_is_owed_and_without_tags(market, site, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    tags = (await market.in_shop(order))["tags"]
    assert await market.refusal(order, "release")
    for _ in range(2):
        await market.ask(order, "fulfillment/release_holds")
        (parcel,) = await market.parcels(order)
        assert (parcel["status"], parcel["holds"]) == ("OPEN", [])
        assert await market.state(order) == "released"
    assert (await market.in_shop(order))["tags"] == tags
    assert (await market.read(order, "/payments"))["total_outstanding"] != "0.00"


async def test_a_hold_taken_off_by_hand_is_believed(market, site, plans, variants):
    order = await market.place((variants[0], plans["full"], 1))
    (parcel,) = await market.parcels(order)
    await site.control("POST", f"fulfillment_orders/{parcel['id']}/release", {})
    await market.tell(order)
    assert await market.state(order) == "released"
    assert (await market.parcels(order))[0]["holds"] == []


async def test_an_unpaid_preorder_that_somebody_releases_is_held_again(
    market, site, plans, variants
):
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE shops SET email = 'merchant@example.com'")
    order = await market.place((variants[0], plans["partial"], 1))
    for _ in range(2):
        (parcel,) = await market.parcels(order)
        await site.control("POST", f"fulfillment_orders/{parcel['id']}/release", {})
        await market.tell(order)
        (parcel,) = await market.parcels(order)
        assert [hold["by"] for hold in parcel["holds"]] == ["app"]
        assert await market.state(order) == "awaiting_balance"
    assert market.relay.recipients == ["merchant@example.com"]
    await market.happen(order, "pay")
    await site.control("POST", f"fulfillment_orders/{parcel['id']}/release", {})
    await market.tell(order)
    assert await market.state(order) == "released"


async def test_preorders_are_sent_apart_where_configured(market, client, offer, plans, variants):
    await client.patch(
        f"{offer}/shipping",
        json={"fulfillment": {"hold": False, "split": {"enabled": True, "tag": "split"}}},
    )
    order = await market.place((variants[0], plans["full"], 2), (variants[5], None, 1))
    parcels = await market.parcels(order)
    assert sorted(len(one["lines"]) for one in parcels) == [1, 1]
    assert {one["status"] for one in parcels} == {"OPEN"}
    assert "split" in (await market.in_shop(order))["tags"]


async def test_splitting_on_demand(market, client, offer, plans, variants):
    await client.patch(f"{offer}/shipping", json={"fulfillment": {"hold": False}})
    order = await market.place((variants[0], plans["full"], 2), (variants[5], None, 1))
    assert len(await market.parcels(order)) == 1
    await market.ask(order, "split_fulfillment_orders")
    assert len(await market.parcels(order)) == 2


async def test_an_order_without_preorders_is_none(market, client, variants, offer, database):
    order = await market.place((variants[5], None, 1))
    answer = await client.get(f"/preorders/orders/{order['id']}")
    assert answer.status_code == 404
    async with database.transaction(market.shop.id) as db:
        assert await db.fetchval("SELECT order_id FROM other_orders") == order["id"]


async def test_a_detached_offers_line_is_known_by_its_property(market, client, offer, variants):
    await accepted(client, f"{offer}/advanced/detach_from_shopify_selling_plan")
    offer_id = offer.rpartition("/")[2]
    line = {"variant_id": variants[0], "properties": {"_openstoq_offer": offer_id}}
    order = await market.site.control("POST", "orders", {"lines": [line]})
    await market.tell(order)
    told = await market.read(order)
    assert (told["offer_ids"], told["lines"][0]["payment"]) == ([offer_id], "full")


async def test_a_lost_webhook_is_made_up_for(market, plans, variants):
    order = await market.buy((variants[0], plans["full"], 1))
    await market.buy((variants[5], None, 1))
    await market.run(reconcile)
    assert await market.state(order) == "placed"
    await market.site.control("POST", f"orders/{order['id']}/cancel", {})
    await market.run(reconcile)
    assert await market.state(order) == "cancelled"


async def test_reading_often_and_at_once_changes_nothing(market, database, plans, variants):
    order = await market.buy((variants[0], plans["partial"], 2))
    for _ in range(5):
        await run(market.runtime, market.shop, read_order, order_id=order["id"])
    await all_jobs_done(database)
    before = await market.read(order), await market.ledger(order)
    await market.tell(order)
    after = await market.read(order), await market.ledger(order)
    assert {**after[0], "updated_at": None} == {**before[0], "updated_at": None}
    assert before[1] == after[1] == [("deposit", "checkout", order["received"], "succeeded")]
    counted = (await market.client.get(f"/preorders/product_variants/{variants[0]}")).json()
    assert counted["preorder_count"] == 2


async def test_a_new_preorder_takes_two_readings(market, plans, variants, monkeypatch):
    # Each costs the shop's points, and a drop brings a thousand orders in a minute.
    readings = []
    order = ShopifyShop.order

    async def counted(self, order_id):
        readings.append(order_id)
        return await order(self, order_id)

    monkeypatch.setattr(ShopifyShop, "order", counted)
    placed = await market.place((variants[0], plans["full"], 1))
    assert readings == [placed["id"]] * 2
    assert (await market.read(placed))["sync"] == {"state": "synced", "error": None}


async def test_orders_are_listed_and_filtered(market, client, offer, plans, variants):
    first = await market.place((variants[0], plans["full"], 1))
    second = await market.place((variants[1], plans["partial"], 1))
    listed = (await client.get("/preorders/orders")).json()
    assert [one["shopify_order_id"] for one in listed["orders"]] == [second["id"], first["id"]]
    assert listed["meta"] == {"total_count": 2, "page": 1, "per_page": 25, "total_pages": 1}
    offer_id = offer.rpartition("/")[2]
    for query, found in [
        ({"state": "placed"}, [first]),
        ({"variant_id": variants[1]}, [second]),
        ({"offer_id": offer_id}, [second, first]),
        ({"customer_id": first["customer_id"]}, [second, first]),
        ({"from": "2000-01-01", "to": "2000-01-02"}, []),
        ({"per_page": 1, "page": 2}, [first]),
    ]:
        listed = (await client.get("/preorders/orders", params=query)).json()["orders"]
        assert [one["shopify_order_id"] for one in listed] == [one["id"] for one in found], query
    by_ours = (await client.get("/preorders/orders", params={"state": "placed"})).json()
    ours = by_ours["orders"][0]["id"]
    assert (await client.get(f"/preorders/orders/{ours}")).json()["shopify_order_id"] == first["id"]


@pytest.mark.parametrize("wrong", ["1", "nonsense", "0192d2c8-0000-7000-8000-000000000000", "%00"])
async def test_an_unknown_order_is_not_found(client, worker, wrong):
    answer = await client.get(f"/preorders/orders/{wrong}")
    assert answer.status_code in (404, 422), answer.text
