"""The money of an order: the amounts that are due at checkout and later. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from openstoq.commerce.orders import Order
from openstoq.preorders.orders.ledger import entries
from openstoq.preorders.orders.model import ZERO, PreorderOrder


@dataclass(frozen=True, slots=True)
class Money:
    """The price of an order, divided by when it is paid.

    `at_checkout` was due when the order was placed; no edit and no refund changes it. `agreed`
    is the amount that was then left to be paid later, and `balance` the amount to be paid later
    as of now. `agreed` and `balance` are zero for an order that is paid in full at checkout.
    """

    at_checkout: Decimal
    agreed: Decimal
    balance: Decimal
    due_at: datetime | None


def read_money(order: Order, stored: PreorderOrder | None, *, has_partial: bool) -> Money:
    """Divide an order's price by when it is paid, from its payments and payment schedules.

    The amounts received and ordered decide, not what is left of the order: edits and refunds lower
    that, and the order may be read for the first time after them. If the platform has forgotten
    the schedules of a paid order, the stored balance stays, up to what is paid after checkout. A
    new order without schedules owes what is outstanding, if a deposit was sold.
    """
    waiting = [one for one in order.schedules if one.completed_at is None and one.balance_due > 0]
    due = min((one.due_at for one in waiting if one.due_at is not None), default=None)
    still_due = sum((one.balance_due for one in waiting), ZERO)
    has_later = has_partial or bool(order.schedules)
    if order.schedules:
        balance = sum((one.total for one in order.schedules), ZERO)
    elif stored is not None:
        later = order.received + order.outstanding - entries.came_at_checkout(stored.payments)
        balance = max(min(stored.balance, later), ZERO)
    else:
        balance = order.outstanding if has_partial else ZERO
    # A cancelled order has nothing outstanding although its schedules are still due, so the larger
    # amount counts. An amount that was paid twice is not part of the price.
    price = min(
        order.received + max(order.outstanding, still_due),
        max(order.original_total, order.total + order.refunded),
    )
    at_checkout = max(price - balance, ZERO)
    agreed = max(order.original_total - at_checkout, ZERO) if has_later else ZERO
    return Money(at_checkout, agreed, balance, due)
