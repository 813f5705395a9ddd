"""The jobs that attach variants to offers; callers poll their progress."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from openstoq.jobs import bulk
from openstoq.jobs.items import each
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run, Work
from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.attachments.bulk import (
    CHUNK,
    NO_SHOP,
    Submitted,
    begin,
    complete,
    ending,
    fail,
)
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.shops.commerce import commerce_of, patiently

jobs = JobSet("preorders.attaching")


async def submit(
    work: Work, offer: Offer, action: str, *, count: int | None, **arguments: Any
) -> Submitted:
    """Begin a bulk job that attaches variants to an offer.

    These are the variants of the offer's source, or those given as `variant_ids`. `count` is their
    number, or None if it is not known yet.
    """
    told = {"offer_id": str(offer.id), "source": offer.source, **arguments}
    return await begin(work, action, count, told, attach)


async def cancel(work: Work, offer: Offer) -> None:
    """Cancel the running jobs that attach variants to an offer.

    The error stored with each job says that the offer's list of variants was replaced.
    """
    await bulk.cancel(
        work.db,
        work.shop_id,
        {"offer_id": str(offer.id), "source": offer.source},
        now=work.runtime.clock(),
        error="the offer's list of variants was replaced in the meantime",
    )


@jobs.job()
async def attach(run: Run, *, job_id: str) -> None:
    """Attach the variants of a bulk job to its offer.

    A list of variants is attached chunk by chunk. Each transaction that attaches variants also
    stores the job's progress.
    """
    async with run.work() as work:
        job = await bulk.load(work.db, work.shop_id, job_id)
    if job is None or job.status != "running":
        return
    if job.arguments["source"] == "collection":
        async with ending(run, job_id):
            await _attach_collection(run, job_id, job.arguments["collection_id"])
        return
    async with ending(run, job_id):
        while await _attach_chunk(run, job_id):
            continue


async def _attach_chunk(run: Run, job_id: str) -> bool:
    """Attach the next chunk; return False when no chunk is left."""
    async with run.work() as work:
        job = await bulk.load(work.db, work.shop_id, job_id, lock=True)
        if job is None or job.status != "running":
            return False
        now = work.runtime.clock()
        offer = await _offer(work, job)
        if offer is None:
            return False
        ids = job.arguments.get("variant_ids")
        if ids is None:
            await resolve.detach_excluded(work.db, work.shop_id, offer, now)
            await resolve.attach_all(work.db, work.shop_id, offer, now)
            count = await resolve.count_all(work.db, work.shop_id, offer)
            await bulk.advance(work.db, work.shop_id, job_id, count, {}, total=count)
        else:
            chunk = ids[job.processed : job.processed + CHUNK]
            failures = await each(work, "variant", chunk, partial(_attach, work, offer, now))
            await bulk.advance(work.db, work.shop_id, job_id, len(chunk), failures)
            if job.processed + len(chunk) < len(ids):
                return True
        await _done(work, job_id, offer.id)
        return False


async def _attach(
    work: Work, offer: Offer, now: datetime, variant_ids: Sequence[int]
) -> dict[int, str]:
    unknown = await resolve.attach(work.db, work.shop_id, offer, variant_ids, now)
    return dict.fromkeys(unknown, "no such variant in the shop's catalogue")


async def _attach_collection(run: Run, job_id: str, collection_id: int) -> None:
    """Attach the variants of a collection that the offer does not exclude, and detach all others."""
    commerce = await commerce_of(run)
    if commerce is None:
        async with run.work() as work:
            await fail(work, job_id, NO_SHOP)
        return
    seen: list[int] = []
    with patiently():
        async for product_ids in commerce.collection_products(collection_id):
            seen += product_ids
    async with run.work() as work:
        job = await bulk.load(work.db, work.shop_id, job_id, lock=True)
        if job is None or job.status != "running":
            return
        offer = await _offer(work, job)
        if offer is None:
            return
        now = work.runtime.clock()
        await resolve.detach_other_products(work.db, work.shop_id, offer, seen, now)
        await resolve.attach_products(work.db, work.shop_id, offer, seen, now)
        count = len(
            (await attachment_store.attached_ids(work.db, work.shop_id, [offer.id]))[offer.id]
        )
        await bulk.advance(work.db, work.shop_id, job_id, count, {}, total=count)
        await _done(work, job_id, offer.id)


@jobs.job(cron="20 * * * *")
async def follow_sources(run: Run) -> None:
    """Refresh the variants of offers with `auto_refresh`, and of offers with the source `all`.

    Offers with the source `all` are refreshed only if `out_of_step` returns them. An offer with a
    running bulk job is skipped.
    """
    async with run.work() as work:
        busy = await bulk.running(work.db, work.shop_id, "offer_id")
        behind = await resolve.out_of_step(work.db, work.shop_id)
        for offer in await store.all_of(work.db, work.shop_id, None):
            if str(offer.id) in busy:
                continue
            if offer.auto_refresh:
                await submit(
                    work,
                    offer,
                    "refresh_collection",
                    count=None,
                    collection_id=offer.collection_id,
                )
            elif offer.id in behind:
                await submit(work, offer, "refresh_all", count=None)


async def _offer(work: Work, job: bulk.BulkJob) -> Offer | None:
    """Lock and return the offer of a bulk job.

    If the offer was discarded or its source has changed, cancel the bulk job and return None.
    """
    offer = await store.load(work.db, work.shop_id, UUID(job.arguments["offer_id"]), lock=True)
    told = job.arguments
    if (
        offer is None
        or offer.discarded_at is not None
        or offer.source != told["source"]
        or offer.collection_id != told.get("collection_id")
    ):
        await bulk.finish(
            work.db,
            work.shop_id,
            job.id,
            status="cancelled",
            now=work.runtime.clock(),
            error="the offer was discarded, or its source was changed, in the meantime",
        )
        return None
    return offer


async def _done(work: Work, job_id: str, offer_id: UUID) -> None:
    await complete(work, job_id)
    plan_group_jobs.request(work, offer_id)
