"""Actions on offers: list, create, change, enable, schedule, discard and restore them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, create_model

from openstoq.actions.action import Action, ActionSet
from openstoq.actions.context import Context
from openstoq.actions.requirements import AnyOf
from openstoq.catalog import unknown_ids
from openstoq.errors import Invalid
from openstoq.kernel.days import Day, LastDay
from openstoq.kernel.ids import VariantId, new_id
from openstoq.kernel.paging import Page
from openstoq.kernel.patch import partial_of
from openstoq.kernel.types import Line
from openstoq.preorders.offers import rules, store, views
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.preorders.offers.editing import add, lay_over, load, save, write
from openstoq.preorders.offers.model import Offer, Status
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.offers.views import OfferPage, OfferView

NAME, PATH = "preorders.offers", "/preorders/offers"
MOST_VARIANTS = 5000
_OPEN_WINDOW = "start or end is required; use unschedule to clear the window"

Name = Annotated[Line, Field(min_length=1)]
VariantIds = Annotated[list[VariantId], Field(max_length=MOST_VARIANTS)]

offers = ActionSet(NAME, PATH, load=load)


@offers.get(name="list", aliases=("show preorder offers", "find an offer", "list selling plans"))
async def list_offers(
    context: Context,
    *,
    status: Status | None = None,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=200)] = 25,
) -> OfferPage:
    """List preorder offers in this shop, paginated, newest first.

    status is enabled, disabled or discarded; without a status, all offers but the discarded
    ones are listed.
    """
    asked = Page(page, per_page)
    found, total = await store.page(context.db, context.shop_id, asked, status=status)
    now = context.runtime.clock()
    return OfferPage(offers=[views.summary(one, now) for one in found], meta=asked.meta(total))


@offers.post(aliases=("create a preorder offer", "new preorder"))
async def create(
    context: Context, *, name: Name = "Preorder", internal_name: Line | None = None
) -> OfferView:
    """Create a new preorder offer.

    The offer starts disabled, with the dashboard's defaults: a custom list of variants, full
    payment, delivery as soon as possible.
    """
    now = context.runtime.clock()
    offer = Offer(
        id=new_id(),
        name=name,
        internal_name=internal_name,
        zone=context.shop.timezone,
        created_at=now,
        updated_at=now,
    )
    await add(context, offer)
    return views.view(offer, now)


@offers.get("/{id}", aliases=("show an offer", "read a selling plan"))
async def read(context: Context, offer: Offer) -> OfferView:
    """Read a preorder offer's full representation."""
    return views.view(offer, context.runtime.clock())


async def update(context: Context, offer: Offer, changes: dict[str, Any]) -> OfferView:
    """Update top-level fields of a preorder offer."""
    problems = lay_over(offer, changes)
    if problems:
        raise Invalid(*problems)
    for name in ("name", "internal_name"):
        if name in changes:
            setattr(offer, name, changes[name])
    await save(context, offer)
    return views.view(offer, context.runtime.clock())


update.__doc__ = (
    f"{update.__doc__}\n\nBesides name and internal_name it takes any of the settings documents "
    f"({', '.join(capability.name for capability in CAPABILITIES)}), each as its own PATCH does; "
    "all problems are reported at once."
)
_PARTS: Mapping[str, Any] = {
    "name": (Name, "Preorder"),
    "internal_name": (Line | None, None),
    **{one.name: (one.patch, Field(default_factory=one.patch)) for one in CAPABILITIES},
}
OfferPatch = partial_of(create_model("Offer", __config__={"extra": "forbid"}, **_PARTS))


@offers.post("/{id}/enable", aliases=("turn on preorders", "start an offer"))
async def enable(
    context: Context,
    offer: Offer,
    *,
    update_inventory_policy: bool | None = False,
    variant_ids: VariantIds | None = None,
) -> OfferView:
    """Enable a preorder offer. Optionally flip attached variants' inventory policy to CONTINUE.

    Variants are left at their existing inventory policy unless update_inventory_policy: true is
    passed. With it, variant_ids limits the flip to these variants; without it, variant_ids
    changes nothing.
    """
    if not offer.enabled:
        offer.enabled, offer.enabled_at = True, context.runtime.clock()
    return await _switched(context, offer, update_inventory_policy, "continue", variant_ids)


@offers.post("/{id}/disable", aliases=("pause an offer", "turn off preorders"))
async def disable(
    context: Context,
    offer: Offer,
    *,
    update_inventory_policy: bool | None = False,
    variant_ids: VariantIds | None = None,
) -> OfferView:
    """Disable (pause) a preorder offer. Optionally flip variants' inventory policy back to DENY.

    Variants are left at their existing inventory policy unless update_inventory_policy: true is
    passed. With it, variant_ids limits the flip to these variants; without it, variant_ids
    changes nothing.
    """
    offer.enabled = False
    return await _switched(context, offer, update_inventory_policy, "deny", variant_ids)


@offers.post("/{id}/discard", aliases=("delete an offer", "archive an offer"))
async def discard(context: Context, offer: Offer) -> OfferView:
    """Discard (soft-delete) a preorder offer.

    The offer's variants are detached and their metafields reset; everything else is kept, and
    restore brings it back at any later time.
    """
    if offer.discarded_at is None:
        now = context.runtime.clock()
        offer.discarded_at, offer.enabled = now, False
        await resolve.detach(context.db, context.shop_id, offer.id, None, now)
        offer.variant_count = 0
        await write(context, offer)
    return views.view(offer, context.runtime.clock())


@offers.post("/{id}/restore", aliases=("undelete an offer",))
async def restore(context: Context, offer: Offer) -> OfferView:
    """Restore a discarded preorder offer.

    The restored offer is disabled. Variant attachments and metafields are not restored: attach
    variants again via the products capability.
    """
    if offer.discarded_at is not None:
        offer.discarded_at = None
        await write(context, offer)
    return views.view(offer, context.runtime.clock())


@offers.post(
    "/{id}/schedule",
    aliases=("schedule an offer", "set start and end date"),
    requires=(AnyOf(("start", "end"), _OPEN_WINDOW),),
)
async def schedule(
    context: Context, offer: Offer, *, start: Day | None = None, end: LastDay | None = None
) -> OfferView:
    """Set the schedule window for a preorder offer.

    Does not enable the offer. The storefront reads the schedule live. A start or end that is
    left out is open. A date is a day in the shop's time zone, and the end's day is included.
    """
    offer.schedule_start, offer.schedule_end = start, end
    rules.check_schedule(offer)
    await save(context, offer)
    return views.view(offer, context.runtime.clock())


@offers.post("/{id}/unschedule", aliases=("clear the schedule",))
async def unschedule(context: Context, offer: Offer) -> OfferView:
    """Clear the schedule window on a preorder offer."""
    offer.schedule_start = offer.schedule_end = None
    await save(context, offer)
    return views.view(offer, context.runtime.clock())


async def _switched(
    context: Context,
    offer: Offer,
    update_inventory_policy: bool | None,
    policy: str,
    variant_ids: list[int] | None,
) -> OfferView:
    attached: list[int] = []
    if update_inventory_policy or variant_ids is not None:
        found = await attachment_store.attached_ids(
            context.db, context.shop_id, [offer.id], variant_ids
        )
        attached = found[offer.id]
    if variant_ids is not None:
        others = sorted(set(variant_ids) - set(attached))
        if others:
            raise Invalid(
                "variant_ids must be attached to this offer, which does not sell "
                f"{unknown_ids.listed(others)}"
            )
    await save(context, offer)
    if update_inventory_policy:
        policy = "deny" if offer.goes_by_stock else policy
        await attachment_store.want_policy(context.db, context.shop_id, policy, attached)
        # Another offer may sell some of them by Shopify's stock.
        await policies.deny_by_stock(context.db, context.shop_id, attached)
    return views.view(offer, context.runtime.clock())


offers.patch(
    "/{id}", aliases=("rename an offer", "change an offer"), request=OfferPatch, check=lay_over
)(update)

ACTIONS: tuple[Action, ...] = (
    *offers,
    *(
        action
        for capability in CAPABILITIES
        for action in capability.actions(NAME, f"{PATH}/{{id}}", load=load, save=save)
    ),
)
