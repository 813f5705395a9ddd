"""Change the selection of variants that an offer sells, for the products actions and API v1."""

from collections.abc import Iterable

from openstoq.actions.context import Context
from openstoq.catalog import unknown_ids
from openstoq.errors import Invalid, NotFound
from openstoq.kernel.patch import UNSET, assign
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.attachments import jobs as attachment_jobs
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.attachments.bulk import Submitted
from openstoq.preorders.offers.editing import save
from openstoq.preorders.offers.model import Offer, Source


async def detach(context: Context, offer: Offer, variant_ids: list[int]) -> list[int]:
    """Detach those of the given variants that are attached, and return their ids.

    Raises NotFound when none of the variants is attached, and Conflict when the offer is discarded.
    """
    rules.check_changeable(offer)
    attached = await attachment_store.attached_ids(context.db, context.shop_id, [offer.id])
    gone = sorted(set(attached[offer.id]) & set(variant_ids))
    if not gone:
        raise NotFound("none of these variants is attached to this offer")
    now = context.runtime.clock()
    offer.variant_count -= await resolve.detach(context.db, context.shop_id, offer.id, gone, now)
    await save(context, offer)
    return gone


async def switch(context: Context, offer: Offer, source: Source) -> None:
    """Change the offer's source, and detach the variants of the old source.

    Raises Conflict when the offer is discarded, or when its inventory provider does not allow the
    new source.
    """
    rules.check_changeable(offer)
    rules.check_source(offer, source)
    now = context.runtime.clock()
    await resolve.detach(context.db, context.shop_id, offer.id, None, now)
    offer.variant_count, offer.source, offer.collection_id = 0, source, None
    offer.exclusion_tag, offer.excluded_variant_ids = None, []


async def replace(context: Context, offer: Offer, variant_ids: list[int]) -> None:
    """Detach the variants of an offer that are not in `variant_ids`, the offer's new list.

    Also cancels the running jobs that attach the previous list.
    """
    now = context.runtime.clock()
    attached = await attachment_store.attached_ids(context.db, context.shop_id, [offer.id])
    gone = sorted(set(attached[offer.id]) - set(variant_ids))
    offer.variant_count -= await resolve.detach(context.db, context.shop_id, offer.id, gone, now)
    await attachment_jobs.cancel(context, offer)


async def check_variants(context: Context, variant_ids: Iterable[int], *, field: str) -> None:
    """Raise Invalid if the shop is known not to have one of the variants.

    `field` is the path under which the caller sent them.
    """
    problems = await unknown_ids.problems(
        context.db, context.shop_id, "variants", variant_ids, field=field
    )
    if problems:
        raise Invalid(*problems)


async def check_excluded(
    context: Context, offer: Offer, variant_ids: Iterable[int], *, field: str
) -> None:
    """Raise Invalid if the shop is known not to have a variant that is newly excluded."""
    new = set(variant_ids) - set(offer.excluded_variant_ids)
    await check_variants(context, new, field=field)


async def sell_all(
    context: Context,
    offer: Offer,
    *,
    exclusion_tag: str | None,
    excluded_variant_ids: list[int],
    field: str,
) -> Submitted:
    """Set the offer's source to `all`, and begin to attach all variants that are not excluded.

    If the source is already `all`, exclusions that are UNSET stay as they are. `field` is the path
    under which the caller sent the excluded variants.
    """
    if excluded_variant_ids is not UNSET:
        await check_excluded(context, offer, excluded_variant_ids, field=field)
    if offer.source != "all":
        await switch(context, offer, "all")
    assign(offer, exclusion_tag=exclusion_tag, excluded_variant_ids=excluded_variant_ids)
    return await resolve_all(context, offer, "set_source_to_all")


async def sell_custom(
    context: Context, offer: Offer, variant_ids: list[int], *, field: str
) -> Submitted:
    """Set the offer's source to `custom`, and begin to attach the variants in `variant_ids`.

    If `variant_ids` is UNSET, an offer whose source is already `custom` keeps its variants. `field`
    is the path under which the caller sent `variant_ids`.
    """
    is_sent = variant_ids is not UNSET
    wanted: list[int] = list(dict.fromkeys(variant_ids)) if is_sent else []
    rules.check_changeable(offer)
    await check_variants(context, wanted, field=field)
    if offer.source != "custom":
        await switch(context, offer, "custom")
    elif is_sent:
        await replace(context, offer, wanted)
    await save(context, offer)
    return await attachment_jobs.submit(
        context, offer, "set_source_to_custom", count=len(wanted), variant_ids=wanted
    )


async def resolve_all(context: Context, offer: Offer, action: str) -> Submitted:
    """Save an offer with the source `all`, and begin to attach all variants but the excluded."""
    await save(context, offer)
    return await submit(context, offer, action)


def take_collection(offer: Offer, collection_id: int) -> None:
    """Set the offer's source to a collection.

    Raises Conflict when the offer is discarded, or when its inventory provider does not allow a
    collection as the source.
    """
    rules.check_changeable(offer)
    # The job first reads the collection, and then detaches the variants that are not in it. A
    # mistyped id therefore detaches nothing.
    if offer.source != "collection":
        rules.check_source(offer, "collection")
        offer.source, offer.exclusion_tag = "collection", None
    if offer.collection_id != collection_id:
        offer.excluded_variant_ids = []
    offer.collection_id = collection_id


async def resolve_collection(context: Context, offer: Offer) -> Submitted:
    """Save the offer, and begin to attach the variants of its collection."""
    await save(context, offer)
    return await submit(context, offer, "set_source_to_collection")


async def submit(context: Context, offer: Offer, action: str) -> Submitted:
    """Begin to attach the variants of a saved offer, whose source is `all` or a collection."""
    if offer.source == "all":
        count = await resolve.count_all(context.db, context.shop_id, offer)
        return await attachment_jobs.submit(context, offer, action, count=count)
    return await attachment_jobs.submit(
        context, offer, action, count=None, collection_id=offer.collection_id
    )
