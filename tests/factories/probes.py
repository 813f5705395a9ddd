"""Jobs for tests of the queue; run as a program, a worker that can be killed."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from openstoq.db.pool import Database
from openstoq.jobs.job import GiveUp, Job, JobSet, Lane, Retry
from openstoq.jobs.work import Run, Runtime
from openstoq.jobs.worker import Worker
from tests.factories.patience import PATIENCE
from tests.factories.runtimes import make_runtime

jobs = JobSet("probes")


async def note(run: Run, word: str) -> None:
    """Leave a trace that every process can see: a location of that name."""
    async with run.work() as work:
        # One after the other, as the number is the next.
        await work.db.execute("SELECT pg_advisory_xact_lock(1)")
        await work.db.execute(
            """
            INSERT INTO locations (shop_id, id, name, active, changed_at)
            SELECT $1, count(*) + 1, $2, true, now() FROM locations
            """,
            work.shop_id,
            word,
        )


async def notes(database: Database, shop: Any) -> list[str]:
    """What jobs have noted, in order."""
    async with database.transaction(shop.id) as db:
        return [row["name"] for row in await db.fetch("SELECT name FROM locations ORDER BY id")]


@jobs.job()
async def write(run: Run, *, word: str) -> None:
    """Note a word."""
    await note(run, word)


@jobs.job(lane=Lane.SENDS)
async def send(run: Run, *, word: str) -> None:
    """Note a word, as a message to somebody."""
    await note(run, word)


@jobs.job(lane=Lane.SENDS, apart_by="word")
async def send_apart(run: Run, *, word: str) -> None:
    """Note a word, but not beside another job with the same word in this worker."""
    await note(run, word)


@jobs.job()
async def fail_once(run: Run) -> None:
    """Fail at the first attempt, and note the second."""
    await note(run, f"attempt {run.attempt}")
    if run.attempt == 0:
        raise OSError("the first attempt fails")


@jobs.job(attempts=0)
async def fail_always(run: Run) -> None:
    """Note every attempt, and fail."""
    await note(run, "failing")
    raise OSError("it always fails")


@jobs.job(attempts=0)
async def fail_about(run: Run, *, contact: str) -> None:
    """Fail with what is somebody's own."""
    raise LookupError(f"nobody is called {contact}")


@jobs.job(attempts=0)
async def write_at_once(run: Run, *, word: str) -> None:
    """Note a word, or fail for good."""
    await note(run, word)


@jobs.job()
async def ask_again(run: Run) -> None:
    """Ask twice to be run again at once."""
    await note(run, f"attempt {run.attempt}")
    if run.attempt < 2:
        raise Retry("not yet", delay=timedelta(0))


@jobs.job()
async def repeat(run: Run) -> None:
    """Ask for other runs, of which two are repeats."""
    await note(run, f"attempt {run.attempt}, repeat {run.repeats}")
    if run.attempt < 4:
        raise Retry("not sure", is_repeat=run.attempt in (1, 3))


@jobs.job(attempts=1)
async def fail_after_asking(run: Run) -> None:
    """Ask to be run again more often than it may fail, and only then raise, once."""
    await note(run, f"attempt {run.attempt}")
    if run.attempt < 3:
        raise Retry("not yet")
    if run.attempt == 3:
        raise RuntimeError("at first")


@jobs.job()
async def give_up(run: Run) -> None:
    """Give up at once."""
    await note(run, "giving up")
    raise GiveUp("nothing helps")


@jobs.job()
async def wait_for(run: Run, *, word: str) -> None:
    """Note the start, wait until somebody notes `word`, and note the end."""
    await note(run, f"started {run.attempt}")
    while True:
        async with run.work() as work:
            if await work.db.fetchval("SELECT true FROM locations WHERE name = $1", word):
                break
        await asyncio.sleep(0.02)
    await note(run, "ended")


# It comes due on leap days, and whenever a test says that it has.
@jobs.job(cron="0 0 29 2 *")
async def on_schedule(run: Run) -> None:
    """Note that the schedule was kept."""
    await note(run, "scheduled")


@asynccontextmanager
async def working(
    runtime: Runtime, url: str, wanted: Iterable[Job[Any]] | None = None
) -> AsyncIterator[tuple[Worker, asyncio.Task[None]]]:
    """Run a worker until the block ends; yields it and its task."""
    wanted = [job for job in jobs if job.cron is None] if wanted is None else wanted
    worker = Worker(runtime, wanted, url=url)
    task = asyncio.create_task(worker.run())
    try:
        yield worker, task
    finally:
        worker.stop()
        await asyncio.wait_for(task, PATIENCE)


async def main(url: str) -> None:
    database = await Database.connect(url, size=5)
    await Worker(make_runtime(database), jobs, url=url).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
