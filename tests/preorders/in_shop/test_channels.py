"""Orders at the point of sale and of companies, taken in from a running shop."""

import pytest

from tests.factories.sandboxed import all_jobs_done
from tests.preorders.counters import counter, storefront

__all__ = ["counter", "storefront"]

STORE, COMPANY = {"point_of_sale": {}}, {"company": {"name": "Acme"}}


@pytest.fixture
def switch(client, database, offer):
    """Turn an integration of the offer on."""

    async def switch(**integrations):
        answer = await client.patch(f"{offer}/integrations", json=integrations)
        assert answer.status_code == 202, answer.text
        await all_jobs_done(database)

    return switch


async def is_preorder(market, order):
    answer = await market.client.get(f"/preorders/orders/{order['id']}")
    assert answer.status_code in (200, 404)
    return answer.status_code == 200


@pytest.mark.parametrize("place", [STORE, COMPANY])
async def test_without_the_switch_an_order_is_an_ordinary_one(market, counter, place):
    await counter.stock(0)
    order = await market.place((counter.variant, None, 1), **place)
    assert not await is_preorder(market, order)
    assert (await market.in_shop(order))["tags"] == []
    assert {one["status"] for one in await market.parcels(order)} == {"OPEN"}


@pytest.mark.parametrize(
    ("place", "switches"),
    [(STORE, {"pos": {"enabled": True}}), (COMPANY, {"b2b": {"enabled": True}})],
)
async def test_with_the_switch_it_is_a_preorder_paid_in_full(
    market, counter, switch, place, switches
):
    await switch(**switches)
    await counter.limit(most=2)
    await counter.stock(0)
    order = await market.place((counter.variant, None, 2), **place)
    told = await market.read(order)
    assert (told["state"], told["payments"]["balance"]["amount"]) == ("placed", "0.00")
    assert told["payments"]["deposit"]["amount"] == order["total"]
    assert [one["status"] for one in await market.parcels(order)] == ["ON_HOLD"]
    assert "Preorder" in (await market.in_shop(order))["tags"]
    # It counts like any other, so the variant has sold out.
    assert await counter.policy() == "DENY"
    await market.ask(order, "release")
    assert await market.state(order) == "released"


async def test_what_the_store_has_is_sold_and_not_preordered(market, counter, switch):
    await switch(pos={"enabled": True})
    await counter.stock(1)
    assert not await is_preorder(market, await market.place((counter.variant, None, 1), **STORE))
    # The unit is gone now, whether or not the catalogue has heard of it.
    assert await is_preorder(market, await market.place((counter.variant, None, 1), **STORE))


async def test_the_check_of_the_stock_is_skipped_when_asked(market, counter, switch):
    await switch(pos={"enabled": True, "skip_inventory_check": True})
    await counter.stock(9)
    assert await is_preorder(market, await market.place((counter.variant, None, 1), **STORE))
    carried = {"point_of_sale": {"carried_out": True}}
    assert not await is_preorder(market, await market.place((counter.variant, None, 1), **carried))


async def test_stock_that_runs_out_later_makes_no_preorder_of_a_line(
    market, counter, switch, variants
):
    await switch(pos={"enabled": True})
    await counter.stock(0)
    other = variants[1]
    record = market.site.shop().variants[other]
    there = next(iter(record.inventory_item.levels))
    await market.site.control(
        "POST", "stock", {"variant_id": other, "location_id": there, "available": 9}
    )
    order = await market.place((counter.variant, None, 1), (other, None, 1), **STORE)
    for place in record.inventory_item.levels:
        body = {"variant_id": other, "location_id": place, "available": -9}
        await market.site.control("POST", "stock", body)
    await market.tell(order)
    lines = (await market.read(order))["lines"]
    assert [one["shopify_variant_id"] for one in lines] == [counter.variant]


async def test_an_order_of_the_past_is_no_preorder_when_an_offer_begins(market, counter, switch):
    await switch(b2b={"enabled": True})
    order = await market.buy((counter.variant, None, 1), **COMPANY)
    record = market.site.shop().orders[order["id"]]
    record.created_at = record.created_at.replace(year=2020)
    await market.tell(order)
    assert not await is_preorder(market, order)
