"""Shopify merges fulfillment orders when a hold is released: ids that are gone, and splits undone."""

import pytest

from openstoq.commerce.inbound import FulfillmentOrderChanged
from openstoq.commerce.shopify.adapter import ShopifyShop
from openstoq.preorders.orders.jobs import on_news, read_order
from openstoq.shops.inbound_webhooks.jobs import News

IN_STEP = {"state": "synced", "error": None}


@pytest.fixture
async def mixed(market, plans, variants):
    """Place an order of a preorder and of other goods, of which the preorder is held."""
    return await market.place((variants[0], plans["partial"], 2), (variants[5], None, 1))


async def at_work(market, order):
    """Return the fulfillment orders with something left to be sent: statuses and variants."""
    return sorted(
        (one["status"], sorted(line["variant_id"] for line in one["lines"]))
        for one in await market.parcels(order)
        if one["lines"]
    )


async def in_step(market, order):
    """Read an order as callers see it; it must be in step with Shopify."""
    told = await market.read(order)
    assert told["sync"] == IN_STEP
    return told


async def test_what_was_merged_on_release_is_held_in_part_again(market, mixed, variants):
    held = [("ON_HOLD", [variants[0]]), ("OPEN", [variants[5]])]
    for _ in range(2):
        assert await at_work(market, mixed) == held
        assert (await in_step(market, mixed))["all_held"]
        await market.ask(mixed, "fulfillment/release_holds")
        assert await at_work(market, mixed) == [("OPEN", sorted([variants[0], variants[5]]))]
        assert not (await in_step(market, mixed))["any_held"]
        await market.ask(mixed, "fulfillment/apply_holds")
    assert await at_work(market, mixed) == held
    await market.happen(mixed, "pay")
    await market.ask(mixed, "release")
    await market.happen(mixed, "fulfill")
    assert await market.state(mixed) == "fulfilled"


async def test_an_unpaid_preorder_that_was_released_and_merged_is_held_alone_again(
    market, mixed, variants
):
    await market.happen(mixed, "release")
    assert await at_work(market, mixed) == [("ON_HOLD", [variants[0]]), ("OPEN", [variants[5]])]
    assert (await in_step(market, mixed))["state"] == "awaiting_balance"


async def test_a_released_preorder_is_sent_apart_although_the_release_merges(
    market, client, offer, plans, variants
):
    await client.patch(
        f"{offer}/shipping", json={"fulfillment": {"hold": True, "split": {"enabled": True}}}
    )
    order = await market.place((variants[0], plans["full"], 2), (variants[5], None, 1))
    await market.ask(order, "release")
    apart = [("OPEN", [variants[0]]), ("OPEN", [variants[5]])]
    assert await at_work(market, order) == sorted(apart)
    # Somebody else holds a part of it and releases it again, which merges what we had split.
    one = next(each for each in await market.parcels(order) if each["lines"])
    path = f"fulfillment_orders/{one['id']}"
    await market.site.control("POST", f"{path}/holds", {"by": "another_app"})
    await market.tell(order)
    await market.site.control("POST", f"{path}/release", {})
    assert len(await at_work(market, order)) == 1
    await market.tell(order)
    assert await at_work(market, order) == sorted(apart)
    await in_step(market, order)


@pytest.mark.parametrize("call", ["hold", "split_fulfillment_order"])
async def test_a_fulfillment_order_that_is_merged_away_meanwhile_is_found_again(
    market, client, offer, plans, variants, monkeypatch, call
):
    await client.patch(f"{offer}/shipping", json={"fulfillment": {"hold": False}})
    order = await market.place((variants[0], plans["full"], 1), (variants[5], None, 2))
    (parcel,) = await market.parcels(order)
    other = next(line for line in parcel["lines"] if line["variant_id"] == variants[5])
    rows = [{"line_item_id": other["line_item_id"], "quantity": 1}]
    path = f"fulfillment_orders/{parcel['id']}"
    body = {"by": "another_app", "lines": rows}
    await market.site.control("POST", f"{path}/holds", body)
    await market.tell(order)
    asked = getattr(ShopifyShop, call)
    refused = []

    async def released_meanwhile(shop, number, *arguments, **named):
        refused.append(number)
        if len(refused) == 1:
            await market.site.control("POST", f"{path}/release", {})
        await asked(shop, number, *arguments, **named)

    monkeypatch.setattr(ShopifyShop, call, released_meanwhile)
    is_hold = call == "hold"
    await market.ask(order, "hold_fulfillments" if is_hold else "split_fulfillment_orders")
    assert len(set(refused)) == 2, "the one that is gone, and the one that it was merged into"
    status = "ON_HOLD" if is_hold else "OPEN"
    apart = [(status, [variants[0]]), ("OPEN", [variants[5]])]
    assert await at_work(market, order) == sorted(apart)
    await in_step(market, order)


async def test_news_of_a_merge_into_a_new_fulfillment_order_is_known_by_its_parts(market, mixed):
    known = (await market.parcels(mixed))[0]["id"]
    for ids, wanted in (((5, known), [{"order_id": mixed["id"]}]), ((5, 6), [])):
        async with market.runtime.work(market.shop.id, request_id="test") as work:
            await on_news(work, News(FulfillmentOrderChanged(ids), market.runtime.clock()))
            found = [one.arguments for one in work.effects if one.job == read_order.name]
        assert found == wanted
