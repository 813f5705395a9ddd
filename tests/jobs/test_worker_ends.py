"""A worker that stops, loses its connection or is killed, and what it leaves behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg

from openstoq.jobs import worker as worker_module
from openstoq.jobs.worker import Worker
from openstoq.shops import store
from tests.factories import probes
from tests.factories.patience import PATIENCE, until
from tests.factories.probes import notes, working
from tests.factories.runtimes import make_runtime
from tests.jobs.workers import empty, enqueue, noted, states

ROOT = Path(__file__).resolve().parents[2]


async def test_what_belongs_to_no_shop_is_forgotten_too(
    database, database_url, runtime, shop, monkeypatch
):
    monkeypatch.setattr(worker_module, "BATCH", 2)
    for bucket in ("fresh", *(f"spent {n}" for n in range(5))):
        await database.call("SELECT * FROM take_points($1, 1, 360)", bucket)
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        "UPDATE rate_buckets SET last_second = last_second - 3700 WHERE bucket LIKE 'spent%'"
    )
    await owner.execute(
        """
        INSERT INTO queue.pgqueuer_log (created, job_id, status, priority, entrypoint)
        SELECT now() - make_interval(days => days), days, 'successful', 0, 'test'
        FROM unnest(ARRAY[1, 6, 8, 9, 10]) AS days
        """
    )
    await Worker(runtime, [], url=database_url, forget=[store.forget_spent_points]).tidy()
    buckets = await owner.fetch("SELECT bucket FROM rate_buckets")
    noted = await owner.fetch("SELECT job_id FROM queue.pgqueuer_log WHERE entrypoint = 'test'")
    await owner.close()
    assert [row["bucket"] for row in buckets] == ["fresh"]
    assert {row["job_id"] for row in noted} == {1, 6}


async def test_stopping_waits_for_jobs_under_way(database, database_url, runtime, shop):
    await enqueue(runtime, shop, probes.wait_for, word="go")
    async with working(runtime, database_url) as (worker, task):
        await noted(database, shop, "started 0")
        worker.stop()
        await enqueue(runtime, shop, probes.write, word="not taken any more")
        async with database.transaction(shop.id) as db:
            await db.execute("INSERT INTO locations VALUES ($1, 99, 'go', true, now())", shop.id)
        await asyncio.wait_for(task, PATIENCE)
    assert await states(database) == {"queued": 1}
    assert sorted(await notes(database, shop)) == ["ended", "go", "started 0"]


async def test_a_worker_stops_before_it_has_begun(database_url, runtime):
    worker = Worker(runtime, probes.jobs, url=database_url)
    worker.stop()
    await asyncio.wait_for(worker.run(), PATIENCE)


async def test_a_lost_connection_is_made_again(database, database_url, runtime, shop):
    async with working(runtime, database_url):
        await enqueue(runtime, shop, probes.write, word="before")
        await noted(database, shop, "before")
        for word in ("once", "twice"):
            await database.call(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await until(lambda word=word: enqueued(runtime, shop, word))

        # A job whose end could not be written any more runs again: at least once, not only once.
        async def all_ran():
            return set(await notes(database, shop)) == {"before", "once", "twice"}

        await until(all_ran)
        await empty(database)


async def enqueued(runtime, shop, word):
    """Enqueue, unless the pool's connection turns out to be one that was cut."""
    try:
        await enqueue(runtime, shop, probes.write, word=word)
    except Exception:  # noqa: BLE001 - however a cut connection shows itself
        return False
    return True


def start_worker(url):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.factories.probes", url],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


async def test_a_killed_workers_job_is_another_workers(database, database_url, shop, processes):
    runtime = make_runtime(database)
    await enqueue(runtime, shop, probes.wait_for, word="go")
    process = start_worker(database_url)
    processes.append(process)
    await noted(database, shop, "started 0")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    await enqueue(runtime, shop, probes.write, word="go")
    async with working(runtime, database_url):

        async def has_ended():
            return "ended" in await notes(database, shop)

        await until(has_ended)
        await empty(database)
    told = await notes(database, shop)
    assert [one for one in told if one.startswith("started")] == ["started 0", "started 0"]


async def test_a_payload_that_cannot_be_read_is_held_and_stops_no_worker(
    database, database_url, runtime, shop
):
    broken = [b"", b"{", b"\xff", b"null", b"[1]", b'{"shop_id": "x", "request_id": "y"}']
    async with database.transaction(None) as db:
        for payload in broken:
            await db.execute(
                "INSERT INTO queue.pgqueuer (priority, created, updated, execute_after, status,"
                " entrypoint, payload) VALUES (9, now(), now(), now(), 'queued', $1, $2)",
                probes.write.name,
                payload,
            )
    async with working(runtime, database_url):
        await enqueue(runtime, shop, probes.write, word="after")
        await noted(database, shop, "after")

        async def are_held():
            return await states(database) == {"failed": len(broken)}

        await until(are_held)
