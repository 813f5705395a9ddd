"""Housekeeping: end abandoned bulk jobs, and delete rows that have expired."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from openstoq.db.pool import Connection
from openstoq.jobs import bulk, items
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run
from openstoq.kernel.alone import alone
from openstoq.shops import store
from openstoq.shops.inbound_webhooks import store as deliveries

log = structlog.get_logger(__name__)

jobs = JobSet("shops.housekeeping")

# A function that forgets up to a number of a shop's rows, and returns how many it has forgotten.
Forget = Callable[[Connection, UUID, int], Awaitable[int]]
# The most rows of one transaction, so that every transaction stays short.
BATCH = 10_000


@jobs.job(cron="25 * * * *", uninstalled=True)
async def end_abandoned(run: Run) -> None:
    """Mark abandoned bulk jobs as failed, so that callers who poll them learn that they ended."""
    async with run.work() as work:
        ended = await bulk.end_abandoned(work.db, work.shop_id, work.runtime.clock())
    if ended:
        log.warning("bulk.abandoned", jobs=ended)


@jobs.job(cron="40 3 * * *", uninstalled=True)
async def tidy(run: Run) -> None:
    """Delete one shop's old bulk jobs, deliveries, stored responses, audit rows and failures."""
    async with run.work() as work:
        await bulk.forget(work.db, work.shop_id)
    keep = timedelta(days=run.runtime.settings.audit.days)
    old: dict[str, Forget] = {
        "bodies": deliveries.empty_bodies,
        "deliveries": deliveries.forget,
        "answers": store.forget_answers,
        "audit rows": partial(store.forget_audit, keep=keep),
        "failures": items.forget_old,
    }
    for name, forget in old.items():
        with alone("tidying", name, {}):
            await _in_batches(run, forget)


async def _in_batches(run: Run, forget: Forget) -> None:
    forgotten = BATCH
    while forgotten == BATCH:
        async with run.work() as work:
            forgotten = await forget(work.db, work.shop_id, BATCH)
