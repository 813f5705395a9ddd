"""The products capability: the source from which an offer takes the variants that it sells."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.actions.requirements import Needed, Unwanted
from openstoq.actions.validation import Path
from openstoq.errors import Conflict, Invalid
from openstoq.kernel.ids import CollectionId, VariantId
from openstoq.kernel.patch import UNSET, partial_of
from openstoq.kernel.types import Tag
from openstoq.preorders.offers import rules, views
from openstoq.preorders.offers.actions import selection
from openstoq.preorders.offers.attachments import jobs as attachment_jobs
from openstoq.preorders.offers.attachments import policy_jobs
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
    excluded_variant_ids: VariantIds = []


class CustomBlock(BaseModel):
    """The list of variants of an offer whose source is `custom`."""

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
        return await selection.sell_all(
            context,
            offer,
            exclusion_tag=block.get("exclusion_tag", UNSET),
            excluded_variant_ids=block.get("excluded_variant_ids", UNSET),
            field="all.excluded_variant_ids",
        )
    if source == "custom":
        ids = block.get("variant_ids", UNSET)
        return await selection.sell_custom(context, offer, ids, field="custom.variant_ids")
    collection_id: int | None = block.get("collection_id")
    if collection_id is not None:
        selection.take_collection(offer, collection_id)
    if block.get("auto_refresh") is not None:
        offer.auto_refresh = block["auto_refresh"]
    if "excluded_variant_ids" in block:
        excluded = block["excluded_variant_ids"]
        await selection.check_excluded(
            context, offer, excluded, field="collection.excluded_variant_ids"
        )
        offer.excluded_variant_ids = excluded
    elif collection_id is None:
        await save(context, offer)
        return views.products(offer, context.runtime.clock())
    return await selection.resolve_collection(context, offer)


def check(offer: Offer, changes: Mapping[str, Any], unread: Collection[Path] = ()) -> list[str]:
    """Return the problems of a product selection that depend on the offer.

    `unread` are the paths of fields that were sent but could not be read.
    """
    if changes["source"] != "collection" or any(path[0] == "collection" for path in unread):
        return []
    block = changes.get("collection") or {}
    if (block.get("collection_id") or offer.collection_id) is None:
        return ["collection.collection_id is required for the source collection"]
    return []


@products.post("/add_variants", aliases=("attach variants", "add products to the preorder"))
async def add_variants(context: Context, offer: Offer, *, variant_ids: SomeVariantIds) -> Submitted:
    """Attach variants to a custom-source preorder offer.

    Runs as a job: poll the status_url in the response. Variants that the shop is known not to
    have are refused at once. Until its catalogue has been read, one that does not exist is listed
    by its id among the failures in the job's result; the others are attached.
    """
    _require(offer, "custom")
    await selection.check_variants(context, variant_ids, field="variant_ids")
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
    await selection.detach(context, offer, variant_ids)
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
    not attached is listed by its id among the failures in the job's result. 409 for CONTINUE if
    this offer's inventory provider is shopify, because Shopify's own stock then stops the sale.
    If only another offer that sells a variant has that provider, that variant is listed among
    the failures.
    """
    rules.check_changeable(offer)
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
    await selection.check_excluded(context, offer, variant_ids, field="variant_ids")
    offer.excluded_variant_ids = variant_ids
    return await selection.resolve_all(context, offer, "set_excluded_variants")


@products.post("/set_exclusion_tag", aliases=("exclude by tag",))
async def set_exclusion_tag(context: Context, offer: Offer, *, tag: Tag | None) -> Submitted:
    """Set the exclusion tag for an all-source preorder offer (variants with it are excluded).

    Null clears the tag.
    """
    _require(offer, "all")
    offer.exclusion_tag = tag
    return await selection.resolve_all(context, offer, "set_exclusion_tag")


@products.post("/set_source_to_all", aliases=("sell everything as preorder",))
async def set_source_to_all(
    context: Context,
    offer: Offer,
    *,
    confirm: Confirmed,  # noqa: ARG001 - reading the request has checked it
    exclusion_tag: Tag | None = UNSET,
    excluded_variant_ids: VariantIds = UNSET,
) -> Submitted:
    """Switch the offer to apply to every variant in the shop, minus exclusions.

    Requires confirm: true in the body. Resolution runs as a job over the entire catalogue. If
    the source is all already, exclusions that are not sent stay as they are.
    """
    return await selection.sell_all(
        context,
        offer,
        exclusion_tag=exclusion_tag,
        excluded_variant_ids=excluded_variant_ids,
        field="excluded_variant_ids",
    )


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
    selection.take_collection(offer, collection_id)
    return await selection.resolve_collection(context, offer)


@products.post("/set_source_to_custom", aliases=("choose variants one by one",))
async def set_source_to_custom(
    context: Context,
    offer: Offer,
    *,
    variant_ids: VariantIds = UNSET,
) -> Submitted:
    """Switch the offer to a custom variant list. Optionally seed it with variant IDs.

    variant_ids replace the list that the offer has; a variant that stays keeps its own settings.
    If the source is custom already and variant_ids are left out, the list stays as it is.
    Attachment runs as a job: poll the status_url in the response.
    """
    return await selection.sell_custom(context, offer, variant_ids, field="variant_ids")


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
