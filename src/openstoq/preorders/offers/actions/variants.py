"""The settings of a variant within one offer: its own texts and maximum counts."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.catalog import unknown_ids
from openstoq.errors import Invalid, NotFound
from openstoq.kernel.ids import MarketKey, shopify_id
from openstoq.kernel.paging import Page, PageMeta
from openstoq.kernel.patch import partial_of
from openstoq.kernel.types import Copy
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.attachments.store import Member
from openstoq.preorders.offers.editing import load, save
from openstoq.preorders.offers.model import Offer

NAME, PATH = "preorders.offers.products", "/preorders/offers/{id}/products"
_STRICT = ConfigDict(extra="forbid")

settings = ActionSet(NAME, PATH, load=load)

Count = Annotated[int, Field(ge=0, le=1_000_000)]


class MarketOverride(BaseModel):
    """A variant's own settings in one market; null means the same setting as in other markets."""

    model_config = ConfigDict(extra="forbid")

    shipping_text: Copy = None
    max_count: Count | None = None


class OfferVariant(BaseModel):
    """An attached variant with its own settings; null means that the offer's value applies."""

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


class OfferVariantPage(BaseModel):
    """A page of attached variants, in the order of their ids."""

    variants: list[OfferVariant]
    meta: PageMeta


@settings.get("/variants", name="variants.list", aliases=("list the offer's variants",))
async def list_variants(
    context: Context,
    offer: Offer,
    *,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=250)] = 25,
) -> OfferVariantPage:
    """List the variants attached to a preorder offer with their per-variant settings, paginated."""
    asked = Page(page, per_page)
    found = await attachment_store.page(context.db, context.shop_id, offer.id, asked)
    return OfferVariantPage(
        variants=[_view(context, offer, one) for one in found], meta=asked.meta(offer.variant_count)
    )


@settings.get("/variants/{variant_id}", name="variants.read", aliases=("show one variant",))
async def read_variant(context: Context, offer: Offer, variant_id: str) -> OfferVariant:
    """Read the per-offer settings of a single variant attached to a preorder offer."""
    return _view(context, offer, await member(context, offer, variant_id))


async def update_variant(
    context: Context, offer: Offer, variant_id: str, changes: dict[str, Any]
) -> OfferVariant:
    """Set per-offer overrides on an attached variant.

    The overrides are shipping_text, max_count and market_overrides; null clears an override,
    and the variant falls back to the offer's value. market_overrides merges by market (a GID or
    a number) and writes the metafields of each market; null for a market clears that market's
    overrides.
    """
    found = await member(context, offer, variant_id)
    await override(context, offer, found, changes)
    return _view(context, offer, await member(context, offer, variant_id))


async def member(context: Context, offer: Offer, variant_id: str | int) -> Member:
    """Return an attached variant; raise NotFound if the offer does not sell it."""
    try:
        number = shopify_id(variant_id, "ProductVariant")
    except ValueError:
        number = 0
    found = await attachment_store.page(
        context.db, context.shop_id, offer.id, None, variant_id=number
    )
    if not found:
        raise NotFound(f"variant {variant_id} is not attached to this offer")
    return found[0]


async def override(context: Context, offer: Offer, found: Member, changes: dict[str, Any]) -> None:
    """Merge changes into a variant's own settings; raise Conflict when the offer is discarded."""
    rules.check_changeable(offer)
    markets = dict(found.market_overrides)
    if "market_overrides" in changes:
        sent = changes["market_overrides"]
        markets = {} if sent is None else rules.merged_markets(markets, sent)
        new = rules.by_number(markets).keys() - rules.by_number(found.market_overrides).keys()
        problems = await unknown_ids.problems(
            context.db, context.shop_id, "markets", map(int, new), field="market_overrides"
        )
        if problems:
            raise Invalid(*problems)
    await attachment_store.override(
        context.db,
        context.shop_id,
        offer.id,
        found.variant_id,
        shipping_text=changes.get("shipping_text", found.shipping_text),
        max_count=changes.get("max_count", found.max_count),
        market_overrides=markets,
    )
    await attachment_store.touch(context.db, context.shop_id, offer.id, [found.variant_id])
    await save(context, offer)


def _view(context: Context, offer: Offer, member: Member) -> OfferVariant:
    # Without use_shopify_selling_plan, attached variants are neither added to the selling plan
    # group nor removed from it.
    is_selling = rules.sells(offer, context.runtime.clock())
    moves = offer.advanced.use_shopify_selling_plan and member.in_group != is_selling
    pending = moves or member.is_behind
    state = "failed" if member.sync_error else "pending" if pending else "synced"
    return OfferVariant(
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


class Overrides(BaseModel):
    """The overrides of one variant, as a request sends them."""

    model_config = _STRICT

    shipping_text: Copy = None
    max_count: Count | None = None
    market_overrides: dict[MarketKey, MarketOverride | None] | None = None


settings.patch(
    "/variants/{variant_id}",
    name="variants.update",
    aliases=("cap preorders of a variant", "change a variant's shipping text"),
    request=partial_of(Overrides),
)(update_variant)

ACTIONS = tuple(settings)
