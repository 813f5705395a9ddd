"""Set aside the money that another app's selling plans defer in the same order: no I/O.

Shopify does not say which lines a payment schedule is for. It may make one schedule for all lines
of an order, or several.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from openstoq.commerce.orders import Order, OrderLine, PaymentSchedule
from openstoq.kernel.money import Money, unit
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.intake.money import later_of
from openstoq.preorders.orders.ledger import authorizations
from openstoq.preorders.orders.ledger.amounts import of_units
from openstoq.preorders.orders.model import ZERO, PreorderOrder, Snapshot
from openstoq.preorders.orders.recognition.matching import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPart:
    """The part of an order's deferred money that is for our lines.

    `schedules` are the payment schedules for our lines; some may be for other lines too. `agreed`
    is the amount that our lines left at checkout to be paid later. It is None if no other app's
    plan sold a line, so that nothing has to be set aside. `deferred` is the amount that the other
    lines left to be paid later. `due` and `paid` are the parts of `deferred` that belong to
    schedules for other lines only: `due` is still to be paid, and `paid` was paid already.
    """

    schedules: tuple[PaymentSchedule, ...]
    agreed: Decimal | None = None
    deferred: Decimal = ZERO
    due: Decimal = ZERO
    paid: Decimal = ZERO


def without_terms(order: Order, matches: Iterable[Match]) -> Order:
    """Return an order without its payment schedules if no selling plan made them.

    The payment terms of a company, such as 30 days, make schedules too. These are for the whole
    order, and are no balance of a preorder.
    """
    has_deposit = any(one.payment == "partial" for one in matches)
    has_plan = any(line.plan_id is not None for line in order.lines)
    return order if has_deposit or has_plan else replace(order, schedules=())


def later_by_terms(
    order: Order,
    matches: Iterable[Match],
    offers: Mapping[UUID, Offer],
    stored: PreorderOrder | None,
) -> Decimal | None:
    """Return the amount that the offers' terms leave to be paid later for an order.

    Returns None if another app's plan sold some of the lines, because its terms are not known.
    """
    matched = list(matches)
    if _has_others(order, matched):
        return None
    return sum((amount for _, amount in _later(matched, offers, stored, order.currency)), ZERO)


def own_part(
    order: Order,
    matches: Iterable[Match],
    offers: Mapping[UUID, Offer],
    stored: PreorderOrder | None,
    *,
    balance: Decimal,
) -> OwnPart:
    """Return the part of an order's deferred money that is for our lines.

    `balance` is the price of the order without what was due at checkout.
    """
    matched = list(matches)
    if not _has_others(order, matched):
        return OwnPart(schedules=order.schedules)
    later = _later(matched, offers, stored, order.currency)
    agreed = sum((amount for _, amount in later), ZERO)
    left = sum(
        (of_units(amount, line.current, line.quantity, order.currency) for line, amount in later),
        ZERO,
    )
    before = stored.facts.snapshot if stored is not None else Snapshot()
    if not order.schedules:
        # Shopify may forget schedules that are paid.
        deferred = before.others_deferred if stored is not None else max(balance - left, ZERO)
        return OwnPart(schedules=(), agreed=agreed, deferred=deferred, paid=before.others_paid)
    own = _own_schedules(order, [agreed, left], len(matched), stored)
    if own is None:
        known = before.others_deferred
        deferred = min(known, balance) if known > 0 else max(balance - left, ZERO)
        return OwnPart(schedules=order.schedules, agreed=agreed, deferred=deferred)
    due = _due(one for one in order.schedules if one not in own)
    if stored is not None and before.others_deferred > 0:
        deferred = before.others_deferred
        if order.received == stored.facts.received:
            # Nothing was paid since, so an edit has changed what is due.
            deferred += due - before.others_due
    else:
        deferred = balance - _of_ours(balance, _due(own), due, [agreed, left])
    deferred = max(deferred, due)
    return OwnPart(
        schedules=tuple(own), agreed=agreed, deferred=deferred, due=due, paid=deferred - due
    )


def _has_others(order: Order, matched: Iterable[Match]) -> bool:
    ours = {one.line.id for one in matched}
    return any(line.plan_id is not None and line.id not in ours for line in order.lines)


def _later(
    matched: Iterable[Match],
    offers: Mapping[UUID, Offer],
    stored: PreorderOrder | None,
    currency: str,
) -> list[tuple[OrderLine, Decimal]]:
    """Return each of our lines with the amount that it left at checkout to be paid later."""
    known = {line.id: line for line in stored.lines} if stored is not None else {}
    return [
        (
            one.line,
            Money(later_of(one, known.get(one.line.id), offers.get(one.offer_id)), currency).amount,
        )
        for one in matched
    ]


def _of_ours(
    balance: Decimal, own_due: Decimal, others_due: Decimal, terms: Iterable[Decimal]
) -> Decimal:
    """Return how much of a balance is for our lines, when the order is read for the first time.

    `own_due` is still to be paid for our schedules, and `others_due` for the others. The rest of
    `balance` was paid already: we assume that all of the rest was paid for our schedules, or all of
    it for the others. Of these two cases, the one that is nearer to an amount in `terms` is chosen.
    `terms` holds the amounts that our lines leave to be paid later by their terms.
    """
    return min(
        (own_due, balance - others_due), key=lambda one: min(abs(one - term) for term in terms)
    )


def _due(schedules: Iterable[PaymentSchedule]) -> Decimal:
    return sum((one.balance_due for one in schedules if one.is_waiting), ZERO)


def _own_schedules(
    order: Order, amounts: Sequence[Decimal], lines: int, stored: PreorderOrder | None
) -> list[PaymentSchedule] | None:
    """Return the schedules that are for our lines only.

    The result is None if no such schedule is found: our lines then share a schedule with another
    app's lines. The list is empty if our lines leave nothing to be paid later.

    The first reading recognises a schedule by its amount, which may be slightly off because Shopify
    rounds each line. A schedule that is already paid no longer has an amount. Such a schedule is
    taken as ours if it is the only paid one, and if a payment after the order's first payment was
    as large as the amount of our lines. Later readings recognise a schedule by its id.
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

    def fits(amount: Decimal) -> bool:
        return any(abs(amount - one) <= rounding for one in amounts)

    for one in order.waiting_schedules:
        if fits(one.balance_due):
            return [one]
    ended = [one for one in order.schedules if not one.is_waiting]
    payments = authorizations.agreed(order)[1:]
    return ended if len(ended) == 1 and any(fits(one.amount) for one in payments) else None
