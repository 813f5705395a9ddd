"""Actions on variants: their preorder context, counts and metafields."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.errors import NotFound
from openstoq.jobs import bulk
from openstoq.jobs.bulk import JobView
from openstoq.kernel.ids import ProductId, VariantId, shopify_id
from openstoq.kernel.paging import Page
from openstoq.preorders.offers import store as offer_store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.attachments.bulk import STATUS_URL, Submitted
from openstoq.preorders.offers.model import ScheduleState, Status
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.variants import jobs, store
from openstoq.preorders.variants.jobs import Task
from openstoq.preorders.variants.model import VariantContext, VariantOffers, VariantSummaryPage

MOST_AT_ONCE = 5000
MOST_LISTED = 1000
OfferState = Literal[Status, ScheduleState]
BulkIds = Annotated[list[VariantId], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Detached(BaseModel):
    """The offers that a variant was detached from."""

    shopify_variant_id: int
    detached_from: list[UUID]


async def load(context: Context, variant_id: str, *, lock: bool) -> VariantContext:
    """Load a variant that an offer sells or has sold; raise NotFound for any other."""
    number = _number(variant_id)
    if lock:
        await store.lock(context.db, context.shop_id, [number])
    found = await store.context(context.db, context.shop_id, number, context.runtime.clock())
    if found is None:
        raise NotFound(f"no offer of this shop has ever sold the variant {variant_id}")
    return found


async def load_to_exclude(context: Context, variant_id: str, *, lock: bool) -> VariantContext:
    """Load a variant as `load` does; with `lock`, also lock the offers that may exclude it.

    The offers are locked before the variant, because every transaction must lock in this order.
    """
    if lock:
        await offer_store.lock_excluders(context.db, context.shop_id, _number(variant_id))
    return await load(context, variant_id, lock=lock)


def _number(variant_id: str) -> int:
    try:
        return shopify_id(variant_id, "ProductVariant")
    except ValueError:
        return 0


NAME, PATH = "preorders.product_variants", "/preorders/product_variants"
variants = ActionSet(NAME, PATH, load=load)
exclusions = ActionSet(NAME, PATH, load=load_to_exclude)
jobs_of_variants = ActionSet(NAME, PATH)


@variants.get(name="list", aliases=("which variants are on preorder", "list preorder variants"))
async def list_variants(
    context: Context,
    *,
    offer_id: UUID | None = None,
    product_id: ProductId | None = None,
    variant_ids: Annotated[list[VariantId], Field(max_length=MOST_LISTED)] | None = None,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=250)] = 25,
) -> VariantSummaryPage:
    """List Shopify variants attached to any preorder offer in this shop.

    variant_ids is written like every list in a query: variant_ids[]=1&variant_ids[]=2,
    variant_ids=1&variant_ids=2 or variant_ids=1,2.
    """
    asked = Page(page, per_page)
    found, total = await store.page(
        context.db,
        context.shop_id,
        asked,
        offer_id=offer_id,
        product_id=product_id,
        variant_ids=variant_ids,
    )
    return VariantSummaryPage(product_variants=found, meta=asked.meta(total))


@jobs_of_variants.get("/jobs/{job_id}", name="jobs", aliases=("how far is the job", "poll a job"))
async def read_job(context: Context, job_id: str) -> JobView:
    """Check the status of a bulk variant-admin job."""
    found = await bulk.load(context.db, context.shop_id, job_id)
    if found is None:
        raise NotFound(f"no job with the id {job_id}; jobs are kept for 30 days")
    return found.view


@variants.get("/{variant_id}", aliases=("preorder context of a variant", "has a variant drifted"))
async def read(_: Context, variant: VariantContext) -> VariantContext:
    """Read a Shopify variant's preorder context.

    Every offer it's in, aggregate counts, and the metafields as we wrote them. drift lists the
    metafields that differed in the shop when last checked. It includes inventory_policy if
    somebody changed the policy while a live offer sells the variant, and that offer has
    continue_selling, the variant is sold out, or Shopify's own stock stops its sale.
    """
    return variant


@variants.get("/{variant_id}/offers", aliases=("which offers sell a variant",))
async def offers(
    _: Context,
    variant: VariantContext,
    *,
    state: OfferState | None = None,
) -> VariantOffers:
    """List the preorder offers a Shopify variant is attached to, in the order in which they apply.

    state filters by the offer's status (enabled, disabled, discarded) or by the current state
    of its schedule (always, which means no schedule; upcoming, active, ended), whether the
    offer is enabled or not; without state all offers are listed. Offers that do not sell come
    last: those that are not enabled, and those that sell only a deposit whose due day has passed.
    """
    return VariantOffers(
        offers=[one for one in variant.offers if state in (None, one.status, one.schedule.state)]
    )


@exclusions.post("/{variant_id}/detach_from_all_offers", aliases=("stop preorders of a variant",))
async def detach_from_all_offers(context: Context, variant: VariantContext) -> Detached:
    """Remove a variant from every preorder offer it's attached to.

    Customer orders are unaffected. Offers whose source is all or a collection exclude the variant
    from then on, so that it is not attached again: excluded_variant_ids of GET products lists it.
    """
    now = context.runtime.clock()
    ids = [variant.shopify_variant_id]
    await offer_store.exclude(context.db, context.shop_id, variant.shopify_variant_id, now)
    gone = await resolve.detach_everywhere(context.db, context.shop_id, ids, now)
    for offer_id in gone:
        plan_group_jobs.request(context, offer_id)
    storefront_jobs.request(context)
    return Detached(
        shopify_variant_id=variant.shopify_variant_id,
        detached_from=[offer.id for offer in variant.offers],
    )


@variants.post("/{variant_id}/recalculate_preorder_count", aliases=("recount preorders",))
async def recalculate_preorder_count(context: Context, variant: VariantContext) -> VariantContext:
    """Recompute preorder_count for a variant from active order line items, then push to Shopify."""
    return await _performed(context, variant, "recalculate_preorder_counts")


@variants.post("/{variant_id}/reset_metafields", aliases=("clear metafields",))
async def reset_metafields(context: Context, variant: VariantContext) -> VariantContext:
    """Clear all preorder-related Shopify metafields on a variant. Keeps it attached to its offers.

    The next change of an offer's settings writes the metafields again.
    """
    return await _performed(context, variant, "reset_metafields")


@variants.post("/{variant_id}/reset_preorder_count", aliases=("zero the preorder count",))
async def reset_preorder_count(context: Context, variant: VariantContext) -> VariantContext:
    """Hard-reset the preorder_count of a variant to zero.

    Use recalculate_preorder_count for a recount from real orders.
    """
    variant_id = variant.shopify_variant_id
    await store.set_counts(context.db, context.shop_id, {variant_id: (0, {})})
    await policies.follow(context, [variant_id], context.runtime.clock())
    storefront_jobs.request(context)
    return await load(context, str(variant_id), lock=False)


@variants.post("/{variant_id}/sync_metafields", aliases=("repair metafields", "resync a variant"))
async def sync_metafields(context: Context, variant: VariantContext) -> VariantContext:
    """Force-resync every preorder metafield for a variant to Shopify.

    Idempotent. Repairs changes made by hand, including those of the inventory policy. Retries
    writes that failed; if the shop refused to add the variant to an offer's selling plan group,
    it is asked again.
    """
    return await _performed(context, variant, "sync_metafields")


@variants.post("/bulk_recalculate_preorder_counts", aliases=("recount many variants",))
async def bulk_recalculate_preorder_counts(context: Context, *, variant_ids: BulkIds) -> Submitted:
    """Recompute preorder_count for many variants in one job (max 5000)."""
    return await _submitted(context, "recalculate_preorder_counts", variant_ids)


@variants.post("/bulk_reset_metafields", aliases=("clear many metafields",))
async def bulk_reset_metafields(context: Context, *, variant_ids: BulkIds) -> Submitted:
    """Reset preorder metafields for many variants in one job (max 5000)."""
    return await _submitted(context, "reset_metafields", variant_ids)


@variants.post("/bulk_sync_metafields", aliases=("resync many variants",))
async def bulk_sync_metafields(context: Context, *, variant_ids: BulkIds) -> Submitted:
    """Force-resync preorder metafields for many variants in one job (max 5000)."""
    return await _submitted(context, "sync_metafields", variant_ids)


async def _performed(context: Context, variant: VariantContext, task: Task) -> VariantContext:
    await jobs.perform(context, task, [variant.shopify_variant_id])
    return await load(context, str(variant.shopify_variant_id), lock=False)


async def _submitted(context: Context, task: Task, variant_ids: list[int]) -> Submitted:
    ids = list(dict.fromkeys(variant_ids))
    job_id = await bulk.begin(
        context.db,
        context.shop_id,
        task,
        total=len(ids),
        arguments={"task": task, "variant_ids": ids},
        now=context.runtime.clock(),
    )
    context.enqueue(jobs.run_bulk, job_id=job_id)
    return Submitted(job_id=job_id, status_url=f"{STATUS_URL}/{job_id}", variant_count=len(ids))


ACTIONS = (*variants, *exclusions, *jobs_of_variants)
