"""Slots are shared out by lane and by shop, and no shop's jobs keep another's waiting."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from openstoq.config import Settings, Worker
from openstoq.db.pool import prepare
from openstoq.jobs import queue
from openstoq.jobs.dequeue import SHOPS_AT_ONCE, Lanes, queries_on
from openstoq.jobs.job import Lane
from openstoq.jobs.queue import Enqueued
from openstoq.kernel.ids import new_id
from openstoq.kernel.slots import Slot, occupied, waiting
from openstoq.registry import JOBS
from tests.factories import probes
from tests.factories.patience import until
from tests.factories.probes import notes, working
from tests.factories.runtimes import make_runtime
from tests.factories.shops import make_shop

SLOTS = 4
HOUR = timedelta(hours=1)
NAMES = [job.name for job in probes.jobs]


@pytest.fixture
def runtime(database):
    return make_runtime(database, settings=Settings(worker=Worker(concurrency=SLOTS)))


@pytest.fixture
async def neighbour(database):
    return await make_shop(database, "neighbour.myshopify.com")


async def enqueue(runtime, shop, job, *argument_sets):
    async with runtime.work(shop.id, request_id="test") as work:
        for arguments in argument_sets:
            work.enqueue(job, **arguments)


class Taker:
    """A worker's queries, and the ids of the jobs that it has taken and that have not ended."""

    def __init__(self, connection):
        self.in_flight = set()
        self.lanes = Lanes(SLOTS, self.in_flight)
        self.id, self.connection = new_id(), connection
        self._queries = queries_on(connection, self.lanes)

    async def take(self, most=SLOTS, heartbeat=timedelta(seconds=5)):
        jobs = await self._queries.dequeue(most, dict.fromkeys(NAMES), self.id, None, heartbeat)
        self.in_flight |= {job.id for job in jobs}
        return jobs

    async def again(self, job, delay=timedelta(0)):
        self.in_flight.discard(job.id)
        await self._queries.retry_job(job, delay, None)


@pytest.fixture
async def taker(database_url):
    connection = await asyncpg.connect(database_url)
    await prepare(connection)
    yield Taker(connection)
    await connection.close()


def shops_of(taker, jobs):
    return [taker.lanes.slot(job.id).shop_id for job in jobs]


async def test_a_shop_with_one_job_does_not_wait_behind_one_with_many(
    taker, runtime, shop, neighbour
):
    await enqueue(runtime, shop, probes.write, *({"word": str(n)} for n in range(500)))
    await enqueue(runtime, neighbour, probes.write, {"word": "soon"})
    taken = await taker.take(2)
    assert sorted(shops_of(taker, taken)) == sorted([shop.id, neighbour.id])


async def test_one_shop_holds_half_of_the_slots_at_most(taker, runtime, shop, neighbour):
    await enqueue(runtime, shop, probes.write, *({"word": str(n)} for n in range(10)))
    assert len(await taker.take()) == SLOTS // 2
    assert await taker.take() == []
    await enqueue(runtime, neighbour, probes.write, {"word": "a"}, {"word": "b"}, {"word": "c"})
    taken = await taker.take()
    assert shops_of(taker, taken) == [neighbour.id] * (SLOTS // 2)


async def test_a_job_that_waits_holds_no_slot(taker, runtime, shop):
    await enqueue(runtime, shop, probes.write, *({"word": str(n)} for n in range(10)))
    first, second = await taker.take()
    with occupied(taker.lanes.slot(first.id)), waiting():
        assert len(await taker.take()) == 1
    assert await taker.take() == []
    taker.in_flight -= {first.id, second.id}
    assert len(await taker.take()) == 1


async def test_so_many_jobs_of_one_shop_wait_and_no_more(taker, runtime, shop, neighbour):
    await enqueue(runtime, shop, probes.write, *({"word": str(n)} for n in range(50)))
    waits = []
    while taken := await taker.take():
        for job in taken:
            waits.append(taker.lanes.slot(job.id))
            waits[-1].waits += 1
    assert len(waits) == SLOTS
    await enqueue(runtime, neighbour, probes.write, {"word": "a"})
    assert shops_of(taker, await taker.take()) == [neighbour.id]


async def test_a_job_that_is_run_again_goes_behind_those_that_came_due_before(taker, runtime, shop):
    await enqueue(runtime, shop, probes.write, {"word": "old"}, {"word": "young"})
    (old,) = await taker.take(1)
    await taker.again(old)
    (young,) = await taker.take(1)
    assert young.id != old.id
    assert [job.id for job in await taker.take(1)] == [old.id]


@pytest.fixture
async def second_taker(database_url):
    connection = await asyncpg.connect(database_url)
    await prepare(connection)
    yield Taker(connection)
    await connection.close()


async def test_jobs_that_are_kept_apart_run_in_different_workers(
    taker, second_taker, runtime, shop
):
    await enqueue(runtime, shop, probes.send_apart, *({"word": word} for word in "aab"))
    a, b = await taker.take()
    assert await taker.take() == []
    # The second job is not waiting for a slot, so it crowds nobody out.
    assert not taker.lanes.is_crowded(taker.lanes.slot(a.id))
    (second,) = await second_taker.take()
    assert second.id not in {a.id, b.id}
    await enqueue(runtime, shop, probes.send_apart, {"word": "a"})
    assert await taker.take() == [] == await second_taker.take()
    taker.in_flight.discard(a.id)
    assert len(await taker.take()) == 1


async def test_a_dead_workers_job_is_not_rescued_by_one_it_is_kept_apart_from(
    taker, second_taker, runtime, shop
):
    await enqueue(runtime, shop, probes.send_apart, {"word": "a"})
    (dead,) = await taker.take()
    await enqueue(runtime, shop, probes.send_apart, {"word": "a"})
    (own,) = await second_taker.take()
    assert await second_taker.take(heartbeat=timedelta(0)) == []
    second_taker.in_flight.discard(own.id)
    rescued = await second_taker.take(heartbeat=timedelta(0))
    assert dead.id in {job.id for job in rescued}
    assert len(rescued) == 1


async def enqueue_for(database, shop_ids, delay=timedelta(0), job=probes.write):
    jobs = [
        Enqueued(
            job=job.name,
            lane=job.lane,
            shop_id=shop_id,
            arguments={"word": "a"},
            request_id="test",
            delay=delay,
        )
        for shop_id in shop_ids
    ]
    async with database.transaction(None) as db:
        await queue.enqueue(db, jobs)


async def test_shops_take_turns_however_many_they_are(taker, database):
    shop_ids = [new_id() for _ in range(3 * SHOPS_AT_ONCE)]
    await enqueue_for(database, shop_ids * 2)
    turns = []
    while len(turns) < len(shop_ids):
        taken = await taker.take()
        turns += shops_of(taker, taken)
        taker.in_flight.clear()
    assert sorted(turns[: len(shop_ids)]) == shop_ids


async def test_a_due_job_is_found_among_many_shops_that_have_none(taker, database):
    later, due = [new_id() for _ in range(3 * SHOPS_AT_ONCE)], new_id()
    await enqueue_for(database, later, HOUR)
    await enqueue_for(database, [due])
    for _ in range(3):
        assert shops_of(taker, await taker.take()) == [due]
        taker.in_flight.clear()
        await enqueue_for(database, [due])


async def test_jobs_that_are_not_due_are_left(taker, runtime, shop):
    async with runtime.work(shop.id, request_id="test") as work:
        work.enqueue(probes.write.after(HOUR), word="later")
    assert await taker.take() == []


def test_every_job_that_writes_to_somebody_is_a_send():
    for job in JOBS:
        writes = job.handler.__name__.startswith(("send_", "tell_"))
        assert (job.lane is Lane.SENDS) is writes, job.name


async def test_sends_have_slots_of_their_own(taker, runtime, shop, neighbour):
    for one in (shop, neighbour):
        await enqueue(runtime, one, probes.write, *({"word": str(n)} for n in range(10)))
    assert len(await taker.take()) == SLOTS
    assert await taker.take() == []
    await enqueue(runtime, shop, probes.send, {"word": "mail"})
    (mail,) = await taker.take()
    assert mail.entrypoint == probes.send.name


async def test_the_jobs_of_a_worker_that_died_are_taken_within_the_same_bounds(
    taker, runtime, shop
):
    await enqueue(runtime, shop, probes.write, *({"word": str(n)} for n in range(10)))
    dead = await taker.take()
    taker.in_flight.clear()
    again = await taker.take(heartbeat=timedelta(0))
    assert len(again) == len(dead) == SLOTS // 2
    assert await taker.take(heartbeat=timedelta(0)) == []


async def test_a_job_that_still_runs_here_keeps_its_slot_when_its_heartbeat_was_late(
    taker, runtime, shop
):
    await enqueue(runtime, shop, probes.write, {"word": "slow"})
    (job,) = await taker.take()
    slot = taker.lanes.slot(job.id)
    (same,) = await taker.take(heartbeat=timedelta(0))
    assert same.id == job.id
    assert taker.lanes.slot(job.id) is slot


async def test_a_long_job_learns_that_others_wait_for_its_slot(taker, runtime, shop, neighbour):
    third = await make_shop(runtime.database, "third.myshopify.com")
    for one in (shop, neighbour):
        await enqueue(runtime, one, probes.send, *({"word": str(n)} for n in range(2)))
    first, *_ = await taker.take()
    slot = taker.lanes.slot(first.id)
    await taker.take()
    assert not taker.lanes.is_crowded(slot)
    await enqueue(runtime, third, probes.send, {"word": "mail"})
    await taker.take()
    assert taker.lanes.is_crowded(slot)
    taker.in_flight.discard(first.id)
    (mail,) = await taker.take()
    assert shops_of(taker, [mail]) == [third.id]
    await taker.take()
    assert not taker.lanes.is_crowded(slot)


async def test_a_shops_long_jobs_make_room_for_its_own(taker, runtime, shop, neighbour):
    await enqueue(runtime, shop, probes.send, *({"word": str(n)} for n in range(SLOTS // 2 + 1)))
    await enqueue(runtime, neighbour, probes.send, {"word": "mail"})
    taken = await taker.take()
    await taker.take()
    crowded = {
        taker.lanes.slot(job.id).shop_id: taker.lanes.is_crowded(taker.lanes.slot(job.id))
        for job in taken
    }
    assert crowded == {shop.id: True, neighbour.id: False}


async def test_a_crowd_is_seen_behind_any_number_of_shops_that_have_nothing_due(
    taker, runtime, database, shop, neighbour
):
    await enqueue_for(
        database, sorted(new_id() for _ in range(2 * SHOPS_AT_ONCE)), HOUR, probes.send
    )
    for one in (shop, neighbour):
        await enqueue(runtime, one, probes.send, *({"word": str(n)} for n in range(2)))
    first, *_ = await taker.take()
    late = await make_shop(runtime.database, "late.myshopify.com")
    await enqueue(runtime, late, probes.send, {"word": "mail"})
    await taker.take()
    assert taker.lanes.is_crowded(taker.lanes.slot(first.id))


async def test_jobs_that_the_release_before_enqueued_get_their_lane_and_their_shop(
    taker, runtime, shop, neighbour
):
    for one in (shop, neighbour):
        await enqueue(runtime, one, probes.send, {"word": "mail"})
    await enqueue(runtime, shop, probes.write, {"word": "a"})
    connection = taker.connection
    await connection.execute("ALTER TABLE queue.pgqueuer DISABLE TRIGGER USER")
    await connection.execute(
        "UPDATE queue.pgqueuer SET lane = DEFAULT, shop_id = DEFAULT",
    )
    unreadable = (None, b"", b"{", b"\xff", b'{"shop_id": null}', b'{"shop_id":"--"}')
    for payload in unreadable:
        await connection.execute(
            "INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status)"
            " VALUES (0, 'x', $1, 'queued')",
            payload,
        )
    await queue.adopt(connection, list(probes.jobs))
    taken = await taker.take()
    assert {(taker.lanes.slot(job.id).lane, taker.lanes.slot(job.id).shop_id) for job in taken} == {
        (Lane.SENDS, shop.id),
        (Lane.SENDS, neighbour.id),
        (Lane.WORK, shop.id),
    }


async def test_jobs_that_the_release_before_enqueued_are_kept_apart(
    taker, second_taker, runtime, shop
):
    await enqueue(runtime, shop, probes.send_apart, {"word": "a"}, {"word": "a"})
    await taker.connection.execute("ALTER TABLE queue.pgqueuer DISABLE TRIGGER USER")
    await taker.connection.execute("UPDATE queue.pgqueuer SET apart = NULL")
    await queue.adopt(taker.connection, list(probes.jobs))
    assert [len(await one.take()) for one in (taker, second_taker)] == [1, 1]


async def test_a_wait_counts_for_the_job_that_waits_and_ends_with_it():
    slot = Slot(Lane.WORK, new_id())
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def wait():
        with waiting():
            inside.set()
            await go_on.wait()

    with occupied(slot):
        task = asyncio.create_task(wait())
        await inside.wait()
        assert slot.is_free
        with waiting():
            pass
        assert slot.is_free
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not slot.is_free
    with waiting():
        assert not slot.is_free


async def test_a_worker_full_of_one_shops_jobs_runs_anothers(
    database, database_url, runtime, shop, neighbour
):
    await enqueue(runtime, shop, probes.wait_for, *[{"word": "go"}] * 10)
    async with working(runtime, database_url):

        async def are_full():
            return len(await notes(database, shop)) == SLOTS // 2

        await until(are_full)
        await enqueue(runtime, neighbour, probes.write, {"word": "done"})

        async def is_done():
            return await notes(database, neighbour) == ["done"]

        await until(is_done)
        assert len(await notes(database, shop)) == SLOTS // 2
        await let_go(runtime, shop)

        async def all_ended():
            return (await notes(database, shop)).count("ended") == 10

        await until(all_ended)


async def let_go(runtime, shop):
    """Write the word that the shop's jobs wait for."""
    async with runtime.work(shop.id, request_id="test") as work:
        await work.db.execute(
            """
            INSERT INTO locations (shop_id, id, name, active, changed_at)
            VALUES ($1, 1000000, 'go', true, now())
            """,
            work.shop_id,
        )
