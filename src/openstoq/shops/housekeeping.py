"""Nightly housekeeping: what nobody may ask for any more is deleted."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.jobs import bulk
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run
from openstoq.shops import deliveries, store

jobs = JobSet("shops.housekeeping")

# Rows of one transaction, so that none is long.
BATCH = 10_000


@jobs.job(cron="40 3 * * *", uninstalled=True)
async def tidy(run: Run) -> None:
    """Forget old deliveries, stored answers and audit rows of one shop."""
    async with run.work() as work:
        await bulk.forget(work.db, work.shop_id)
    keep = timedelta(days=run.runtime.settings.audit.days)
    await _in_batches(run, deliveries.empty_bodies)
    await _in_batches(run, deliveries.forget)
    await _in_batches(run, deliveries.forget_answers)
    await _in_batches(run, partial(store.forget_audit, keep=keep))


async def _in_batches(run: Run, forget: Callable[[Connection, UUID, int], Awaitable[int]]) -> None:
    forgotten = BATCH
    while forgotten == BATCH:
        async with run.work() as work:
            forgotten = await forget(work.db, work.shop_id, BATCH)
