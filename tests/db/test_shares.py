"""A shop holds its share of the pool, and a statement its time, so that others are served."""

import asyncio

import asyncpg
import pytest

from openstoq.config import Database as DatabaseSettings
from openstoq.config import Settings
from openstoq.db.pool import Database
from openstoq.db.shares import Shares, ShopBusyError
from openstoq.kernel.ids import new_id
from tests.factories.apps import client_of, make_app
from tests.factories.patience import until
from tests.factories.runtimes import make_runtime
from tests.factories.shops import make_key, make_shop
from tests.factories.waitlists import make_waitlist

SIZE, SHARE = 4, 2


@pytest.fixture
async def pool(database_url):
    pool = await Database.connect(database_url, size=SIZE)
    yield pool
    await pool.close()


async def hold(pool, shop_id, holds, release):
    async with pool.transaction(shop_id):
        holds.append(shop_id)
        await release.wait()


async def test_a_shop_that_wants_every_connection_leaves_half_to_others(pool):
    greedy, other = new_id(), new_id()
    holds, release = [], asyncio.Event()
    tasks = [asyncio.create_task(hold(pool, greedy, holds, release)) for _ in range(10 * SIZE)]
    await until(lambda: len(holds) == SHARE)
    async with pool.transaction(other) as db:
        assert await db.fetchval("SELECT current_shop()") == other
    assert await pool.takes_writes()
    assert holds == [greedy] * SHARE
    release.set()
    await asyncio.gather(*tasks)
    assert holds == [greedy] * 10 * SIZE


async def test_places_are_given_back_whatever_happens_and_then_forgotten():
    shares, shop_id = Shares(1), new_id()
    for error in (None, LookupError(), asyncio.CancelledError()):
        try:
            async with shares.place(shop_id, seconds=1):
                if error is not None:
                    raise error
        except (LookupError, asyncio.CancelledError):
            pass
    assert not shares._places


async def test_whoever_waits_too_long_for_a_place_is_told_so():
    shares, shop_id = Shares(1), new_id()
    async with shares.place(shop_id, seconds=1):
        with pytest.raises(ShopBusyError):
            async with shares.place(shop_id, seconds=0.01):
                raise AssertionError("there was no place")
    async with shares.place(shop_id, seconds=1):
        pass


async def test_a_statement_that_takes_too_long_is_stopped(pool):
    shop_id = new_id()

    async def sleep(seconds):
        async with pool.transaction(shop_id, seconds=seconds) as db:
            await db.execute("SELECT pg_sleep(100)")

    with pytest.raises(asyncpg.QueryCanceledError):
        await sleep(0.05)
    # The limit is the transaction's and does not stay with the connection.
    async with pool.transaction(shop_id) as db:
        assert await db.fetchval("SHOW statement_timeout") == "10min"


@pytest.fixture
async def impatient(database):
    """An application whose reads are stopped at once, but writes are not."""
    settings = Settings(database=DatabaseSettings(read_seconds=0.001))
    shop = await make_shop(database)
    await make_waitlist(database, shop, 20_000)
    async with client_of(
        make_app(make_runtime(database, settings=settings)), await make_key(database, shop)
    ) as client:
        yield client


async def test_a_slow_search_is_answered_with_what_to_do(impatient):
    answer = await impatient.get("/back_in_stock/signups", params={"email": "nobody"})
    assert answer.status_code == 503
    assert "ask for less at once" in answer.json()["errors"][0]
    assert answer.headers["retry-after"]
    written = await impatient.patch("/back_in_stock/settings/alerts", json={})
    assert written.status_code == 202
