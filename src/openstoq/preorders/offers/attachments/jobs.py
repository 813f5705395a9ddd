"""The jobs that attach variants to offers and flip inventory policies, which callers ask after."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from openstoq.actions.help import BASE_PATH
from openstoq.commerce.port import Commerce, CommerceError, CommerceUnreadable
from openstoq.jobs import bulk
from openstoq.jobs.items import Failed, counts, each
from openstoq.jobs.job import Job, JobSet
from openstoq.jobs.leases import LATER
from openstoq.jobs.work import Run, Work
from openstoq.kernel.faults import is_of_item, sentence_of
from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.offers.storefront import store as storefront_store
from openstoq.shops.commerce import commerce_of, patiently

jobs = JobSet("preorders.attaching")

STATUS_URL = f"{BASE_PATH}/preorders/product_variants/jobs"
CHUNK = 1000
NO_SHOP = "the shop cannot be reached: the app was removed from it, or its token is void"


class Submitted(BaseModel):
    """A job that has begun; `variant_count` is null until its variants are known."""

    job_id: str
    status_url: str
    variant_count: int | None


async def submit(
    work: Work, offer: Offer, action: str, *, count: int | None, **arguments: Any
) -> Submitted:
    """Begin to attach what the offer's source names now, or the `variant_ids` given."""
    told = {"offer_id": str(offer.id), "source": offer.source, **arguments}
    return await _begin(work, action, count, told, attach)


async def submit_policy(
    work: Work, offer: Offer, policy: str, variant_ids: Sequence[int] | None
) -> Submitted:
    """Begin to flip the inventory policy of the offer's variants, or of those given."""
    attached = (await attachment_store.attached_ids(work.db, work.shop_id, [offer.id]))[offer.id]
    ids = attached if variant_ids is None else list(dict.fromkeys(variant_ids))
    told = {"offer_id": str(offer.id), "policy": policy.lower(), "variant_ids": ids}
    return await _begin(work, "toggle_inventory_policy", len(ids), told, flip)


async def _begin(
    work: Work, action: str, count: int | None, arguments: dict[str, Any], job: Job[Any]
) -> Submitted:
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


@jobs.job()
async def attach(run: Run, *, job_id: str) -> None:
    """Attach a job's variants in chunks, each in a transaction with the job's progress."""
    async with run.work() as work:
        job = await bulk.load(work.db, work.shop_id, job_id)
    if job is None or job.status != "running":
        return
    if job.arguments["source"] == "collection":
        async with _ending(run, job_id):
            await _attach_collection(run, job_id, job.arguments["collection_id"])
        return
    async with _ending(run, job_id):
        while await _attach_chunk(run, job_id):
            continue


@asynccontextmanager
async def _ending(run: Run, job_id: str) -> AsyncIterator[None]:
    """End a job as failed when the shop refuses it, or when it fails for the last time."""
    try:
        yield
    except Exception as error:
        is_refused = isinstance(error, CommerceError) and not isinstance(error, CommerceUnreadable)
        if not (is_refused or (run.is_last and is_of_item(error))):
            raise
        async with run.work() as work:
            await _fail(work, job_id, sentence_of(error))


async def _attach_chunk(run: Run, job_id: str) -> bool:
    """Attach the next chunk; False when that was the last."""
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
    """Attach the variants of a collection, and detach those that left it."""
    commerce = await commerce_of(run)
    if commerce is None:
        async with run.work() as work:
            await _fail(work, job_id, NO_SHOP)
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
        await resolve.detach_other_products(work.db, work.shop_id, offer.id, seen, now)
        await resolve.attach_products(work.db, work.shop_id, offer, seen, now)
        count = len(
            (await attachment_store.attached_ids(work.db, work.shop_id, [offer.id]))[offer.id]
        )
        await bulk.advance(work.db, work.shop_id, job_id, count, {}, total=count)
        await _done(work, job_id, offer.id)


@jobs.job(cron="20 * * * *")
async def follow_sources(run: Run) -> None:
    """Look again at what offers follow: collections, and the whole catalogue."""
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


@jobs.job()
async def flip(run: Run, *, job_id: str) -> None:
    """Flip the inventory policy of a job's variants, as the one run that writes policies."""
    commerce = await commerce_of(run)
    async with run.work() as work:
        if commerce is None:
            await _fail(work, job_id, NO_SHOP)
            return
        await storefront_store.know_shop(work.db, work.shop_id)
        lease = await storefront_jobs.LEASES.claim(work.db, work.shop_id, work.shop_id)
        if lease is None:
            run.keep_count(LATER)
            work.enqueue_in(LATER, flip, job_id=job_id)
            return
    async with storefront_jobs.LEASES.kept(run, run.shop_id, lease), _ending(run, job_id):
        while await _flip_chunk(run, commerce, job_id):
            continue


async def _flip_chunk(run: Run, commerce: Commerce, job_id: str) -> bool:
    """Flip the policies of the next chunk; False when there is none."""
    async with run.work() as work:
        job = await bulk.load(work.db, work.shop_id, job_id)
        if job is None or job.status != "running":
            return False
        chunk = job.arguments["variant_ids"][job.processed : job.processed + CHUNK]
        if not chunk:
            await _complete(work, job_id)
            return False
        offer_id, policy = UUID(job.arguments["offer_id"]), job.arguments["policy"]
        attached = await attachment_store.attached_ids(work.db, work.shop_id, [offer_id], chunk)
        wanted = await policies.ask_for(work.db, work.shop_id, policy, attached[offer_id])
    with patiently():
        failures, unset = await storefront_jobs.write_policies(run, commerce, wanted)
    if unset and not counts(run):
        raise Failed("; ".join(dict.fromkeys(unset.values())))
    failures |= unset
    for one in chunk:
        if one not in wanted:
            failures[one] = "not attached to this offer"
    async with run.work() as work:
        if unset:
            await policies.mark(work.db, work.shop_id, {one: wanted[one] for one in unset}, unset)
        await bulk.advance(work.db, work.shop_id, job_id, len(chunk), failures)
    return True


async def _offer(work: Work, job: bulk.BulkJob) -> Offer | None:
    """Lock the job's offer; end the job when the offer has taken another source meanwhile."""
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
            error="the offer was discarded or took another source meanwhile",
        )
        return None
    return offer


async def _done(work: Work, job_id: str, offer_id: UUID) -> None:
    await _complete(work, job_id)
    plan_group_jobs.request(work, offer_id)


async def _complete(work: Work, job_id: str) -> None:
    await bulk.finish(work.db, work.shop_id, job_id, status="completed", now=work.runtime.clock())


async def _fail(work: Work, job_id: str, error: str) -> None:
    await bulk.finish(
        work.db, work.shop_id, job_id, status="failed", now=work.runtime.clock(), error=error
    )
