"""What a failed job left is taken up: money under way never waits for an operator."""

from factories.preorders import at
from factories.sandboxed import did
from openstoq.preorders.orders.resuming import resume


async def abandoned(market, table):
    """The jobs are gone, and an hour has passed."""
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("DELETE FROM queue.pgqueuer")
        await db.execute(f"UPDATE {table} SET updated_at = updated_at - interval '1 hour'")  # noqa: S608 - a constant


async def test_charges_and_refunds_go_on(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.site.control("PATCH", "charges", {"delay": 0.2})
    await did(market.client, f"{at(order)}/payments/charge_balance")
    await abandoned(market, "preorder_payments")
    await market.run(resume)
    assert await market.state(order) == "balance_collected"
    assert len(await market.charges()) == 1
    await did(market.client, f"{at(order)}/payments/refund")
    await abandoned(market, "preorder_payments")
    await market.run(resume)
    assert await market.state(order) == "refunded"
    assert len((await market.in_shop(order))["refunds"]) == 2


async def test_orders_are_made_so_in_the_shop(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1))
    await did(market.client, f"{at(order)}/release")
    await abandoned(market, "preorder_orders")
    await market.run(resume)
    assert (await market.parcels(order))[0]["holds"] == []
    assert (await market.read(order))["sync"]["state"] == "synced"
