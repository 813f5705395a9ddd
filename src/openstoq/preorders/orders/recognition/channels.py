"""Find the offers that sold lines at a point of sale or to a company: no I/O.

Shopify has no selling plans there, so nothing in such an order names an offer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.commerce.orders import Order, OrderLine
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.model import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """An offer that sells a variant now or sold it earlier.

    `is_tracked` is true if Shopify tracks the variant's stock.
    """

    offer_id: UUID
    attached_at: datetime
    detached_at: datetime | None = None
    is_tracked: bool


Sellers = Mapping[int, Sequence[Seller]]


def is_without_plans(order: Order) -> bool:
    """Return whether an order was placed where Shopify has no selling plans."""
    return order.point_of_sale is not None or order.by_company


def is_open_to(order: Order, offer: Offer) -> bool:
    """Return whether an offer sells preorders through the channels that an order came from.

    For an order at a point of sale, the offer must be enabled for points of sale. For an order of a
    company, it must be enabled for companies. An order of a company at a point of sale needs both.
    """
    integrations = offer.integrations
    return (order.point_of_sale is None or integrations.pos.enabled) and (
        not order.by_company or integrations.b2b.enabled
    )


def sold_without_plan(
    order: Order, sellers: Sellers, offers: Mapping[UUID, Offer], market_id: int | None
) -> dict[int, UUID]:
    """Return the ids of an order's preordered lines, each with the id of the offer that sold it.

    An offer sold a line if the offer was enabled when the order was placed, its schedule was
    active, and it had the variant attached. Only offers that are still enabled are considered. The
    result is empty for an order that was placed where Shopify has selling plans, because a line
    without a plan is no preorder there.
    """
    found: dict[int, UUID] = {}
    if not is_without_plans(order):
        return found
    for line in order.lines:
        if line.variant_id is None or line.plan_id is not None or line.unfulfilled <= 0:
            continue
        selling = [
            offers[one.offer_id]
            for one in sellers.get(line.variant_id, ())
            if one.offer_id in offers and _sold(order, line, one, offers[one.offer_id])
        ]
        applying = rules.by_precedence(selling, order.created_at, market_id)
        if applying and rules.schedule_state(applying[0], order.created_at) in ("always", "active"):
            found[line.id] = applying[0].id
    return found


def _sold(order: Order, line: OrderLine, seller: Seller, offer: Offer) -> bool:
    # Shopify tells the time of an order to the second.
    begun = max(offer.enabled_at or order.created_at, seller.attached_at).replace(microsecond=0)
    is_attached = seller.detached_at is None or order.created_at < seller.detached_at
    if not (is_open_to(order, offer) and begun <= order.created_at and is_attached):
        return False
    return order.point_of_sale is None or _is_preordered_there(order, line, seller, offer)


def _is_preordered_there(order: Order, line: OrderLine, seller: Seller, offer: Offer) -> bool:
    """Return whether a line at a point of sale is a preorder, and not goods handed over there.

    It is a preorder if no unit was left to sell online before this order took its own units. An
    offer can skip this check; its lines are then always preorders.
    """
    if offer.integrations.pos.skip_inventory_check:
        return True
    if not seller.is_tracked or line.left_online is None or order.point_of_sale is None:
        return False
    taken = sum(one.current for one in order.lines if one.variant_id == line.variant_id)
    return line.left_online + (taken if order.point_of_sale.sells_online else 0) <= 0
