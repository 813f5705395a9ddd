"""Orders that come before we know the plan they were bought by: the answer that names it was lost."""

import pytest

from openstoq.jobs.queue import waiting_arguments
from openstoq.preorders.orders.jobs import read_order
from tests.factories.patience import until
from tests.factories.sandboxed import all_jobs_done
from tests.factories.waitlists import run_of


@pytest.fixture
async def forgotten(market, plans):
    """The shop has the plans; we have not heard of them yet."""
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("DELETE FROM offer_plans")
        await db.execute("UPDATE offers SET plan_group_digest = NULL, revision = revision + 1")


async def is_read_again(market):
    async with market.database.transaction(market.shop.id) as db:
        return bool(await waiting_arguments(db, market.shop.id, read_order.name))


async def time_passes(market):
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE queue.pgqueuer SET execute_after = now()")


async def test_an_order_by_a_plan_that_may_be_ours_is_read_again(
    market, client, offer, plans, variants, forgotten
):
    order = await market.buy((variants[0], plans["full"], 1))
    await read_order.handler(run_of(market.runtime, market.shop), order_id=order["id"])
    assert (await client.get(f"/preorders/orders/{order['id']}")).status_code == 404
    assert await is_read_again(market)
    # The change has the group written again, and now its plans are known.
    await client.patch(offer, json={"name": "Drop"})

    async def is_known():
        async with market.database.transaction(market.shop.id) as db:
            return await db.fetchval("SELECT count(*) FROM offer_plans") == 2

    await until(is_known)
    await time_passes(market)
    await all_jobs_done(market.database)
    assert await market.state(order) == "placed"


async def test_an_order_by_somebody_elses_plan_is_no_preorder(market, client, plans, variants):
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("DELETE FROM offer_plans")
    order = await market.buy((variants[0], plans["full"], 1))
    await read_order.handler(run_of(market.runtime, market.shop), order_id=order["id"])
    assert not await is_read_again(market)
