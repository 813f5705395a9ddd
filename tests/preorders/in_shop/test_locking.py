"""Who works on orders, offers and variants locks in one order, so that no two wait for each other.

An order's name, its row, its offers, and its variants by their ids.
"""

import asyncio

import asyncpg
import pytest

from openstoq.preorders.offers.storefront.jobs import sync_storefront
from openstoq.preorders.orders import store
from openstoq.preorders.orders.sync.jobs import sync_order
from tests.factories.catalogs import somebody_waits
from tests.factories.patience import until
from tests.factories.preorders import order_path
from tests.factories.sandboxed import accepted, all_jobs_done, run


async def test_a_sync_that_waits_for_a_reader_holds_nothing_of_the_order(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    async with market.database.transaction(market.shop.id) as db:
        await store.lock_name(db, market.shop.id, order["id"])
        await run(market.runtime, market.shop, sync_order, order_id=order["id"])
        await until(lambda: somebody_waits(market.database))
        # If it did, this would be a deadlock.
        await db.execute("SELECT FROM preorder_orders WHERE order_id = $1 FOR UPDATE", order["id"])
    await all_jobs_done(market.database)
    assert (await market.read(order))["sync"] == {"state": "synced", "error": None}


async def test_a_cancel_locks_its_offer_and_then_its_variants_in_turn(market, plans, variants):
    first, second = sorted(variants[:2])
    order = await market.place((second, plans["full"], 1), (first, plans["full"], 1))
    variant = "SELECT FROM preorder_variants WHERE variant_id = $1 FOR UPDATE NOWAIT"
    async with market.database.transaction(market.shop.id) as db:
        await db.execute(variant, first)
        cancelling = asyncio.create_task(market.client.post(f"{order_path(order)}/cancel", json={}))
        await until(lambda: somebody_waits(market.database))
        await db.execute(variant, second)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await db.execute("SELECT FROM offers FOR NO KEY UPDATE NOWAIT")
        await db.execute("ROLLBACK")
        await db.execute("BEGIN")
    assert (await cancelling).status_code == 202
    await all_jobs_done(market.database)
    counts = [
        (await market.client.get(f"/preorders/product_variants/{one}")).json()["preorder_count"]
        for one in (first, second)
    ]
    assert counts == [0, 0]


@pytest.mark.parametrize("what", ["detach_from_all_offers", "sync_metafields"])
async def test_who_changes_a_variant_locks_its_offers_before(market, plans, variants, what):
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("SELECT FROM offers FOR UPDATE")
        path = f"/preorders/product_variants/{variants[0]}/{what}"
        changing = asyncio.create_task(market.client.post(path, json={}))
        await until(lambda: somebody_waits(market.database))
        await db.execute(
            "SELECT FROM preorder_variants WHERE variant_id = $1 FOR UPDATE NOWAIT", variants[0]
        )
    assert (await changing).status_code == 202
    await all_jobs_done(market.database)


async def test_who_excludes_a_variant_locks_the_offers_with_all_variants_before(
    market, plans, variants
):
    other = await accepted(market.client, "/preorders/offers", name="All but that one")
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE offers SET source = 'all' WHERE id = $1", other["id"])
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("SELECT FROM offers WHERE id = $1 FOR NO KEY UPDATE", other["id"])
        path = f"/preorders/product_variants/{variants[0]}/detach_from_all_offers"
        detaching = asyncio.create_task(market.client.post(path, json={}))
        await until(lambda: somebody_waits(market.database))
        await db.execute(
            "SELECT FROM preorder_variants WHERE variant_id = $1 FOR UPDATE NOWAIT", variants[0]
        )
    assert (await detaching).status_code == 202
    read = await market.client.get(f"/preorders/offers/{other['id']}/products")
    assert read.json()["all"]["excluded_variant_ids"] == [variants[0]]
    await all_jobs_done(market.database)


async def test_who_decides_whether_variants_are_sold_out_locks_their_offers_before(
    market, plans, variants
):
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE preorder_variants SET revision = revision + 1")
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("SELECT FROM offers FOR NO KEY UPDATE")
        await run(market.runtime, market.shop, sync_storefront)
        await until(lambda: somebody_waits(market.database))
        await db.execute("SELECT FROM preorder_variants FOR UPDATE NOWAIT")
    await all_jobs_done(market.database)
