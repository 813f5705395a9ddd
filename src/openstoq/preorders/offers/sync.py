"""Making the shop agree: selling plan groups, who is in them, metafields, inventory policies.

Everything is written from what should be at that moment, so a job may be repeated, interrupted
or coalesced with others; what was done is marked batch by batch.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import structlog

from openstoq.commerce.port import (
    Commerce,
    CommerceError,
    CommerceUnavailable,
    GroupLost,
    Metafield,
    SavedPlanGroup,
)
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run, Work
from openstoq.preorders.offers import leases, plans, policies, store, storefront, texts
from openstoq.preorders.offers import sync_store as marks
from openstoq.preorders.offers.leases import Held
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.sync_store import Behind
from openstoq.shops.commerce import asking, commerce_of

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.sync")

BATCH = 250
VARIANTS = 200
SOON = timedelta(seconds=2)


def request(work: Work, offer_id: UUID) -> None:
    """Have the shop follow a change of an offer; ten changes in a second are one run."""
    work.coalesce(sync_offer, offer_id=offer_id)


def request_variants(work: Work) -> None:
    """Have the metafields and policies of changed variants written."""
    work.coalesce(sync_storefront)


@jobs.job()
async def sync_offer(run: Run, *, offer_id: UUID) -> None:
    """Make the shop's selling plan group what the offer says, and its variants the offer's."""
    commerce = await commerce_of(run)
    if commerce is None:
        return
    async with run.work() as work:
        offer = await leases.claim(work.db, work.shop_id, offer_id)
    if isinstance(offer, Held) and not offer.is_alive:
        raise Retry("another run of this offer seems to have died", delay=SOON)
    if offer is None or isinstance(offer, Held):
        return
    error: str | None = None
    revision: int | None = None
    try:
        await _group_and_members(run, commerce, offer)
        revision = offer.revision
        async with run.work() as work:
            refused = await marks.failures(work.db, work.shop_id, offer_id)
        if refused:
            error = f"{refused} variants could not be added; GET products/variants says why"
    except GroupLost:
        async with run.work() as work:
            await marks.lose_group(work.db, work.shop_id, offer_id)
        raise Retry("the shop has lost the selling plan group", delay=timedelta(0)) from None
    except CommerceUnavailable as unavailable:
        raise Retry(
            str(unavailable), delay=timedelta(seconds=unavailable.retry_after)
        ) from unavailable
    except CommerceError as refusal:
        error = str(refusal)
        log.warning("offer.sync_failed", offer_id=str(offer_id), error=error)
    finally:
        async with run.work() as work:
            changed = await leases.release(
                work.db, work.shop_id, offer_id, revision=revision, error=error
            )
            if changed:
                request(work, offer_id)
            request_variants(work)


async def _group_and_members(run: Run, commerce: Commerce, offer: Offer) -> None:
    uses_plans = offer.advanced.use_shopify_selling_plan and offer.discarded_at is None
    if uses_plans:
        await _save_group(run, commerce, offer)
    if offer.plan_group_id is not None:
        await _move(run, commerce, offer, add=False, everything=not offer.is_live and uses_plans)
        if uses_plans and offer.is_live:
            await _move(run, commerce, offer, add=True, everything=False)
    async with run.work() as work:
        await marks.drop_detached(work.db, work.shop_id, offer.id)


async def _save_group(run: Run, commerce: Commerce, offer: Offer) -> None:
    wanted = plans.plan_group(offer)
    digest = plans.digest(wanted)
    if offer.plan_group_id is not None and offer.plan_group_digest == digest:
        return
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
    """Put variants into the offer's group or take them out, a batch at a time."""
    if offer.plan_group_id is None:
        return
    while True:
        async with run.work() as work:
            await leases.renew(work.db, work.shop_id, offer.id)
            batch = (
                await marks.to_add(work.db, work.shop_id, offer.id, BATCH)
                if add
                else await marks.to_remove(
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


@jobs.job()
async def sync_storefront(run: Run) -> None:
    """Write what the storefront reads: the shop's metafields, those of variants, policies."""
    commerce = await commerce_of(run)
    if commerce is None:
        return
    async with run.work() as work:
        held = await leases.take_storefront(work.db, work.shop_id)
    if held is not None:
        if held.is_alive:
            return
        raise Retry("another run that wrote metafields seems to have died", delay=SOON)
    began = run.runtime.clock()
    finished = False
    try:
        with asking():
            await _write_shop(run, commerce)
            await _write_variants(run, commerce)
            await _write_policies(run, commerce)
        finished = True
    finally:
        async with run.work() as work:
            changed = await leases.leave_storefront(work.db, work.shop_id, began)
            # After a failure this job's own repetition sees to it, at its own pace.
            if changed and finished:
                request_variants(work)


async def _write_shop(run: Run, commerce: Commerce) -> None:
    async with run.work() as work:
        offers = await store.all_of(work.db, work.shop_id, None)
        translations = await texts.overrides(work.db, work.shop_id, [one.id for one in offers])
        written = await marks.written_on_shop(work.db, work.shop_id)
    wanted = storefront.on_shop(offers, translations)
    digests = {one.key: sha256(one.value.encode()).hexdigest() for one in wanted}
    changed = [one for one in wanted if written.get(one.key) != digests[one.key]]
    # One at a time: ten megabytes are the most that a call may hold.
    failures: dict[tuple[int | None, str], str] = {}
    for metafield in changed:
        failures |= await commerce.set_metafields(namespace_of(run), [metafield])
    gone = [(None, key) for key in written if key not in digests]
    if gone:
        await commerce.delete_metafields(namespace_of(run), gone)
    if changed or gone:
        refused = {key: error for (_, key), error in failures.items()}
        done = {key: digest for key, digest in digests.items() if key not in refused}
        async with run.work() as work:
            await marks.mark_shop(work.db, work.shop_id, done)
            for key, error in refused.items():
                told = f"the shop's metafield {key} was refused: {error}"
                log.warning("shop.metafield_refused", key=key, error=error)
                await marks.fail_live(work.db, work.shop_id, told)


async def _write_variants(run: Run, commerce: Commerce) -> None:
    while True:
        async with run.work() as work:
            await leases.renew_storefront(work.db, work.shop_id)
            found = await marks.behind(work.db, work.shop_id, VARIANTS)
        if not found:
            return
        await write_variants(run, commerce, found)
        if run.runtime.stopping.is_set():
            raise Retry("the worker is stopping")


async def write_variants(run: Run, commerce: Commerce, found: Sequence[Behind]) -> None:
    """Write the metafields of variants in which they differ from what was written last."""
    now = run.runtime.clock()
    sets: list[Metafield] = []
    deletes: list[tuple[int | None, str]] = []
    wanted: dict[int, dict[str, str]] = {}
    for one in found:
        variant_id = one.selling.variant_id
        values = {} if one.is_reset else storefront.on_variant(one.selling, now)
        wanted[variant_id] = {key: value for key, (_, value) in values.items()}
        sets += [
            Metafield(variant_id, key, kind, value)
            for key, (kind, value) in values.items()
            if one.written.get(key) != value
        ]
        deletes += [(variant_id, key) for key in one.written if key not in values]
    failures = await commerce.set_metafields(namespace_of(run), sets) if sets else {}
    if deletes:
        await commerce.delete_metafields(namespace_of(run), deletes)
    errors = {variant: error for (variant, _), error in failures.items()}
    async with run.work() as work:
        await marks.mark_variants(
            work.db,
            work.shop_id,
            [
                (
                    one,
                    {
                        key: value
                        for key, value in wanted[one.selling.variant_id].items()
                        if (one.selling.variant_id, key) not in failures
                    },
                    errors.get(one.selling.variant_id),
                )
                for one in found
            ],
        )


async def _write_policies(run: Run, commerce: Commerce) -> None:
    while True:
        async with run.work() as work:
            await leases.renew_storefront(work.db, work.shop_id)
            wanted = await policies.wanted(work.db, work.shop_id, VARIANTS)
        if not wanted:
            return
        await write_policies(run, commerce, wanted)


async def write_policies(run: Run, commerce: Commerce, wanted: Mapping[int, str]) -> dict[int, str]:
    """Set inventory policies, product by product; return which failed, and why."""
    async with run.work() as work:
        by_product = await policies.products_of(work.db, work.shop_id, list(wanted))
    known = {variant for variants in by_product.values() for variant in variants}
    failures = {one: "no such variant in the shop" for one in wanted if one not in known}
    for product_id, variant_ids in by_product.items():
        failures |= await commerce.set_inventory_policies(
            product_id,
            {one: "continue" if wanted[one] == "continue" else "deny" for one in variant_ids},
        )
    async with run.work() as work:
        await policies.mark(work.db, work.shop_id, wanted, failures)
    return failures


def namespace_of(run: Run) -> str:
    """Return the namespace of this installation's metafields."""
    return run.runtime.settings.shopify.metafield_namespace
