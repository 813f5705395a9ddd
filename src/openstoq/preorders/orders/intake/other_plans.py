"""Set aside the money that another app's selling plans defer in the same order: no I/O.

Shopify does not say which lines a payment schedule is for. It may make one schedule for all of
them, or several.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from openstoq.commerce.orders import Order, PaymentSchedule
from openstoq.kernel.money import Money, unit
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.intake.money import later_of
from openstoq.preorders.orders.ledger.amounts import of_units
from openstoq.preorders.orders.model import ZERO, PreorderOrder
from openstoq.preorders.orders.recognition.matching import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPart:
    """The part of an order's deferred money that is for our lines.

    `schedules` are for our lines, one of them perhaps for others too. `agreed` is the amount that
    our lines leave to be paid later, or None if there is nothing to set aside. `deferred` is the
    amount that other lines defer, and `due` how much of it other schedules still wait for.
    """

    schedules: tuple[PaymentSchedule, ...]
    agreed: Decimal | None = None
    deferred: Decimal = ZERO
    due: Decimal = ZERO


def without_terms(order: Order, matches: Iterable[Match]) -> Order:
    """Return an order without its payment terms if no selling plan made them.

    A company's terms, such as 30 days, are for the whole order and are no balance of a preorder.
    """
    has_deposit = any(one.payment == "partial" for one in matches)
    has_plan = any(line.plan_id is not None for line in order.lines)
    return order if has_deposit or has_plan else replace(order, schedules=())


def own_part(
    order: Order,
    matches: Iterable[Match],
    offers: Mapping[UUID, Offer],
    stored: PreorderOrder | None,
) -> OwnPart:
    """Return the part of an order's deferred money that is for our lines."""
    matched = list(matches)
    ours = {one.line.id for one in matched}
    if not any(line.plan_id is not None and line.id not in ours for line in order.lines):
        return OwnPart(schedules=order.schedules)
    known = {line.id: line for line in stored.lines} if stored is not None else {}
    later = [
        (one.line, later_of(one, known.get(one.line.id), offers.get(one.offer_id)))
        for one in matched
    ]
    agreed = sum((Money(amount, order.currency).amount for _, amount in later), ZERO)
    before = stored.facts.snapshot.others_deferred if stored is not None else ZERO
    if not order.schedules:
        # Shopify may forget schedules that are paid.
        return OwnPart(schedules=(), agreed=agreed, deferred=before)
    left = sum(
        (of_units(amount, line.current, line.quantity, order.currency) for line, amount in later),
        ZERO,
    )
    own = _own_schedules(order, {agreed, left}, len(matched), stored)
    if own is None:
        total = sum((one.total for one in order.schedules), ZERO)
        deferred = min(before, total) if before > 0 else max(total - left, ZERO)
        return OwnPart(schedules=order.schedules, agreed=agreed, deferred=deferred)
    foreign = [one for one in order.schedules if one not in own]
    return OwnPart(
        schedules=tuple(own),
        agreed=agreed,
        deferred=sum((one.total for one in foreign), ZERO),
        due=sum((one.balance_due for one in foreign if one.is_waiting), ZERO),
    )


def _own_schedules(
    order: Order, amounts: Iterable[Decimal], lines: int, stored: PreorderOrder | None
) -> list[PaymentSchedule] | None:
    """Return the schedules that are for our lines only.

    The result is None if no such schedule is found: our lines then share a schedule with another
    app's lines. The list is empty if our lines leave nothing to be paid later.

    The first reading recognises a schedule by its amount, which may differ because Shopify rounds
    each line. Later readings recognise it by its id.
    """
    if max(amounts) == 0:
        return []
    known = set() if stored is None else {one.id for one in stored.facts.snapshot.schedules}
    own = [one for one in order.schedules if one.id in known]
    if 0 < len(own) < len(order.schedules):
        return own
    if len(order.schedules) == 1:
        return None
    rounding = unit(order.currency) * lines
    for one in order.schedules:
        if any(abs(one.total - amount) <= rounding for amount in amounts):
            return [one]
    return None
