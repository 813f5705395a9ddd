"""Check a cart before checkout against offers and their limits, without locking anything."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from openstoq.catalog import stock
from openstoq.db.pool import Connection
from openstoq.preorders.cart import rules as cart
from openstoq.preorders.cart.rules import Cart, CartOffers, Refusal
from openstoq.preorders.offers import store, translation_store
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront import metafields
from openstoq.preorders.orders.limits import counts
from openstoq.preorders.orders.limits.counts import Buyer
from openstoq.preorders.orders.limits.rules import CountedUnits, Demand
from openstoq.preorders.orders.recognition import store as recognition


async def check(db: Connection, shop_id: UUID, asked: Cart, now: datetime) -> list[Refusal]:
    """Return the reasons why a cart may not be ordered; the list is empty if it may be.

    Earlier orders of the customer are ignored here: the storefront cannot authenticate shoppers, so
    counting earlier orders would let anyone find out what a customer has ordered. The earlier
    orders are counted later, when the placed order is judged.
    """
    plan_ids = sorted({line.plan_id for line in asked.lines if line.plan_id is not None})
    plans = await recognition.plans(db, shop_id, plan_ids) if plan_ids else {}
    offer_ids = sorted(cart.named_offers(asked, plans))
    if not offer_ids:
        return []
    shelf = CartOffers(
        plans=plans,
        offers={one.id: one for one in await store.all_of(db, shop_id, offer_ids)},
        attached=await recognition.attached(
            db, shop_id, offer_ids, sorted({line.variant_id for line in asked.lines})
        ),
    )
    lines = cart.find_preorders(asked, shelf, now)
    wanted = cart.demands(asked, lines)
    taken = await _taken(db, shop_id, wanted, shelf) if wanted else CountedUnits()
    found = cart.refusals(asked, lines, shelf, wanted, taken)
    mixed = [shelf.offers[one.offer_id] for one in found if one.code == "mixed_cart"]
    return await _in_own_words(db, shop_id, found, mixed, asked.locale) if mixed else found


async def _taken(
    db: Connection, shop_id: UUID, wanted: Sequence[Demand], shelf: CartOffers
) -> CountedUnits:
    """Count the units that are preordered already, and compute the maximums of variants.

    In an offer that goes by Shopify's stock, a variant's maximum is the units preordered already
    plus the units that are still in that stock.
    """
    limits = {one.offer_id: shelf.offers[one.offer_id].own_limits for one in wanted}
    by_stock = {one for one in limits if shelf.offers[one].goes_by_stock}
    taken = await counts.count_units(db, shop_id, wanted, limits, Buyer(), by_stock=by_stock)
    if not by_stock:
        return taken
    stocked = [one for one in wanted if one.offer_id in by_stock]
    left = await stock.available(db, shop_id, sorted({one.variant_id for one in stocked}))
    most = {
        (one.offer_id, one.variant_id): taken.of_variant.get(one.variant_id, 0)
        + max(left[one.variant_id], 0)
        for one in stocked
        if one.variant_id in left
    }
    return replace(taken, variant_most={**taken.variant_most, **most})


async def _in_own_words(
    db: Connection,
    shop_id: UUID,
    found: Sequence[Refusal],
    mixed: Sequence[Offer],
    locale: str | None,
) -> list[Refusal]:
    """Replace the message about a mixed cart with the offer's own message, if it has one."""
    translations = await translation_store.overrides(db, shop_id, [offer.id for offer in mixed])
    own: dict[UUID, str | None] = {}
    for offer in mixed:
        described = metafields.described(offer, translations[offer.id])
        checkout = metafields.localized(described, locale)["checkout"]
        own[offer.id] = checkout["mixed_cart"]["error_message"]
    return [
        replace(one, message=own[one.offer_id] or one.message) if one.code == "mixed_cart" else one
        for one in found
    ]
