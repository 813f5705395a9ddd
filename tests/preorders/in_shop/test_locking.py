"""Who works on an order locks its name before its row, so that no two wait for each other."""

from factories.apps import until
from factories.catalogs import somebody_waits
from factories.sandboxed import idle, run
from openstoq.preorders.orders import store
from openstoq.preorders.orders.sync import sync_order


async def test_a_sync_that_waits_for_a_reader_holds_nothing_of_the_order(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    async with market.database.transaction(market.shop.id) as db:
        await store.lock_name(db, market.shop.id, order["id"])
        await run(market.runtime, market.shop, sync_order, order_id=order["id"])
        await until(lambda: somebody_waits(market.database))
        await db.execute(
            "SELECT FROM preorder_orders WHERE order_id = $1 FOR UPDATE NOWAIT", order["id"]
        )
    await idle(market.database)
    assert (await market.read(order))["sync"] == {"state": "synced", "error": None}
