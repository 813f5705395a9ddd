"""Set aside the money that another app's selling plans defer in the same order: no I/O.

Shopify does not say which lines a payment schedule is for. It may make one schedule for all of
them, or several.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from openstoq.commerce.orders import Order, PaymentSchedule, Transaction
from openstoq.kernel.money import Money, unit
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.intake.money import later_of
from openstoq.preorders.orders.ledger import entries
from openstoq.preorders.orders.ledger.amounts import of_units
from openstoq.preorders.orders.model import ZERO, PreorderOrder
from openstoq.preorders.orders.recognition.matching import Match


def set_aside(
    order: Order,
    matches: Iterable[Match],
    offers: Mapping[UUID, Offer],
    stored: PreorderOrder | None,
) -> tuple[Order, Decimal | None]:
    """Return an order without other apps' schedules, and our share of any shared schedule.

    The share is the amount that our own lines leave to be paid later. It is None unless one
    schedule is for our lines and for lines that another app's plan sold.
    """
    matched = list(matches)
    if all(one.payment == "full" for one in matched) and not any(
        line.plan_id is not None for line in order.lines
    ):
        return replace(order, schedules=()), None
    ours = {one.line.id for one in matched}
    has_others = any(line.plan_id is not None and line.id not in ours for line in order.lines)
    if not has_others or not order.schedules:
        return order, None
    known = {line.id: line for line in stored.lines} if stored is not None else {}
    later = [
        (one.line, later_of(one, known.get(one.line.id), offers.get(one.offer_id)))
        for one in matched
    ]
    agreed = sum((Money(amount, order.currency).amount for _, amount in later), ZERO)
    left = sum(
        (of_units(amount, line.current, line.quantity, order.currency) for line, amount in later),
        ZERO,
    )
    own = _own_schedules(order, {agreed, left}, len(matched), stored)
    if own is None:
        return order, agreed
    return _without(order, [one for one in order.schedules if one not in own]), None


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


def _without(order: Order, foreign: Sequence[PaymentSchedule]) -> Order:
    """Return an order with these schedules, their payments and their amounts taken out."""
    total = sum((one.total for one in foreign), ZERO)
    due = sum((one.balance_due for one in foreign if one.is_waiting), ZERO)
    paid = [found for one in foreign if (found := _payment_of(order, one)) is not None]
    came = sum((one.amount for one in paid), ZERO)
    return replace(
        order,
        schedules=tuple(one for one in order.schedules if one not in foreign),
        transactions=tuple(one for one in order.transactions if one not in paid),
        original_total=order.original_total - total,
        total=max(order.total - total, ZERO),
        received=order.received - came,
        outstanding=max(order.outstanding - due, ZERO),
    )


def _payment_of(order: Order, schedule: PaymentSchedule) -> Transaction | None:
    """Find the payment of a paid schedule.

    The payment has the schedule's amount. If several do, the one nearest to the time at which the
    schedule was paid is chosen. The result is None if the schedule is unpaid or no payment fits.
    """
    if schedule.completed_at is None:
        return None
    completed: datetime = schedule.completed_at
    return min(
        (one for one in entries.incoming(order) if one.amount == schedule.total),
        key=lambda one: abs((one.processed_at or order.created_at) - completed),
        default=None,
    )
