"""Jobs are part of the transaction that enqueues them."""

import pytest

from openstoq.jobs.queue import waiting, waiting_arguments
from openstoq.shops.housekeeping import end_abandoned
from tests.factories.probes import wait_for, write
from tests.factories.shops import make_shop
from tests.factories.waitlists import run_of


async def words(database, shop):
    async with database.transaction(shop.id) as db:
        return [one["word"] for one in await waiting_arguments(db, shop.id, write.name)]


async def test_a_job_is_there_once_its_transaction_is(database, runtime, shop):
    async with runtime.work(shop.id, request_id="test") as work:
        work.enqueue(write, word="a")
        assert await words(database, shop) == []
    assert await words(database, shop) == ["a"]


async def enqueue_and_fail(runtime, shop):
    async with runtime.work(shop.id, request_id="test") as work:
        work.enqueue(write, word="a")
        await work.flush()
        raise LookupError


async def test_a_rolled_back_transaction_enqueues_nothing(database, runtime, shop):
    with pytest.raises(LookupError):
        await enqueue_and_fail(runtime, shop)
    assert await words(database, shop) == []


async def test_coalesced_jobs_wait_once_for_the_same_arguments(database, runtime, shop):
    for word in ("a", "b", "a", "a"):
        async with runtime.work(shop.id, request_id="test") as work:
            work.enqueue(write.once(), word=word)
    assert sorted(await words(database, shop)) == ["a", "b"]


async def test_coalesced_in_one_transaction_they_wait_once(database, runtime, shop):
    async with runtime.work(shop.id, request_id="test") as work:
        for word in ("a", "b", "a"):
            work.enqueue(write.once(), word=word)
        work.enqueue(write, word="a")
    assert sorted(await words(database, shop)) == ["a", "a", "b"]


async def startable(database):
    """How many jobs a worker could begin now."""
    async with database.transaction(None) as db:
        rows = await db.fetch(
            "SELECT FROM queue.pgqueuer WHERE status = 'queued' FOR UPDATE SKIP LOCKED"
        )
    return len(rows)


async def test_a_coalesced_job_cannot_start_before_the_changes_it_is_for(database, runtime, shop):
    async with runtime.work(shop.id, request_id="test") as work:
        work.enqueue(write.once(), word="a")
    assert await startable(database) == 1
    async with runtime.work(shop.id, request_id="test") as changing:
        changing.enqueue(write.once(), word="a")
        await changing.flush()
        assert await startable(database) == 0
    assert await startable(database) == 1
    assert await words(database, shop) == ["a"]


async def test_two_changes_at_once_do_not_wait_for_each_other(database, runtime, shop):
    async with runtime.work(shop.id, request_id="test") as work:
        work.enqueue(write.once(), word="a")
    async with runtime.work(shop.id, request_id="test") as one:
        one.enqueue(write.once(), word="a")
        await one.flush()
        async with runtime.work(shop.id, request_id="test") as another:
            another.enqueue(write.once(), word="a")
        assert await startable(database) == 0
    assert await startable(database) == 1


async def test_each_shop_and_job_has_its_own(database, runtime, shop):
    other = await make_shop(database, "other.myshopify.com")
    for one in (shop, other):
        async with runtime.work(one.id, request_id="test") as work:
            work.enqueue(write.once(), word="a")
            work.enqueue(wait_for.once(), word="a")
    assert await words(database, shop) == await words(database, other) == ["a"]
    async with database.transaction(None) as db:
        assert await waiting(db) == {"queued": 4}


BROKEN = [b"", b"{", b"\xff\x00", b"null", b"[1]", b'"x"', b'{"shop_id": 5}', b'{"arguments": []}']


async def put(database, payload):
    async with database.transaction(None) as db:
        await db.execute(
            "INSERT INTO queue.pgqueuer (priority, created, updated, execute_after, status, entrypoint, payload)"
            " VALUES (0, now(), now(), now(), 'queued', $1, $2)",
            write.name,
            payload,
        )


async def test_a_payload_that_cannot_be_read_hides_no_job(database, runtime, shop):
    for payload in (*BROKEN, str(shop.id).encode(), b'{"shop_id": "' + str(shop.id).encode()):
        await put(database, payload)
    async with runtime.work(shop.id, request_id="test") as work:
        work.enqueue(write, word="a")
    assert await words(database, shop) == ["a"]
    await end_abandoned.handler(run_of(runtime, shop))
