"""Nightly housekeeping: what nobody may ask for any more is deleted."""

from datetime import timedelta

from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run
from openstoq.shops import deliveries, store

jobs = JobSet("shops.housekeeping")


@jobs.job(cron="40 3 * * *")
async def tidy(run: Run) -> None:
    """Forget old deliveries, stored answers, spent points and audit rows of one shop."""
    async with run.work() as work:
        await deliveries.tidy(work.db, work.shop_id)
        await deliveries.forget_answers(work.db, work.shop_id)
        await store.forget_spent_points(work.db)
    keep = timedelta(days=run.runtime.settings.audit.days)
    while True:
        async with run.work() as work:
            if not await store.forget_audit(work.db, work.shop_id, keep):
                return
