"""Which lines of an order are preorders, and what each of them costs now and later: no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal
from uuid import UUID

from openstoq.commerce.orders import Order, OrderLine
from openstoq.preorders.offers.capabilities.payments import PartialOption
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront.metafields import OFFER_PROPERTY
from openstoq.preorders.orders.amounts import divided, of_units, shares, worth
from openstoq.preorders.orders.model import ZERO, Line, PreorderOrder

Option = Literal["full", "partial"]
Plans = Mapping[int, tuple[UUID, Option]]


@dataclass(frozen=True, slots=True)
class Match:
    """A line, the offer that sold it, and how it is paid."""

    line: OrderLine
    offer_id: UUID
    payment: Option
    is_known: bool


def named_offers(order: Order) -> dict[int, UUID]:
    """Return the offers that lines name by a property, as detached offers have them do."""
    named: dict[int, UUID] = {}
    for line in order.lines:
        try:
            named[line.id] = UUID(line.properties.get(OFFER_PROPERTY, ""))
        except ValueError:
            continue
    return named


def match(
    order: Order, plans: Plans, offers: Mapping[UUID, Offer], known: Iterable[Line]
) -> list[Match]:
    """Find the preordered lines: known ones, those of a selling plan, those that name an offer.

    A shopper can write a property by hand, so it counts only for an offer without plans.
    """
    by_id = {line.id: line for line in known}
    named = named_offers(order)
    found: list[Match] = []
    for line in order.lines:
        if line.variant_id is None and line.id not in by_id:
            continue
        if (before := by_id.get(line.id)) is not None:
            found.append(Match(line, before.offer_id, before.payment, is_known=True))
        elif (sold := seller(line.plan_id, named.get(line.id), plans, offers)) is not None:
            found.append(Match(line, *sold, is_known=False))
    return found


def seller(
    plan_id: int | None, named: UUID | None, plans: Plans, offers: Mapping[UUID, Offer]
) -> tuple[UUID, Option] | None:
    """Find the offer that sells a line of this plan, or that names an offer; None if none does."""
    if plan_id is not None:
        return plans.get(plan_id)
    offer = offers.get(named) if named is not None else None
    if offer is None or offer.advanced.use_shopify_selling_plan:
        return None
    return offer.id, "full"


def preordered(
    order: Order,
    matches: Iterable[Match],
    offers: Mapping[UUID, Offer],
    known: Iterable[Line],
    *,
    market_id: int | None,
    balance: Decimal,
) -> list[Line]:
    """Return the preordered lines as they are now, the agreed balance divided between them.

    What counts against limits is as before, and nothing yet of a line that is new.
    """
    by_id = {line.id: line for line in known}
    matched = list(matches)
    totals = [one.line.total for one in matched]
    later = [_later(one, by_id.get(one.line.id), offers.get(one.offer_id)) for one in matched]
    parts = shares(totals, later, balance, order.currency)
    lines: list[Line] = []
    for one, share in zip(matched, parts, strict=True):
        line = by_id.get(one.line.id) or _new(one, market_id)
        lines.append(
            replace(
                line,
                current=one.line.current,
                unfulfilled=one.line.unfulfilled,
                quantity=min(line.quantity, one.line.current),
                total=share.total,
                deposit=share.deposit,
                balance=share.balance,
            )
        )
    return lines


def left(order: PreorderOrder) -> list[Line]:
    """Return an order's lines with their amounts for the units that are left.

    What is left has the order's balance as it is now. Where units were removed after they were
    paid, it has of deposit and balance what its price is of all that was paid. Where nothing is
    left, the amounts are as they were agreed.
    """
    if order.is_empty:
        return list(order.lines)
    currency, balance, price = order.currency, order.balance, worth(order.lines, order.currency)
    deposit = sum((one.deposit for one in order.lines), ZERO)
    if deposit + balance > price:
        balance, _ = divided(price, [balance, deposit], currency)
    totals = [of_units(one.total, one.current, one.ordered, currency) for one in order.lines]
    later = [of_units(one.balance, one.current, one.ordered, currency) for one in order.lines]
    return [
        replace(line, total=share.total, deposit=share.deposit, balance=share.balance)
        for line, share in zip(order.lines, shares(totals, later, balance, currency), strict=True)
    ]


def _new(one: Match, market_id: int | None) -> Line:
    line = one.line
    return Line(
        id=line.id,
        offer_id=one.offer_id,
        variant_id=line.variant_id or 0,
        product_id=line.product_id,
        market_id=market_id,
        plan_id=line.plan_id,
        payment=one.payment,
        title=line.title,
        variant_title=line.variant_title,
        sku=line.sku,
        ordered=line.quantity,
        current=line.current,
        unfulfilled=line.unfulfilled,
        quantity=0,
        unit_price=line.unit_price,
        total=ZERO,
        deposit=ZERO,
        balance=ZERO,
        exceeded=None,
    )


def _later(one: Match, before: Line | None, offer: Offer | None) -> Decimal:
    """Return what a line by itself leaves to be paid later.

    That was agreed at checkout: what the offer asks for since then is for those who buy since.
    """
    if one.payment == "full":
        return ZERO
    total = one.line.total
    if before is not None and before.balance > 0:
        return before.balance * total / before.total
    option = offer.payments.options.partial if offer is not None else None
    deposit = (option or PartialOption()).deposit
    if deposit.type == "price" and deposit.amount is not None:
        return max(total - deposit.amount * one.line.quantity, ZERO)
    return total * (100 - deposit.percent) / 100
