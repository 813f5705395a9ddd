"""Jobs over many variants: bulk jobs, and the search for drift and its repair."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal
from uuid import UUID

from openstoq.catalog import stock
from openstoq.commerce.port import Commerce
from openstoq.jobs import bulk
from openstoq.jobs.items import each
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run, Work
from openstoq.kernel.alone import alone
from openstoq.preorders.offers import store as offers
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.plan_group import store as plan_group_store
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.offers.storefront import store as storefront_store
from openstoq.preorders.offers.storefront.metafields import KEYS
from openstoq.preorders.orders.limits import counts
from openstoq.preorders.variants import drift_store, schedule_jobs, store
from openstoq.preorders.variants.model import LastWrite
from openstoq.shops.commerce import asking, commerce_of, patiently

jobs = JobSet("preorders.variants")

Task = Literal["recalculate_preorder_counts", "reset_metafields", "sync_metafields"]
CHUNK = 500
LOOKED_AT = 200
UNKNOWN = "no offer has ever sold this variant"


async def perform(work: Work, task: Task, variant_ids: Sequence[int]) -> dict[int, str]:
    """Run a task on variants in this transaction; return the failed variants with the reasons.

    A variant fails if no offer has ever sold it.
    """
    known = await store.lock(work.db, work.shop_id, variant_ids)
    if task == "recalculate_preorder_counts":
        counted = await counts.variant_counts(work.db, work.shop_id, known)
        await store.set_counts(work.db, work.shop_id, counted)
        await policies.follow(work, known, work.runtime.clock())
    else:
        await drift_store.want_again(
            work.db, work.shop_id, known, is_reset=task == "reset_metafields"
        )
    if task == "sync_metafields":
        await policies.repair(work.db, work.shop_id, known)
        for offer_id in await plan_group_store.try_again(work.db, work.shop_id, known):
            plan_group_jobs.request(work, offer_id)
    if known:
        storefront_jobs.request(work)
    return {one: UNKNOWN for one in variant_ids if one not in set(known)}


@jobs.job()
async def run_bulk(run: Run, *, job_id: str) -> None:
    """Run the task of a bulk job on its variants, one chunk at a time.

    The transaction that handles a chunk also stores the job's progress.
    """
    while True:
        async with run.work() as work:
            job = await bulk.load(work.db, work.shop_id, job_id, lock=True)
            if job is None or job.status != "running":
                return
            chunk = job.arguments["variant_ids"][job.processed : job.processed + CHUNK]
            if not chunk:
                now = work.runtime.clock()
                await bulk.finish(work.db, work.shop_id, job_id, status="completed", now=now)
                return
            do = partial(perform, work, job.arguments["task"])
            failures = await each(work, "variant", chunk, do)
            await bulk.advance(work.db, work.shop_id, job_id, len(chunk), failures)
        if run.runtime.stopping.is_set():
            raise Retry("the worker is stopping")


@jobs.job(cron="35 1 * * *")
async def reconcile(run: Run) -> None:
    """Find drift of plan groups, metafields and inventory policies, and request its repair.

    Drift is caused by changes made by hand, and by writes that the shop lost.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    with asking():
        await _look_at_groups(run, commerce)
        await _look_at_variants(run, commerce)
        await _look_at_policies(run, commerce)
    async with run.work() as work:
        await schedule_jobs.find_moments(work, everything=False)
        await storefront_store.forget_shop(work.db, work.shop_id)
        storefront_jobs.request(work)


@jobs.job(cron="*/15 * * * *")
async def look_for_drift(run: Run) -> None:
    """Check the next variants for metafields that were changed by hand, and record the changes.

    Reading from the shop is expensive, so each run continues where the last one stopped, and
    starts over after the last variant. The nightly reconciliation repairs the changes.
    """
    async with run.work() as work:
        last = await drift_store.looked_up_to(work.db, work.shop_id)
        expected = await drift_store.after(work.db, work.shop_id, last, 2 * LOOKED_AT)
    if not expected and not last:
        return
    commerce = await commerce_of(run)
    if commerce is None:
        return
    with asking():
        drift = await look(run, commerce, expected) if expected else {}
    async with run.work() as work:
        await drift_store.note_drift(work.db, work.shop_id, expected, drift)
        reached = max(expected) if len(expected) == 2 * LOOKED_AT else 0
        await drift_store.note_looked_up_to(work.db, work.shop_id, reached)


async def _look_at_groups(run: Run, commerce: Commerce) -> None:
    async with run.work() as work:
        await offers.lock_offers(work.db, work.shop_id, None)
        found = await offers.all_of(work.db, work.shop_id, None)
        now = work.runtime.clock()
        again = set(await plan_group_store.try_again(work.db, work.shop_id))
        again |= await resolve.detach_deleted(work.db, work.shop_id, now)
        for offer in found:
            never_saved = offer.plan_group_id is None and offer.advanced.use_shopify_selling_plan
            if never_saved or offer.id in again:
                plan_group_jobs.request(work, offer.id)
    for offer in found:
        if offer.plan_group_id is None or not offer.advanced.use_shopify_selling_plan:
            continue
        with alone("offer", offer.id, {}), patiently():
            await _look_at_group(run, commerce, offer.id, offer.plan_group_id)


async def _look_at_group(run: Run, commerce: Commerce, offer_id: UUID, group_id: int) -> None:
    members = await commerce.plan_group_members(group_id)
    async with run.work() as work:
        if members is None:
            await plan_group_store.lose_group(work.db, work.shop_id, offer_id)
        else:
            await plan_group_store.believe_members(work.db, work.shop_id, offer_id, sorted(members))
        plan_group_jobs.request(work, offer_id)


async def _look_at_variants(run: Run, commerce: Commerce) -> None:
    async with run.work() as work:
        # A variant with a pending or refused write is not compared; all its metafields are written.
        unsettled = await drift_store.unsettled(work.db, work.shop_id)
        await drift_store.want_again(work.db, work.shop_id, unsettled)
    last = 0
    while True:
        async with run.work() as work:
            expected = await drift_store.after(work.db, work.shop_id, last, LOOKED_AT)
        if not expected:
            return
        last = max(expected)
        drift = await look(run, commerce, expected)
        if drift:
            async with run.work() as work:
                await drift_store.note_drift(work.db, work.shop_id, expected, drift)
                await drift_store.want_again(work.db, work.shop_id, list(drift))


async def _look_at_policies(run: Run, commerce: Commerce) -> None:
    last = 0
    while True:
        async with run.work() as work:
            watched = await policies.watched(work.db, work.shop_id, last, LOOKED_AT)
        if not watched:
            return
        last = watched[-1]
        found = {one.id: one.inventory_policy for one in await commerce.variants(watched)}
        async with run.work() as work:
            await stock.note_policies(work.db, work.shop_id, found)
            await policies.repair(work.db, work.shop_id, watched)


async def look(
    run: Run, commerce: Commerce, expected: Mapping[int, LastWrite]
) -> dict[int, dict[str, dict[str, str | None]]]:
    """Compare the shop's metafields with what we wrote; return the differences by variant."""
    found = await commerce.metafields(storefront_jobs.namespace_of(run), list(expected))
    return {
        variant_id: drift
        for variant_id, written in expected.items()
        if (drift := _difference(written.values, found.get(variant_id, written.values)))
    }


def _difference(
    written: Mapping[str, str], found: Mapping[str, str]
) -> dict[str, dict[str, str | None]]:
    return {
        key: {"expected": written.get(key), "found": found.get(key)}
        for key in sorted({*written, *found})
        if key in KEYS and written.get(key) not in (found.get(key), storefront_store.UNKNOWN)
    }
