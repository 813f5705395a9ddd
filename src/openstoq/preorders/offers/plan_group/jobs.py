"""Sync an offer's selling plan group, and the variants in it, to the shop.

A run always writes the state that is wanted at that time. The job may therefore be repeated,
interrupted, or coalesced with others. A run's progress is recorded batch by batch.
"""

from collections.abc import Mapping
from uuid import UUID

import structlog

from openstoq.commerce.plans import SavedPlanGroup
from openstoq.commerce.port import Commerce, CommerceError, CommerceUnreadable, GroupLost
from openstoq.jobs.items import counts, forget, remember, rested
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.leases import LATER, SETTLED, Leases
from openstoq.jobs.work import Run, Work
from openstoq.kernel.alone import noted
from openstoq.kernel.faults import is_of_item
from openstoq.preorders.offers import rules, store
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.plan_group import mapping
from openstoq.preorders.offers.plan_group import store as marks
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.shops.commerce import commerce_of, patiently

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.sync")

BATCH = 250
# The kind of item whose failures are kept, and how many failed items one run of `resume` retries.
OFFER, MOST_AGAIN = "offer", 100
LEASES = Leases("offers", "id", lasts=SETTLED)


def request(work: Work, offer_id: UUID) -> None:
    """Request a sync of an offer; ten changes within a second cause a single run."""
    work.enqueue(sync_offer.once(), offer_id=offer_id)


@jobs.job()
async def sync_offer(run: Run, *, offer_id: UUID) -> None:
    """Write the offer's selling plan group to the shop, and put the offer's variants in it."""
    commerce = await commerce_of(run)
    if commerce is None:
        return

    def again(work: Work) -> None:
        work.enqueue(sync_offer.once(after=LATER), offer_id=offer_id)

    async with LEASES.alone(run, offer_id, again=again) as is_alone:
        if is_alone:
            await _sync(run, commerce, offer_id)


@jobs.job(cron="*/10 * * * *")
async def resume(run: Run) -> None:
    """Retry the syncs of offers and of the storefront that failed, once their pause is over.

    The pause after a failure grows with each further failure.
    """
    async with run.work() as work:
        db, shop_id, now = work.db, work.shop_id, work.runtime.clock()
        for offer_id in await rested(db, shop_id, OFFER, now, MOST_AGAIN):
            request(work, UUID(offer_id))
        for kind in (storefront_jobs.SHOP, storefront_jobs.POLICY):
            if await rested(db, shop_id, kind, now, 1):
                storefront_jobs.request(work)


async def _sync(run: Run, commerce: Commerce, offer_id: UUID) -> None:
    async with run.work() as work:
        offer = await store.load(work.db, work.shop_id, offer_id, lock=False)
    if offer is None:
        return
    error: str | None = None
    revision: int | None = None
    failures: dict[UUID, str] = {}
    try:
        with patiently():
            await _group_and_members(run, commerce, offer)
        revision = offer.revision
        async with run.work() as work:
            refused = await marks.failures(work.db, work.shop_id, offer_id)
        if refused:
            error = f"{refused} variants could not be added; GET products/variants says why"
    except GroupLost:
        async with run.work() as work:
            await marks.lose_group(work.db, work.shop_id, offer_id)
        raise Retry("the shop has lost the selling plan group", delay=LATER) from None
    except CommerceUnreadable:
        # The shop's next response may be readable, so the job is retried.
        raise
    except CommerceError as refusal:
        error = str(refusal)
        log.warning("offer.sync_failed", offer_id=str(offer_id), error=error)
    except Exception as fault:
        if not is_of_item(fault) or not counts(run):
            raise
        error = noted(OFFER, offer_id, fault)
        failures[offer_id] = error
    finally:
        async with run.work() as work:
            # Even if this run failed halfway, the storefront must show the plans and members that
            # were saved.
            storefront_jobs.request(work)
    async with run.work() as work:
        await LEASES.note(work.db, work.shop_id, offer_id, revision=revision, error=error)
        if failures:
            await remember(work.db, work.shop_id, OFFER, failures, work.runtime.clock())
        else:
            await forget(work.db, work.shop_id, OFFER, [offer_id])


async def _group_and_members(run: Run, commerce: Commerce, offer: Offer) -> None:
    uses_plans = offer.advanced.use_shopify_selling_plan and offer.discarded_at is None
    is_selling = rules.sells(offer, run.runtime.clock())
    if uses_plans:
        await _save_group(run, commerce, offer)
    if offer.plan_group_id is not None:
        await _move(run, commerce, offer, add=False, everything=not is_selling and uses_plans)
        if uses_plans and is_selling:
            await _move(run, commerce, offer, add=True, everything=False)
    async with run.work() as work:
        await marks.drop_detached(work.db, work.shop_id, offer.id)


async def _save_group(run: Run, commerce: Commerce, offer: Offer) -> None:
    wanted = mapping.plan_group(offer, run.runtime.clock())
    digest = mapping.digest(wanted)
    if offer.plan_group_id is not None and offer.plan_group_digest == digest:
        return
    async with run.work() as work:
        await marks.ask_group(work.db, work.shop_id, offer.id)
    known = None
    if offer.plan_group_id is not None:
        ids = {"full": offer.full_plan_id, "partial": offer.partial_plan_id}
        known = SavedPlanGroup(
            id=offer.plan_group_id,
            plan_ids={name: number for name, number in ids.items() if number is not None},
        )
    saved = await commerce.save_plan_group(wanted, known)
    async with run.work() as work:
        await marks.save_group(
            work.db,
            work.shop_id,
            offer.id,
            group_id=saved.id,
            plan_ids=saved.plan_ids,
            digest=digest,
        )
    offer.plan_group_id = saved.id


async def _move(run: Run, commerce: Commerce, offer: Offer, *, add: bool, everything: bool) -> None:
    """Put variants into the offer's group if `add` is set, or else remove them, batch by batch.

    Only detached variants are removed, unless `everything` is set.
    """
    if offer.plan_group_id is None:
        return
    while True:
        async with run.work() as work:
            batch = (
                await marks.ask_to_add(work.db, work.shop_id, offer.id, BATCH)
                if add
                else await marks.ask_to_remove(
                    work.db, work.shop_id, offer.id, BATCH, everything=everything
                )
            )
        if not batch:
            return
        failures: Mapping[int, str] = {}
        if add:
            failures = await commerce.add_to_plan_group(offer.plan_group_id, batch)
        else:
            await commerce.remove_from_plan_group(offer.plan_group_id, batch)
        async with run.work() as work:
            await marks.mark_members(
                work.db, work.shop_id, offer.id, batch, in_group=add, failures=failures
            )
        if run.runtime.stopping.is_set():
            raise Retry("the worker is stopping")
