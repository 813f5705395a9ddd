"""What a failed job left is taken up: money under way never waits for an operator."""

from openstoq.jobs.work import Run
from openstoq.preorders.orders.payments.charges import charge
from openstoq.preorders.orders.recovery.jobs import resume
from tests.factories.patience import until
from tests.factories.preorders import order_path
from tests.factories.sandboxed import accepted, all_jobs_done


async def abandoned(market, order, action, table):
    """Ask for something whose job is gone before it began, and have an hour pass."""
    await market.worker.stop()
    await accepted(market.client, f"{order_path(order)}/{action}")
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("DELETE FROM queue.pgqueuer")
        await db.execute(f"UPDATE {table} SET updated_at = updated_at - interval '1 hour'")  # noqa: S608 - a constant
    market.worker.start()
    await market.run(resume)


async def test_charges_and_refunds_go_on(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await abandoned(market, order, "payments/charge_balance", "preorder_payments")
    assert await market.state(order) == "balance_collected"
    assert len(await market.charges()) == 1
    await abandoned(market, order, "payments/refund", "preorder_payments")
    assert await market.state(order) == "refunded"
    assert len((await market.in_shop(order))["refunds"]) == 2
    async with market.database.transaction(market.shop.id) as db:
        assert not await db.fetchval("SELECT count(*) FROM item_faults")


async def test_a_charge_whose_job_failed_for_good_is_listed_until_it_is_done(
    market, plans, variants
):
    async def listed():
        async with market.database.transaction(market.shop.id) as db:
            return [row["kind"] for row in await db.fetch("SELECT kind FROM item_faults")]

    order = await market.place((variants[0], plans["partial"], 1))
    await market.worker.stop()
    await accepted(market.client, f"{order_path(order)}/payments/charge_balance")
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE queue.pgqueuer SET status = 'failed'")
        await db.execute("UPDATE preorder_payments SET updated_at = now() - interval '1 hour'")
    await resume.handler(
        Run(runtime=market.runtime, shop_id=market.shop.id, request_id="test", attempt=0)
    )
    assert await listed() == ["payment"]
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("DELETE FROM queue.pgqueuer WHERE status = 'failed'")
    market.worker.start()
    await all_jobs_done(market.database)
    assert await market.state(order) == "balance_collected"
    await market.run(resume)
    assert await listed() == []


async def test_orders_are_made_so_in_the_shop(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1))
    await abandoned(market, order, "release", "preorder_orders")
    assert (await market.parcels(order))[0]["holds"] == []
    assert (await market.read(order))["sync"]["state"] == "synced"


async def test_a_charge_that_waits_for_its_shopper_keeps_to_one_job(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="needs_authentication")
    await accepted(market.client, f"{order_path(order)}/payments/charge_balance")

    async def waits():
        return (await market.read(order))["payments"]["balance"]["status"] == "authenticate"

    async def is_looked_for():
        async with market.database.transaction(None) as db:
            jobs = await db.fetch("SELECT entrypoint FROM queue.pgqueuer")
        return [job["entrypoint"] for job in jobs] == [charge.name]

    await until(waits)
    await until(is_looked_for)
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE preorder_payments SET updated_at = now() - interval '1 hour'")
    async with market.runtime.work(market.shop.id, request_id="test") as work:
        work.enqueue(resume)
    await until(is_looked_for)
    await market.site.control("POST", f"orders/{order['id']}/authenticate", {})
    await all_jobs_done(market.database)
    assert await market.state(order) == "balance_collected"
