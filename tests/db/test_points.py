"""Rate points: an exact rolling window, also when many spend at once."""

import asyncio
from datetime import timedelta
from time import monotonic

from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.shops import store
from tests.factories.shops import make_key, make_shop

LIMIT = 360


async def take(database, cost=1, bucket="b"):
    return await store.take_points(database, bucket, cost=cost, limit=LIMIT)


async def test_points_count_down_and_are_refused_at_the_end(database):
    first = await take(database, cost=2)
    assert (first.allowed, first.remaining, first.limit) == (True, 358, LIMIT)
    last = await take(database, cost=358)
    assert (last.allowed, last.remaining) == (True, 0)
    refused = await take(database)
    assert not refused.allowed
    assert 1 <= refused.retry_after <= 60
    assert set(refused.headers) == {
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "Retry-After",
    }


async def test_racing_callers_never_get_more_than_the_limit(database):
    taken = await asyncio.gather(*(take(database) for _ in range(500)))
    assert sum(points.allowed for points in taken) == LIMIT


async def test_points_come_back_a_minute_later(database):
    await take(database, cost=LIMIT)
    await database.call("UPDATE rate_buckets SET last_second = last_second - 61")
    again = await take(database)
    assert (again.allowed, again.remaining) == (True, LIMIT - 1)


async def test_only_the_seconds_that_left_the_window_come_back(database):
    began = monotonic()
    await take(database, cost=100)
    # As if those had been spent 50 seconds ago: the ring turns with the clock.
    await database.call(
        """
        UPDATE rate_buckets SET last_second = last_second - 50, points =
            (SELECT array_agg(points[(i - 1 + 50) % 60 + 1] ORDER BY i) FROM generate_series(1, 60) i)
        """
    )
    assert (await take(database, cost=260)).remaining == 0
    refused = await take(database, cost=1)
    assert not refused.allowed
    assert 8 - (monotonic() - began) <= refused.retry_after <= 10


async def test_a_key_admits_its_shop_until_it_is_revoked(database):
    shop = await make_shop(database)
    key = await make_key(database, shop)
    found = await store.admit_key(database, key, cost=2, default_points=LIMIT)
    assert found is not None
    assert (found[0], found[2].remaining) == (shop, LIMIT - 2)
    async with database.transaction(shop.id) as db:
        (kept,) = await store.keys(db, shop.id)
        assert await store.revoke_key(db, shop.id, kept.id, utc_now()) is True
        assert await store.revoke_key(db, shop.id, new_id(), utc_now()) is False
    assert await store.admit_key(database, key, cost=2, default_points=LIMIT) is None


async def test_an_expired_key_and_one_of_an_uninstalled_shop_are_unknown(database):
    shop = await make_shop(database)
    async with database.transaction(shop.id) as db:
        expired = await store.add_key(
            db, shop.id, name="old", now=utc_now(), expires_at=utc_now() - timedelta(seconds=1)
        )
        live = await store.add_key(db, shop.id, name="new", now=utc_now())
        assert (
            await db.fetchval("SELECT count(*) FROM api_keys WHERE key_hash = $1", live.encode())
        ) == 0
    assert await store.admit_key(database, expired, cost=1, default_points=LIMIT) is None
    async with database.transaction(shop.id) as db:
        await store.mark_uninstalled(db, shop.id, utc_now())
    assert await store.admit_key(database, live, cost=1, default_points=LIMIT) is None
