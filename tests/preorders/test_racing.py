"""Buyers who race for the last units: however many order at once, no more is counted than may be."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from openstoq.db.pool import Database
from openstoq.jobs.queue import waiting_arguments
from openstoq.kernel.clock import utc_now
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.offers.storefront import store as storefront_store
from openstoq.preorders.orders.intake import take_in
from tests.factories.catalogs import somebody_waits
from tests.factories.patience import until
from tests.factories.runtimes import make_runtime
from tests.factories.shop_orders import bought, line, sell
from tests.factories.waitlists import run_of

BUYERS, UNITS, PLAN = 50, 10, 900


@pytest.fixture
async def crowded(database_url):
    """A runtime with a connection for every other buyer, so that many of them wait for locks."""
    pool = await Database.connect(database_url, size=BUYERS // 2)
    yield make_runtime(pool)
    await pool.close()


async def order_at_once(runtime, shop, orders):
    async def take_in_one(order):
        async with runtime.work(shop.id, request_id="race") as work:
            return await take_in.take_in(work, order, read_at=utc_now())

    return await asyncio.gather(*(take_in_one(order) for order in orders))


def buyers(*variants):
    """One order of one unit each, of the variants in turn."""
    return [
        bought(number, line(10 * number, variants[number % len(variants)], plan_id=PLAN))
        for number in range(1, BUYERS + 1)
    ]


async def rows(database, shop, query):
    async with database.transaction(shop.id) as db:
        return await db.fetch(query, shop.id)


async def check_sold_out(database, shop, orders):
    """Exactly as many are counted as may be; the rest is held, tagged and says why."""
    counted = [order for order in orders if not order.decisions.exceeded]
    assert len(counted) == UNITS
    lines = await rows(
        database, shop, "SELECT counted, exceeded FROM preorder_lines WHERE shop_id = $1"
    )
    assert len(lines) == BUYERS
    assert sum(one["counted"] for one in lines) == UNITS
    assert all((one["counted"] == 1) == (one["exceeded"] is None) for one in lines)
    over = await rows(
        database,
        shop,
        """
        SELECT hold_wanted, tags_wanted FROM preorder_orders
        WHERE shop_id = $1 AND exceeded <> '{}'
        """,
    )
    assert len(over) == BUYERS - UNITS
    assert all(one["hold_wanted"] and "preorder-over-limit" in one["tags_wanted"] for one in over)
    within = await rows(
        database,
        shop,
        "SELECT tags_wanted FROM preorder_orders WHERE shop_id = $1 AND exceeded = '{}'",
    )
    assert all("preorder-over-limit" not in one["tags_wanted"] for one in within)


async def counts_of(database, shop):
    found = await rows(
        database,
        shop,
        """
        SELECT variant_id, preorder_count, policy_wanted FROM preorder_variants
        WHERE shop_id = $1 ORDER BY variant_id
        """,
    )
    return {one["variant_id"]: (one["preorder_count"], one["policy_wanted"]) for one in found}


async def test_an_offers_units_are_sold_once(crowded, client, database, shop, catalogue):
    first, second, unsold = catalogue
    await sell(client, database, shop, catalogue, PLAN, limits={"total": {"max": UNITS}})
    await check_sold_out(database, shop, await order_at_once(crowded, shop, buyers(first, second)))
    counts = await counts_of(database, shop)
    assert counts[first][0] + counts[second][0] == UNITS
    assert "deny" in {counts[first][1], counts[second][1]}
    # What the last order was not for stops as well, once the storefront's run comes to it.
    async with crowded.work(shop.id, request_id="race") as work:
        (told,) = await waiting_arguments(work.db, shop.id, storefront_jobs.look_again.name)
    await storefront_jobs.look_again.handler(run_of(crowded, shop), offer_id=UUID(told["offer_id"]))
    async with crowded.work(shop.id, request_id="race") as work:
        behind = await storefront_store.behind(work.db, shop.id, 100)
        variants = [one.selling.variant_id for one in behind]
        await policies.follow(work, variants, utc_now())
    counts = await counts_of(database, shop)
    assert counts[unsold] == (0, "deny")
    assert {policy for _, policy in counts.values()} == {"deny"}


async def test_a_variants_units_are_sold_once(crowded, client, database, shop, catalogue):
    first, second, _ = catalogue
    offer_id = await sell(client, database, shop, catalogue, PLAN)
    answer = await client.patch(
        f"/preorders/offers/{offer_id}/products/variants/{first}", json={"max_count": UNITS}
    )
    assert answer.status_code == 202
    before = (await counts_of(database, shop))[second]
    await check_sold_out(database, shop, await order_at_once(crowded, shop, buyers(first)))
    counts = await counts_of(database, shop)
    assert counts[first] == (UNITS, "deny")
    assert counts[second] == before
    assert before[1] != "deny"


async def test_the_same_orders_told_again_change_nothing(
    crowded, client, database, shop, catalogue
):
    await sell(client, database, shop, catalogue, PLAN, limits={"total": {"max": UNITS}})
    orders = buyers(catalogue[0])
    first = await order_at_once(crowded, shop, [*orders, *orders])
    assert len(first) == 2 * BUYERS
    again = await order_at_once(crowded, shop, orders)
    await check_sold_out(database, shop, again)
    assert (await counts_of(database, shop))[catalogue[0]] == (UNITS, "deny")


async def test_a_request_that_ended_a_deadlock_is_made_again(
    client, database, database_url, shop, catalogue
):
    offer_id = await sell(client, database, shop, catalogue, PLAN)
    at = f"/preorders/offers/{offer_id}/products"
    other = await asyncpg.connect(database_url)
    # The request is the one to notice, and to give way.
    await other.execute("SET deadlock_timeout = '10min'")
    async with other.transaction():
        await other.execute("SELECT FROM preorder_variants WHERE variant_id = $1 FOR UPDATE", 21)
        removing = asyncio.create_task(
            client.post(f"{at}/remove_variants", json={"variant_ids": catalogue})
        )
        await until(lambda: somebody_waits(database))
        await other.execute("SELECT FROM offers WHERE id = $1 FOR UPDATE", offer_id)
        assert not removing.done()
    await other.close()
    assert (await removing).status_code == 202
    assert (await client.get(f"{at}/variants")).json()["variants"] == []
