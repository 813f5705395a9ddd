"""The job that deletes what interrupted imports left behind."""

from openstoq.back_in_stock.signup_files import store
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run

jobs = JobSet("back_in_stock.signup_files")


@jobs.job(cron="50 * * * *", uninstalled=True)
async def forget_staged(run: Run) -> None:
    """Delete the stored rows of interrupted imports once they are a day old."""
    async with run.work() as work:
        await store.forget(work.db, work.shop_id)
