"""Nightly housekeeping: what nobody may ask for any more is deleted."""

from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run
from openstoq.shops import deliveries

jobs = JobSet("shops.housekeeping")


@jobs.job(cron="40 3 * * *")
async def tidy(run: Run) -> None:
    """Forget old deliveries and stored answers of one shop."""
    async with run.work() as work:
        await deliveries.tidy(work.db, work.shop_id)
        await deliveries.forget_answers(work.db, work.shop_id)
