"""Housekeeping: a bulk job that nobody works on any more is told as failed."""

import pytest

from factories.waitlists import run_of
from openstoq.jobs import bulk
from openstoq.jobs.queue import Enqueued, enqueue
from openstoq.shops.housekeeping import end_abandoned


@pytest.mark.parametrize(
    ("state", "told"),
    [(None, "failed"), ("failed", "failed"), ("queued", "running"), ("picked", "running")],
)
async def test_a_job_that_the_queue_has_put_aside_is_told_as_failed(runtime, shop, state, told):
    run = run_of(runtime, shop)
    async with run.work() as work:
        job_id = await bulk.begin(
            work.db, shop.id, "attach", total=3, arguments={}, now=runtime.clock()
        )
        if state is not None:
            queued = Enqueued(
                job="probe", shop_id=shop.id, arguments={"job_id": job_id}, request_id="test"
            )
            await enqueue(work.db, [queued])
            await work.db.execute(
                "UPDATE queue.pgqueuer SET status = $1::text::queue.pgqueuer_status", state
            )
    await end_abandoned.handler(run)
    async with run.work() as work:
        job = await bulk.load(work.db, shop.id, job_id)
    assert job.status == told
    assert ("begin it anew" in (job.error or "")) == (told == "failed")
