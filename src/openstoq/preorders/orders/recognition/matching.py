"""Match an order's lines to the offers that sold them, and to their payment options: no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from openstoq.commerce.orders import Order, OrderLine
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront.metafields import OFFER_PROPERTY
from openstoq.preorders.orders.model import Line
from openstoq.preorders.orders.recognition import channels

Option = Literal["full", "partial"]
Plans = Mapping[int, tuple[UUID, Option]]


@dataclass(frozen=True, slots=True)
class Match:
    """A line, the offer that sold it, and how it is paid.

    `is_known` is true if the line is stored already.
    """

    line: OrderLine
    offer_id: UUID
    payment: Option
    is_known: bool


def named_offers(order: Order) -> dict[int, UUID]:
    """Map the ids of lines to the offers that the lines name in a property.

    Lines of offers without selling plans are recognised by this property.
    """
    named: dict[int, UUID] = {}
    for line in order.lines:
        try:
            named[line.id] = UUID(line.properties.get(OFFER_PROPERTY, ""))
        except ValueError:
            continue
    return named


def match(
    order: Order,
    plans: Plans,
    offers: Mapping[UUID, Offer],
    known: Iterable[Line],
    without_plan: Mapping[int, UUID] | None = None,
) -> list[Match]:
    """Find the preordered lines: known before, sold by a selling plan of ours, or naming an offer.

    A shopper can write the property by hand, so it counts only for an offer without plans, and only
    where that offer sells preorders. `without_plan` are the lines that offers sold at a point of
    sale or to a company.
    """
    sold_there = without_plan or {}
    by_id = {line.id: line for line in known}
    named = named_offers(order)
    found: list[Match] = []
    for line in order.lines:
        if line.variant_id is None and line.id not in by_id:
            continue
        if (before := by_id.get(line.id)) is not None:
            found.append(Match(line, before.offer_id, before.payment, is_known=True))
        elif (sold := seller(line.plan_id, named.get(line.id), plans, offers)) is not None and (
            line.plan_id is not None or channels.is_open_to(order, offers[sold[0]])
        ):
            found.append(Match(line, *sold, is_known=False))
        elif line.id in sold_there:
            found.append(Match(line, sold_there[line.id], "full", is_known=False))
    return found


def seller(
    plan_id: int | None, named: UUID | None, plans: Plans, offers: Mapping[UUID, Offer]
) -> tuple[UUID, Option] | None:
    """Return the offer and the payment option of a line, or None if it is not a preorder.

    The offer of a line with a selling plan is found by the plan alone. Any other line counts only
    if it names an offer without selling plans.
    """
    if plan_id is not None:
        return plans.get(plan_id)
    offer = offers.get(named) if named is not None else None
    if offer is None or offer.advanced.use_shopify_selling_plan:
        return None
    return offer.id, "full"
