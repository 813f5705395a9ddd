"""Begin and end the bulk jobs that change attachments or inventory policies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from openstoq.actions.help import BASE_PATH
from openstoq.commerce.port import CommerceError, CommerceUnreadable
from openstoq.jobs import bulk
from openstoq.jobs.job import Job
from openstoq.jobs.work import Run, Work
from openstoq.kernel.faults import is_of_item, sentence_of

STATUS_URL = f"{BASE_PATH}/preorders/product_variants/jobs"


CHUNK = 1000


NO_SHOP = "the shop cannot be reached: the app was removed from it, or its token is void"


class Submitted(BaseModel):
    """A bulk job that has begun; `variant_count` is null until its variants are known."""

    job_id: str
    status_url: str
    variant_count: int | None


async def begin(
    work: Work, action: str, count: int | None, arguments: dict[str, Any], job: Job[Any]
) -> Submitted:
    """Store a bulk job and enqueue `job` to run it."""
    job_id = await bulk.begin(
        work.db,
        work.shop_id,
        action,
        total=count or 0,
        arguments=arguments,
        now=work.runtime.clock(),
    )
    work.enqueue(job, job_id=job_id)
    return Submitted(job_id=job_id, status_url=f"{STATUS_URL}/{job_id}", variant_count=count)


@asynccontextmanager
async def ending(run: Run, job_id: str) -> AsyncIterator[None]:
    """Run the block; if it raises a final error, end the bulk job as failed.

    A refusal by the shop is final at once. An error that the job's own data caused is final only in
    the job's last run. All errors that are not final propagate, so that the job is retried.
    """
    try:
        yield
    except Exception as error:
        is_refused = isinstance(error, CommerceError) and not isinstance(error, CommerceUnreadable)
        if not (is_refused or (run.is_last and is_of_item(error))):
            raise
        async with run.work() as work:
            await fail(work, job_id, sentence_of(error))


async def complete(work: Work, job_id: str) -> None:
    """Mark a bulk job as completed, because all its variants have been handled."""
    await bulk.finish(work.db, work.shop_id, job_id, status="completed", now=work.runtime.clock())


async def fail(work: Work, job_id: str, error: str) -> None:
    """Mark a bulk job as failed, with the reason why it cannot continue."""
    await bulk.finish(
        work.db, work.shop_id, job_id, status="failed", now=work.runtime.clock(), error=error
    )
