"""Housekeeping: what nobody works on is ended, and what nobody may ask for is deleted."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from openstoq.db.pool import Connection
from openstoq.jobs import bulk
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run
from openstoq.shops import deliveries, store

log = structlog.get_logger(__name__)

jobs = JobSet("shops.housekeeping")

# Rows of one transaction, so that none is long.
BATCH = 10_000


@jobs.job(cron="25 * * * *", uninstalled=True)
async def end_abandoned(run: Run) -> None:
    """Tell those who ask after a job that it has failed for good."""
    async with run.work() as work:
        ended = await bulk.end_abandoned(work.db, work.shop_id, work.runtime.clock())
    if ended:
        log.warning("bulk.abandoned", jobs=ended)


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
