"""The money of an order: the amounts that are due at checkout and later. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from openstoq.commerce.orders import Order, PaymentSchedule
from openstoq.preorders.offers.capabilities.payments import PartialOption
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.intake.at_checkout import as_paid, due_at_checkout, rounding
from openstoq.preorders.orders.ledger import authorizations, entries
from openstoq.preorders.orders.model import ZERO, Line, PreorderOrder
from openstoq.preorders.orders.recognition.matching import Match


@dataclass(frozen=True, slots=True)
class Money:
    """The price of an order, divided by when it is paid.

    `fixed` is the amount that was due when the order was placed. It is None until Shopify has
    stated what is due later.

    `at_checkout` equals `fixed`, or the current price if that is lower. While `fixed` is None,
    `at_checkout` is the current price without the balance known so far.

    `agreed` is the amount that was left at checkout to be paid later. `balance` is the amount to be
    paid later as of now. If the order was paid in full at checkout, `agreed` is zero, and `balance`
    is the amount that edits have added.
    """

    fixed: Decimal | None
    at_checkout: Decimal
    agreed: Decimal
    balance: Decimal
    due_at: datetime | None

    def less(
        self, deferred: Decimal, *, agreed: Decimal, schedules: Iterable[PaymentSchedule]
    ) -> "Money":
        """Return the money with `deferred` subtracted from the balance.

        `deferred` is the amount that the lines of other apps leave to be paid later. `agreed` is
        the amount that our lines left at checkout to be paid later. The `agreed` of the result is
        at most that amount. `schedules` are the payment schedules for our lines. The result is due
        when the first unpaid one of them is due.
        """
        return replace(
            self,
            agreed=min(self.agreed, agreed),
            balance=max(self.balance - deferred, ZERO),
            due_at=_first_due(schedules),
        )


def read_money(
    order: Order,
    stored: PreorderOrder | None,
    *,
    has_partial: bool,
    later: Decimal | None = None,
) -> Money:
    """Divide an order's price into the amount due at checkout and the amount due later.

    Both are found from the payments and the payment schedules. The price itself is found from the
    amounts received and outstanding, not from the current total: edits and refunds lower the
    current total, and may have happened before the first reading.

    The amount due at checkout does not change once it is stored. `_unscheduled_balance` is the
    balance of an order with a deposit until Shopify lists its schedules. `later` is the amount that
    the offers' terms leave to be paid later. It is None if another app's terms apply too.
    """
    price = _price(order)
    expected = None if later is None else max(order.original_total - later, ZERO)
    fixed = stored.at_checkout if stored is not None else None
    if fixed is None:
        fixed = _at_checkout(order, price, expected, has_partial=has_partial)
    if fixed is not None:
        at_checkout = min(fixed, price)
    else:
        at_checkout = max(price - _unscheduled_balance(order, stored, price, expected), ZERO)
    has_later = has_partial or bool(order.schedules)
    return Money(
        fixed=fixed,
        at_checkout=at_checkout,
        agreed=max(order.original_total - at_checkout, ZERO) if has_later else ZERO,
        balance=price - at_checkout,
        due_at=_first_due(order.schedules),
    )


def _first_due(schedules: Iterable[PaymentSchedule]) -> datetime | None:
    due = (one.due_at for one in schedules if one.is_waiting and one.due_at is not None)
    return min(due, default=None)


def _price(order: Order) -> Decimal:
    """Return the price of everything in an order, without the units removed before they were paid.

    Shopify lowers the outstanding amount when unpaid units are removed. An amount that was paid
    twice counts once.
    """
    # A cancelled order has nothing outstanding although its schedules are still due, so the larger
    # amount counts.
    still_due = sum((one.balance_due for one in order.waiting_schedules), ZERO)
    price = order.received + max(order.outstanding, still_due)
    if order.cancelled_at is not None:
        price += authorizations.uncaptured(order, voided=True)
    most = max(order.original_total, order.total + order.refunded)
    return price if price <= most + rounding(order) else most


def _at_checkout(
    order: Order, price: Decimal, expected: Decimal | None, *, has_partial: bool
) -> Decimal | None:
    """Return the amount that was due at checkout.

    The result is None while it is not known: the order was sold with a deposit, and Shopify lists
    no schedules for it.
    """
    if not order.schedules:
        return None if has_partial else as_paid(order, order.original_total)
    still_due = sum((one.balance_due for one in order.waiting_schedules), ZERO)
    amount = due_at_checkout(order, max(price - still_due, ZERO), expected)
    return as_paid(order, amount)


def _unscheduled_balance(
    order: Order, stored: PreorderOrder | None, price: Decimal, expected: Decimal | None
) -> Decimal:
    """Return the balance of an order with a deposit for which Shopify lists no schedules.

    For a new order, this is the price minus the amount due at checkout. That amount is found from the
    payments and from `expected`, the amount due by the offer's terms. For a stored order, it is the
    stored balance, but at most the sum of what was paid after checkout and what is outstanding.
    """
    authorized = authorizations.uncaptured(order, voided=False)
    if stored is None:
        due = max(price - max(order.outstanding - authorized, ZERO), ZERO)
        return price - min(due_at_checkout(order, due, expected), price)
    later = order.received + order.outstanding - entries.came_at_checkout(stored.payments)
    return max(min(stored.balance, later), ZERO)


def later_of(one: Match, before: Line | None, offer: Offer | None) -> Decimal:
    """Return the amount that one line, taken by itself, leaves to be paid later.

    The amount was agreed at checkout. If the offer has changed its terms since, the change applies
    to later buyers only.
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
