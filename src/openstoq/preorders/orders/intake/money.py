"""The money of an order: the amounts that are due at checkout and later. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

from openstoq.commerce.orders import Order, PaymentSchedule
from openstoq.kernel.money import unit
from openstoq.preorders.offers.capabilities.payments import PartialOption
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.ledger import entries
from openstoq.preorders.orders.model import ZERO, Line, PreorderOrder
from openstoq.preorders.orders.recognition.matching import Match


@dataclass(frozen=True, slots=True)
class Money:
    """The price of an order, divided by when it is paid.

    `fixed` is the amount that was due when the order was placed. It is None until Shopify has
    stated what is due later.

    `at_checkout` is the same amount, but at most the price as of now. While `fixed` is None, it is
    the price without the balance known so far.

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
        """Return the money without the amount that other apps' lines defer.

        `agreed` is the most that our lines leave to be paid later, by these schedules.
        """
        return replace(
            self,
            agreed=min(self.agreed, agreed),
            balance=max(self.balance - deferred, ZERO),
            due_at=_first_due(schedules),
        )


def read_money(order: Order, stored: PreorderOrder | None, *, has_partial: bool) -> Money:
    """Divide an order's price by when it is paid, from its payments and payment schedules.

    The price is found from the amounts received and ordered, not from the current total. Edits and
    refunds lower the current total, and may have happened before the first reading.

    The amount due at checkout does not change once it is stored. Until Shopify has listed the
    schedules of an order with a deposit, `_unscheduled_balance` is the balance.
    """
    price = _price(order)
    fixed = stored.at_checkout if stored is not None else None
    if fixed is None:
        fixed = _at_checkout(order, price, has_partial=has_partial)
    if fixed is not None:
        at_checkout = min(fixed, price)
    else:
        at_checkout = max(price - _unscheduled_balance(order, stored), ZERO)
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
    most = max(order.original_total, order.total + order.refunded)
    return price if price <= most + _rounding(order) else most


def _rounding(order: Order) -> Decimal:
    """Return how far the sum of an order's amounts may be off from an amount that Shopify states.

    Amounts in the shopper's currency are converted to the shop's and rounded, each by itself.
    """
    return unit(order.currency) * (len(order.lines) + len(order.transactions))


def _at_checkout(order: Order, price: Decimal, *, has_partial: bool) -> Decimal | None:
    """Return the amount that was due at checkout.

    The result is None if the order was sold with a deposit, and Shopify lists no schedules.

    An edit may have raised the price before this reading. Shopify either adds the raise to the last
    schedule, or leaves it outside all schedules. It was left outside if the outstanding amount
    exceeds the amount that the schedules wait for by exactly the raise. It was also left outside if
    the payments add up, at some point, to exactly the amount at checkout that this implies.
    """
    if not order.schedules:
        return None if has_partial else _as_paid(order, order.original_total)
    at_checkout = max(price - sum((one.total for one in order.schedules), ZERO), ZERO)
    raised = max(order.total - order.original_total, ZERO)
    still_due = sum((one.balance_due for one in order.waiting_schedules), ZERO)
    is_outside = order.outstanding - still_due == raised
    if 0 < raised <= at_checkout and (is_outside or _is_reached(order, at_checkout - raised)):
        at_checkout -= raised
    return _as_paid(order, at_checkout)


def _as_paid(order: Order, amount: Decimal) -> Decimal:
    """Return an amount as the payments add up to it, if they do but for rounding."""
    near = [one for one in _running_totals(order) if abs(one - amount) <= _rounding(order)]
    return min(near, key=lambda one: abs(one - amount), default=amount)


def _is_reached(order: Order, amount: Decimal) -> bool:
    return amount in _running_totals(order)


def _running_totals(order: Order) -> list[Decimal]:
    """Return what was paid after each of the order's payments."""
    return list(accumulate(payment.amount for payment in entries.incoming(order)))


def _unscheduled_balance(order: Order, stored: PreorderOrder | None) -> Decimal:
    """Return the balance of an order with a deposit, if Shopify lists no schedules.

    For a new order, this is the outstanding amount. For a stored order, it is the stored balance,
    but at most the amount paid or outstanding after checkout.
    """
    if stored is None:
        return order.outstanding
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
