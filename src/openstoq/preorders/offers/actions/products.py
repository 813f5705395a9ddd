"""The products capability: the variants that an offer sells, by its source."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.actions.requirements import Needed, Unwanted
from openstoq.actions.validation import Path
from openstoq.errors import Conflict, Invalid, NotFound
from openstoq.kernel.ids import CollectionId, VariantId
from openstoq.kernel.patch import UNSET, assign, partial_of
from openstoq.kernel.types import Tag
from openstoq.preorders.offers import rules, views
from openstoq.preorders.offers.attachments import jobs as attachment_jobs
from openstoq.preorders.offers.attachments import policy_jobs, resolve
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.attachments.bulk import Submitted
from openstoq.preorders.offers.editing import load, save
from openstoq.preorders.offers.model import Offer, Source
from openstoq.preorders.offers.views import Products

NAME, PATH = "preorders.offers.products", "/preorders/offers/{id}/products"
MOST_VARIANTS = 50_000
SOURCES = ("all", "collection", "custom")
_ONLY_WITH = "{0} may only be sent with source {0}"
UNCONFIRMED = "confirm must be true: the offer would apply to every variant in the shop"


def _confirmed(confirm: bool) -> bool:
    if not confirm:
        raise ValueError(UNCONFIRMED.removeprefix("confirm "))
    return confirm


Confirmed = Annotated[
    bool, AfterValidator(_confirmed), WithJsonSchema({"type": "boolean", "const": True})
]
VariantIds = Annotated[list[VariantId], Field(max_length=MOST_VARIANTS)]
SomeVariantIds = Annotated[list[VariantId], Field(min_length=1, max_length=MOST_VARIANTS)]

products = ActionSet(NAME, PATH, load=load)


class AllBlock(BaseModel):
    """The exclusions of an offer that otherwise covers all variants: by tag or by variant id."""

    model_config = ConfigDict(extra="forbid")

    exclusion_tag: Tag | None = None
    excluded_variant_ids: VariantIds = []


class CollectionBlock(BaseModel):
    """The collection whose variants the offer sells."""

    model_config = ConfigDict(extra="forbid")

    collection_id: CollectionId | None = None
    auto_refresh: bool | None = None


class CustomBlock(BaseModel):
    """The variants that an offer with the source custom begins with."""

    model_config = ConfigDict(extra="forbid")

    variant_ids: VariantIds = []


@products.get(aliases=("which variants does the offer sell",))
async def read(context: Context, offer: Offer) -> Products:
    """Read the products configuration for a preorder offer (source rule + variant summary)."""
    return views.products(offer, context.runtime.clock())


async def update(context: Context, offer: Offer, changes: dict[str, Any]) -> Products | Submitted:
    """Update the product selection: set the source rule plus its matching sub-block.

    Delegates to the set_source_to_* actions; switching source resets the variant set, while
    repeating the current source leaves fields that are not sent unchanged. Source all requires
    confirm: true. Only the sub-block matching source may be provided. collection.auto_refresh
    makes the offer follow its collection, and may be changed alone; if collection_id is sent,
    the collection's variants are looked up again.
    """
    problems = check(offer, changes)
    if problems:
        raise Invalid(*problems)
    source: Source = changes["source"]
    block = changes.get(source) or {}
    if source == "all":
        return await set_source_to_all(
            context,
            offer,
            confirm=changes.get("confirm") or False,
            exclusion_tag=block.get("exclusion_tag", UNSET),
            excluded_variant_ids=block.get("excluded_variant_ids", UNSET),
        )
    if source == "custom":
        return await set_source_to_custom(context, offer, variant_ids=block.get("variant_ids", []))
    if block.get("auto_refresh") is not None:
        offer.auto_refresh = block["auto_refresh"]
    collection_id: int | None = block.get("collection_id")
    if collection_id is None:
        await save(context, offer)
        return views.products(offer, context.runtime.clock())
    return await set_source_to_collection(context, offer, collection_id=collection_id)


def check(offer: Offer, changes: Mapping[str, Any], unread: Collection[Path] = ()) -> list[str]:
    """Return every problem of a product selection whose individual fields are valid.

    `unread` are the paths of fields that were sent but could not be read.
    """
    source: Source = changes["source"]
    problems = [
        _ONLY_WITH.format(name)
        for name in SOURCES
        if name != source and changes.get(name) is not None
    ]
    if source == "all" and not changes.get("confirm") and ("confirm",) not in unread:
        problems.append(UNCONFIRMED)
    if source == "collection" and not any(path[0] == source for path in unread):
        block = changes.get(source) or {}
        if (block.get("collection_id") or offer.collection_id) is None:
            problems.append("collection.collection_id is required for the source collection")
    return problems


@products.post("/add_variants", aliases=("attach variants", "add products to the preorder"))
async def add_variants(context: Context, offer: Offer, *, variant_ids: SomeVariantIds) -> Submitted:
    """Attach variants to a custom-source preorder offer.

    Runs as a job: poll the status_url in the response. A variant that does not exist is listed
    by its id among the failures in the job's result; the others are attached.
    """
    _require(offer, "custom")
    await save(context, offer)
    return await attachment_jobs.submit(
        context, offer, "add_variants", count=len(variant_ids), variant_ids=variant_ids
    )


@products.post("/remove_variants", aliases=("detach variants", "remove products"))
async def remove_variants(
    context: Context, offer: Offer, *, variant_ids: SomeVariantIds
) -> Products:
    """Remove variants from a custom-source preorder offer.

    The variants' metafields on Shopify are reset, unless another offer sells them. 404 when
    none of the variants is attached.
    """
    _require(offer, "custom")
    await detach(context, offer, variant_ids)
    return views.products(offer, context.runtime.clock())


@products.post("/bulk_toggle_inventory_policy", aliases=("continue selling", "stop overselling"))
async def bulk_toggle_inventory_policy(
    context: Context,
    offer: Offer,
    *,
    policy: Literal["CONTINUE", "DENY"],
    variant_ids: SomeVariantIds | None = None,
) -> Submitted:
    """Flip the Shopify inventory policy on variants attached to a preorder offer.

    Runs as a job. Without variant_ids it applies to all attached variants; a variant that is
    not attached is listed by its id among the failures in the job's result. 409 for CONTINUE with
    the inventory provider shopify, whose stock stops the sale.
    """
    rules.check_changeable(offer)
    rules.check_policy(offer, policy)
    return await policy_jobs.submit_policy(context, offer, policy, variant_ids)


@products.post("/set_collection", aliases=("change the collection",))
async def set_collection(
    context: Context, offer: Offer, *, collection_id: CollectionId
) -> Submitted:
    """Change the collection driving a collection-sourced preorder offer.

    409 for an offer with another source: use set_source_to_collection.
    """
    _require(offer, "collection")
    return await set_source_to_collection(context, offer, collection_id=collection_id)


@products.post("/set_excluded_variants", aliases=("exclude variants",))
async def set_excluded_variants(
    context: Context, offer: Offer, *, variant_ids: VariantIds
) -> Submitted:
    """Replace the explicit excluded-variant list for an all-source preorder offer."""
    _require(offer, "all")
    offer.excluded_variant_ids = variant_ids
    return await _resolve_all(context, offer, "set_excluded_variants")


@products.post("/set_exclusion_tag", aliases=("exclude by tag",))
async def set_exclusion_tag(context: Context, offer: Offer, *, tag: Tag | None) -> Submitted:
    """Set the exclusion tag for an all-source preorder offer (variants with it are excluded).

    Null clears the tag.
    """
    _require(offer, "all")
    offer.exclusion_tag = tag
    return await _resolve_all(context, offer, "set_exclusion_tag")


@products.post("/set_source_to_all", aliases=("sell everything as preorder",))
async def set_source_to_all(
    context: Context,
    offer: Offer,
    *,
    confirm: Confirmed,
    exclusion_tag: Tag | None = UNSET,
    excluded_variant_ids: VariantIds = UNSET,
) -> Submitted:
    """Switch the offer to apply to every variant in the shop, minus exclusions.

    Requires confirm: true in the body. Resolution runs as a job over the entire catalogue. If
    the source is all already, exclusions that are not sent stay as they are.
    """
    if not confirm:
        raise Invalid(UNCONFIRMED)
    if offer.source != "all":
        await switch(context, offer, "all")
    assign(offer, exclusion_tag=exclusion_tag, excluded_variant_ids=excluded_variant_ids)
    return await _resolve_all(context, offer, "set_source_to_all")


@products.post("/set_source_to_collection", aliases=("sell a collection as preorder",))
async def set_source_to_collection(
    context: Context, offer: Offer, *, collection_id: CollectionId
) -> Submitted:
    """Switch the offer to a collection-driven variant source.

    Resolution runs as a job; if the collection changes, the previous collection's variants stay
    until the job is done. Variants that are added to the collection later are only picked up if
    collection.auto_refresh is set in PATCH products; otherwise, call this action again to
    refresh.
    """
    rules.check_changeable(offer)
    # When one collection replaces another, the job first reads the new collection, and then detaches
    # the variants that are not in it. A mistyped id therefore detaches nothing.
    if offer.source != "collection":
        await switch(context, offer, "collection")
    offer.collection_id = collection_id
    await save(context, offer)
    return await attachment_jobs.submit(
        context, offer, "set_source_to_collection", count=None, collection_id=collection_id
    )


@products.post("/set_source_to_custom", aliases=("choose variants one by one",))
async def set_source_to_custom(
    context: Context,
    offer: Offer,
    *,
    variant_ids: VariantIds = [],  # noqa: B006 - the request's default; nobody changes it
) -> Submitted:
    """Switch the offer to a custom variant list. Optionally seed it with variant IDs.

    Attachment runs as a job: poll the status_url in the response.
    """
    if offer.source != "custom":
        await switch(context, offer, "custom")
    await save(context, offer)
    return await attachment_jobs.submit(
        context, offer, "set_source_to_custom", count=len(variant_ids), variant_ids=variant_ids
    )


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


async def _resolve_all(context: Context, offer: Offer, action: str) -> Submitted:
    await save(context, offer)
    count = await resolve.count_all(context.db, context.shop_id, offer)
    return await attachment_jobs.submit(context, offer, action, count=count)


def _require(offer: Offer, source: Source) -> None:
    if offer.source != source:
        raise Conflict(
            f"the offer's source is {offer.source}, and this is for {source}; use "
            f"set_source_to_{source} first"
        )


_BLOCKS: Mapping[str, Any] = {
    "source": (Source, ...),
    "all": (partial_of(AllBlock) | None, None),
    "collection": (partial_of(CollectionBlock) | None, None),
    "custom": (partial_of(CustomBlock) | None, None),
    "confirm": (bool, False),
}
ProductsPatch = create_model("ProductsPatch", __config__={"extra": "forbid"}, **_BLOCKS)

products.patch(
    aliases=("change which variants the offer sells",),
    request=ProductsPatch,
    check=check,
    requires=(
        Needed("confirm", UNCONFIRMED, when="source", values=("all",)),
        *(
            Unwanted(
                block,
                _ONLY_WITH.format(block),
                when="source",
                values=tuple(one for one in SOURCES if one != block),
            )
            for block in SOURCES
        ),
    ),
)(update)

ACTIONS = tuple(products)
