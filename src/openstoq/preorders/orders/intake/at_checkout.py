"""Find the amount that was due when an order was placed. No I/O.

The order may be read for the first time much later. Shopify states how much of a payment schedule
is still to be paid, but not its amount before any payment. So the amount due at checkout is found
from the times of the payments and from the terms of the offers.
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate

from openstoq.commerce.orders import Order, Transaction
from openstoq.kernel.money import unit
from openstoq.preorders.orders.ledger import authorizations
from openstoq.preorders.orders.model import ZERO

# A payment may be recorded somewhat after its order. A balance may be paid as early as that too, so
# the terms decide which of these payments were due at checkout.
SOON = timedelta(minutes=10)


def due_at_checkout(order: Order, due: Decimal, expected: Decimal | None) -> Decimal:
    """Return the amount that was due at checkout.

    `due` is the price without the amount that is still to be paid later. So it contains the amount
    that was due at checkout, and everything paid since. `expected` is the amount that was due at
    checkout by the offers' terms. It is None if another app's terms apply to the order too.

    The payments do not say what they were for, so several amounts are possible. The possible amount
    that is nearest to `expected` is returned, if they differ only by rounding. If none is so near,
    because an offer has changed its terms since, or if `expected` is None, the sum of the payments
    that were made with the order is returned. If there are no such payments, the result is `due`
    less everything that was paid or added later.
    """
    agreed = authorizations.agreed(order)
    raised = _raised_outside(order)
    early = [one for one in agreed if authorizations.time_of(order, one) <= order.created_at + SOON]
    later = agreed[len(early) :]
    if early:
        amounts = [*_sums(early), due - _total(later), due - _total(later) - raised]
        if authorizations.time_of(order, early[0]) >= order.created_at:
            amounts.append(ZERO)
    else:
        amounts = [due, *(due - amount for amount in _sums(reversed(later)))]
        amounts += [amount - raised for amount in amounts]
    if expected is not None:
        near = [one for one in amounts if abs(one - expected) <= rounding(order)]
        if near:
            return min(near, key=lambda one: abs(one - expected))
    if early:
        return _total(_first(order, early))
    return max(due - _total(later) - raised, ZERO)


def as_paid(order: Order, amount: Decimal) -> Decimal:
    """Return `amount` as the shopper paid it.

    If the sum of an order's first payments differs from `amount` only by rounding, that sum is
    returned. Otherwise `amount` is returned unchanged.
    """
    sums = _sums(authorizations.agreed(order))
    near = [one for one in sums if abs(one - amount) <= rounding(order)]
    return min(near, key=lambda one: abs(one - amount), default=amount)


def rounding(order: Order) -> Decimal:
    """Return how far the sum of an order's amounts may be off from an amount that Shopify states.

    Amounts in the shopper's currency are converted to the shop's and rounded, each by itself.
    """
    return unit(order.currency) * (len(order.lines) + len(order.transactions))


def _first(order: Order, early: list[Transaction]) -> list[Transaction]:
    """Return those of the `early` payments that were made with an order.

    These are the payments made by the time when the order was placed. If there are none, they are
    the payments made at the time of the first one.
    """
    placed = max(order.created_at, authorizations.time_of(order, early[0]))
    return [one for one in early if authorizations.time_of(order, one) <= placed]


def _raised_outside(order: Order) -> Decimal:
    """Return the amount by which edits raised the price, if no payment schedule contains it.

    Shopify either adds such an amount to a schedule, or leaves it outside all schedules. If a
    schedule contains the amount, or if there are no schedules, the result is zero.
    """
    still_due = sum((one.balance_due for one in order.waiting_schedules), ZERO)
    raised = max(order.total - order.original_total, ZERO)
    return raised if order.schedules and order.outstanding - still_due == raised else ZERO


def _sums(payments: Iterable[Transaction]) -> list[Decimal]:
    return list(accumulate(one.amount for one in payments))


def _total(payments: Iterable[Transaction]) -> Decimal:
    return sum((one.amount for one in payments), ZERO)
