"""The amount that was due when an order was placed, whenever the order is read: no I/O.

Shopify states what is left of a payment schedule, and not what it was before it was paid. So what
was due at checkout is decided by when the payments were made, and by the offers' terms.
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

    `due` is the price without the amount that is still to be paid later. It is what was due at
    checkout, and whatever was paid since. `expected` is the amount that was due by the offers'
    terms, or None if another app's terms belong to it too. The terms decide where the payments
    allow several amounts. Where no amount fits, because an offer changed its terms since, the
    payments that were made when the order was placed decide.
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
    """Return an amount as the payments add up to it, if they do but for rounding."""
    sums = _sums(authorizations.agreed(order))
    near = [one for one in sums if abs(one - amount) <= rounding(order)]
    return min(near, key=lambda one: abs(one - amount), default=amount)


def rounding(order: Order) -> Decimal:
    """Return how far the sum of an order's amounts may be off from an amount that Shopify states.

    Amounts in the shopper's currency are converted to the shop's and rounded, each by itself.
    """
    return unit(order.currency) * (len(order.lines) + len(order.transactions))


def _first(order: Order, early: list[Transaction]) -> list[Transaction]:
    """Return the payments that were made with an order: those made by then, or else the first."""
    placed = max(order.created_at, authorizations.time_of(order, early[0]))
    return [one for one in early if authorizations.time_of(order, one) <= placed]


def _raised_outside(order: Order) -> Decimal:
    """Return the amount by which an edit raised the price, if no schedule waits for it.

    Shopify either adds a raise to a schedule, or leaves it outside all schedules.
    """
    still_due = sum((one.balance_due for one in order.waiting_schedules), ZERO)
    raised = max(order.total - order.original_total, ZERO)
    return raised if order.schedules and order.outstanding - still_due == raised else ZERO


def _sums(payments: Iterable[Transaction]) -> list[Decimal]:
    return list(accumulate(one.amount for one in payments))


def _total(payments: Iterable[Transaction]) -> Decimal:
    return sum((one.amount for one in payments), ZERO)
