"""The products capability: which variants an offer sells, and what is special about some."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from openstoq.actions.action import Action, ActionSet, declared
from openstoq.actions.context import Context
from openstoq.errors import Conflict, Invalid, NotFound
from openstoq.kernel.ids import ShopifyId, shopify_id
from openstoq.kernel.paging import Page, PageMeta
from openstoq.kernel.types import Copy, Tag
from openstoq.preorders.offers import attaching, membership, rules
from openstoq.preorders.offers.attaching import Submitted
from openstoq.preorders.offers.editing import load, save
from openstoq.preorders.offers.membership import Member
from openstoq.preorders.offers.model import Offer, Products, Source

NAME, PATH = "preorders.offers.products", "/preorders/offers/{id}/products"
MOST_VARIANTS = 50_000

VariantIds = Annotated[list[ShopifyId], Field(max_length=MOST_VARIANTS)]
SomeVariantIds = Annotated[list[ShopifyId], Field(min_length=1, max_length=MOST_VARIANTS)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]

products = ActionSet(NAME, PATH, load=load)


class MarketOverride(BaseModel):
    """What holds for a variant in one market; null is what holds elsewhere."""

    model_config = ConfigDict(extra="forbid")

    shipping_text: Copy = None
    max_count: Count | None = None


class VariantView(BaseModel):
    """An attached variant with its own settings; null is the offer's value."""

    shopify_variant_id: int
    shopify_product_id: int
    product_title: str | None
    variant_title: str | None
    sku: str | None
    inventory_policy: str | None
    shipping_text: str | None
    max_count: int | None
    market_overrides: dict[str, MarketOverride]
    effective_shipping_text: str | None
    preorder_count: int
    attached_at: Any
    sync: dict[str, str | None]


class VariantPage(BaseModel):
    """A page of attached variants, in the order of their ids."""

    variants: list[VariantView]
    meta: PageMeta


class AllBlock(BaseModel):
    """What an offer of all variants leaves out."""

    model_config = ConfigDict(extra="forbid")

    exclusion_tag: Tag | None = None
    excluded_variant_ids: VariantIds = []


class CollectionBlock(BaseModel):
    """The collection to sell."""

    model_config = ConfigDict(extra="forbid")

    collection_id: ShopifyId | None = None
    auto_refresh: bool | None = None


class CustomBlock(BaseModel):
    """The variants to begin with."""

    model_config = ConfigDict(extra="forbid")

    variant_ids: VariantIds = []


@products.get(aliases=("which variants does the offer sell",))
async def read(_: Context, offer: Offer) -> Products:
    """Read the products configuration for a preorder offer (source rule + variant summary)."""
    return rules.products(offer)


async def update(context: Context, offer: Offer, changes: dict[str, Any]) -> Products | Submitted:
    """Update the product selection: set the source rule plus its matching sub-block.

    Delegates to the set_source_to_* actions; switching source resets the variant set. Source all
    requires confirm: true. Only the sub-block matching source may be provided.
    collection.auto_refresh makes the offer follow its collection, and may be changed alone.
    """
    source: Source = changes["source"]
    others = [name for name in ("all", "collection", "custom") if name != source]
    stray = [name for name in others if changes.get(name) is not None]
    if stray:
        raise Invalid(*(f"{name} may only be sent with source {name}" for name in stray))
    block = changes.get(source) or {}
    if source == "all":
        return await set_source_to_all(
            context,
            offer,
            confirm=changes.get("confirm") or False,
            exclusion_tag=block.get("exclusion_tag"),
            excluded_variant_ids=block.get("excluded_variant_ids", []),
        )
    if source == "custom":
        return await set_source_to_custom(context, offer, variant_ids=block.get("variant_ids", []))
    collection_id = block.get("collection_id") or offer.collection_id
    if collection_id is None:
        raise Invalid("collection.collection_id is required for the source collection")
    if block.get("auto_refresh") is not None:
        offer.auto_refresh = block["auto_refresh"]
    if collection_id == offer.collection_id:
        await save(context, offer)
        return rules.products(offer)
    return await set_source_to_collection(context, offer, collection_id=collection_id)


@products.post("/add_variants", aliases=("attach variants", "add products to the preorder"))
async def add_variants(context: Context, offer: Offer, *, variant_ids: SomeVariantIds) -> Submitted:
    """Attach variants to a custom-source preorder offer.

    Runs as a job: the answer says where to ask after it. A variant that does not exist fails
    alone, by its id, in the job's result.
    """
    _require(offer, "custom")
    await save(context, offer)
    return await attaching.submit(
        context, offer, "add_variants", count=len(variant_ids), variant_ids=variant_ids
    )


@products.post("/remove_variants", aliases=("detach variants", "remove products"))
async def remove_variants(
    context: Context, offer: Offer, *, variant_ids: SomeVariantIds
) -> Products:
    """Remove variants from a custom-source preorder offer.

    Their metafields on Shopify are reset, unless another offer sells them. 404 when none of the
    variants is attached.
    """
    _require(offer, "custom")
    await detach(context, offer, variant_ids)
    return rules.products(offer)


@products.post("/bulk_toggle_inventory_policy", aliases=("continue selling", "stop overselling"))
async def bulk_toggle_inventory_policy(
    context: Context,
    offer: Offer,
    *,
    policy: Literal["CONTINUE", "DENY"],
    variant_ids: SomeVariantIds | None = None,
) -> Submitted:
    """Flip the Shopify inventory policy on variants attached to a preorder offer.

    Runs as a job. Without variant_ids it applies to all attached variants; one that is not
    attached fails alone, by its id, in the job's result.
    """
    rules.check_changeable(offer)
    return await attaching.submit_policy(context, offer, policy, variant_ids)


@products.post("/set_collection", aliases=("change the collection",))
async def set_collection(context: Context, offer: Offer, *, collection_id: ShopifyId) -> Submitted:
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

    Null clears it.
    """
    _require(offer, "all")
    offer.exclusion_tag = tag
    return await _resolve_all(context, offer, "set_exclusion_tag")


@products.post("/set_source_to_all", aliases=("sell everything as preorder",))
async def set_source_to_all(
    context: Context,
    offer: Offer,
    *,
    confirm: bool = False,
    exclusion_tag: Tag | None = None,
    excluded_variant_ids: VariantIds = [],  # noqa: B006 - the request's default; nobody changes it
) -> Submitted:
    """Switch the offer to apply to every variant in the shop, minus exclusions.

    Requires confirm: true in the body. Resolution runs as a job over the entire catalogue.
    """
    if not confirm:
        raise Invalid("confirm must be true: the offer would apply to every variant in the shop")
    if offer.inventory.provider == "shopify":
        raise Conflict(
            "the inventory provider shopify allows only the source custom; use "
            "inventory/set_provider with stoq first"
        )
    await switch(context, offer, "all")
    offer.exclusion_tag, offer.excluded_variant_ids = exclusion_tag, excluded_variant_ids
    return await _resolve_all(context, offer, "set_source_to_all")


@products.post("/set_source_to_collection", aliases=("sell a collection as preorder",))
async def set_source_to_collection(
    context: Context, offer: Offer, *, collection_id: ShopifyId
) -> Submitted:
    """Switch the offer to a collection-driven variant source.

    Resolution runs as a job. Variants that are added to the collection later are not picked up,
    unless collection.auto_refresh is set in PATCH products: call this action again to refresh.
    """
    if offer.inventory.provider == "shopify":
        raise Conflict(
            "the inventory provider shopify allows only the source custom; use "
            "inventory/set_provider with stoq first"
        )
    if offer.collection_id != collection_id:
        await switch(context, offer, "collection")
    offer.collection_id = collection_id
    await save(context, offer)
    return await attaching.submit(
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

    Attachment runs as a job: the answer says where to ask after it.
    """
    if offer.source != "custom":
        await switch(context, offer, "custom")
    await save(context, offer)
    return await attaching.submit(
        context, offer, "set_source_to_custom", count=len(variant_ids), variant_ids=variant_ids
    )


@products.get("/variants", name="variants.list", aliases=("list the offer's variants",))
async def list_variants(
    context: Context,
    offer: Offer,
    *,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=250)] = 25,
) -> VariantPage:
    """List the variants attached to a preorder offer with their per-variant settings, paginated."""
    asked = Page(page, per_page)
    found = await membership.page(context.db, context.shop_id, offer.id, asked)
    return VariantPage(
        variants=[_view(offer, one) for one in found], meta=asked.meta(offer.variant_count)
    )


@products.get("/variants/{variant_id}", name="variants.read", aliases=("show one variant",))
async def read_variant(context: Context, offer: Offer, variant_id: str) -> VariantView:
    """Read the per-offer settings of a single variant attached to a preorder offer."""
    return _view(offer, await member(context, offer, variant_id))


async def update_variant(
    context: Context, offer: Offer, variant_id: str, changes: dict[str, Any]
) -> VariantView:
    """Set per-offer overrides on an attached variant.

    shipping_text, max_count and market_overrides; null clears an override, and the variant falls
    back to the offer's value. market_overrides merges by market (a GID or a number) and writes
    the metafields of each market; null for a market clears that one.
    """
    found = await member(context, offer, variant_id)
    await override(context, offer, found, changes)
    return _view(offer, await member(context, offer, variant_id))


async def member(context: Context, offer: Offer, variant_id: str | int) -> Member:
    """Return one attached variant; raise NotFound when it is not attached."""
    try:
        number = shopify_id(variant_id)
    except ValueError:
        number = 0
    found = await membership.page(context.db, context.shop_id, offer.id, None, variant_id=number)
    if not found:
        raise NotFound(f"variant {variant_id} is not attached to this offer")
    return found[0]


async def override(context: Context, offer: Offer, found: Member, changes: dict[str, Any]) -> None:
    """Lay changes over a variant's own settings."""
    rules.check_changeable(offer)
    markets = dict(found.market_overrides)
    if "market_overrides" in changes:
        sent = changes["market_overrides"]
        markets = {} if sent is None else rules.merged_markets(markets, sent)
    await membership.override(
        context.db,
        context.shop_id,
        offer.id,
        found.variant_id,
        shipping_text=changes.get("shipping_text", found.shipping_text),
        max_count=changes.get("max_count", found.max_count),
        market_overrides=markets,
    )
    await membership.touch(context.db, context.shop_id, offer.id, [found.variant_id])
    await save(context, offer)


async def detach(context: Context, offer: Offer, variant_ids: list[int]) -> list[int]:
    """Detach those of the variants that are attached, and return them; NotFound for none."""
    rules.check_changeable(offer)
    attached = await membership.attached_ids(context.db, context.shop_id, [offer.id])
    gone = sorted(set(attached[offer.id]) & set(variant_ids))
    if not gone:
        raise NotFound("none of these variants is attached to this offer")
    now = context.runtime.clock()
    offer.variant_count -= await membership.detach(context.db, context.shop_id, offer.id, gone, now)
    await save(context, offer)
    return gone


async def switch(context: Context, offer: Offer, source: Source) -> None:
    """Take another source; the variants of the old one are detached."""
    rules.check_changeable(offer)
    now = context.runtime.clock()
    await membership.detach(context.db, context.shop_id, offer.id, None, now)
    offer.variant_count, offer.source, offer.collection_id = 0, source, None


async def _resolve_all(context: Context, offer: Offer, action: str) -> Submitted:
    await save(context, offer)
    count = await membership.count_all(context.db, context.shop_id, offer)
    return await attaching.submit(context, offer, action, count=count)


def _require(offer: Offer, source: Source) -> None:
    if offer.source != source:
        raise Conflict(
            f"the offer's source is {offer.source}, and this is for {source}; use "
            f"set_source_to_{source} first"
        )


def _view(offer: Offer, member: Member) -> VariantView:
    pending = member.in_group != (offer.is_live and offer.advanced.use_shopify_selling_plan)
    state = "failed" if member.sync_error else "pending" if pending else "synced"
    return VariantView(
        shopify_variant_id=member.variant_id,
        shopify_product_id=member.product_id,
        product_title=member.product_title,
        variant_title=member.variant_title,
        sku=member.sku,
        inventory_policy=member.inventory_policy.upper() if member.inventory_policy else None,
        shipping_text=member.shipping_text,
        max_count=member.max_count,
        market_overrides=member.market_overrides,
        effective_shipping_text=member.shipping_text or offer.shipping.display.shipping_text,
        preorder_count=member.preorder_count,
        attached_at=member.attached_at,
        sync={"state": state, "error": member.sync_error},
    )


_STRICT = ConfigDict(extra="forbid")
ProductsPatch = create_model(
    "ProductsPatch",
    __config__=_STRICT,
    source=(Source, ...),
    all=(AllBlock | None, None),
    collection=(CollectionBlock | None, None),
    custom=(CustomBlock | None, None),
    confirm=(bool, False),
)
VariantPatch = create_model(
    "VariantPatch",
    __config__=_STRICT,
    shipping_text=(Copy, None),
    max_count=(Count | None, None),
    market_overrides=(dict[ShopifyId, MarketOverride | None] | None, None),
)

ACTIONS: tuple[Action, ...] = (
    *products,
    declared(
        update,
        name=f"{NAME}.update",
        method="PATCH",
        path=PATH,
        status=202,
        aliases=("change which variants the offer sells",),
        request=ProductsPatch,
        load=load,
        partial=True,
    ),
    declared(
        update_variant,
        name=f"{NAME}.variants.update",
        method="PATCH",
        path=f"{PATH}/variants/{{variant_id}}",
        status=202,
        aliases=("cap preorders of a variant", "change a variant's shipping text"),
        request=VariantPatch,
        load=load,
        partial=True,
    ),
)
