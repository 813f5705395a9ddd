"""The state of an order, derived from everything else known about it: no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from openstoq.preorders.orders import rules
from openstoq.preorders.orders.ledger import totals
from openstoq.preorders.orders.model import ZERO, Payment, PreorderOrder, State


def derive(order: PreorderOrder, payments: Iterable[Payment], now: datetime) -> None:
    """Set an order's ledger to `payments`, and derive the order's state.

    When the preorder was cancelled and when its balance was collected are derived first, because
    the state depends on both.
    """
    order.payments = tuple(payments)
    is_fulfilled = _is_fulfilled(order)
    if order.decisions.cancelled_at is None:
        if order.facts.cancelled_at is not None:
            order.decisions.cancelled_at = order.facts.cancelled_at
            order.decisions.cancel_reason = order.decisions.cancel_reason or "cancelled in Shopify"
        elif not is_fulfilled and not any(line.current for line in order.lines):
            order.decisions.cancelled_at = now
            order.decisions.cancel_reason = "all preordered items were removed from the order"
    if order.decisions.cancelled_at is not None:
        order.lines = tuple(replace(line, counted=0) for line in order.lines)
    order.collected_at = _collected_at(order, now)
    # Shopify is to mark the order as paid only once: an amount that becomes outstanding later was
    # not part of the manually recorded payment.
    order.decisions.paid_wanted = order.decisions.paid_wanted and any(
        one.is_untold for one in order.payments
    )
    standing = totals.ledger_totals(order)
    order.state = state_of(
        Facts(
            is_cancelled=order.decisions.cancelled_at is not None,
            is_fulfilled=is_fulfilled,
            is_released=order.decisions.released_at is not None,
            has_balance=order.balance > 0,
            balance_is_open=rules.owes(order),
            received=standing.received,
            refunded=standing.refunded,
        )
    )


def _collected_at(order: PreorderOrder, now: datetime) -> datetime | None:
    """Return the time at which the balance was collected, or None if it was not.

    A stored time is kept, with two exceptions: a manually recorded payment has become void, or only
    a part of a raised balance has been paid.
    """
    is_called_off = any(
        one.kind == "balance" and one.mode == "manual" and one.status == "void"
        for one in order.payments
    )
    is_reopened = is_called_off or _is_raised(order)
    if order.collected_at is not None and not is_reopened:
        return order.collected_at
    paid_at = totals.collected_at(order)
    return paid_at or ((order.collected_at or now) if _is_paid(order) else None)


def _is_raised(order: PreorderOrder) -> bool:
    paid = totals.ledger_totals(order).balance.own
    return order.facts.outstanding > 0 and ZERO < paid < order.balance


def _is_paid(order: PreorderOrder) -> bool:
    # A cancelled order has nothing outstanding either, although it was not paid.
    return (
        order.balance > 0
        and order.facts.outstanding <= 0
        and order.facts.cancelled_at is None
        and order.decisions.cancelled_at is None
        and order.facts.received > order.deposit
    )


def _is_fulfilled(order: PreorderOrder) -> bool:
    left = [line for line in order.lines if line.current > 0]
    if left:
        return all(line.unfulfilled == 0 for line in left)
    # No unit is left: each was shipped and then returned, or was removed before it was shipped.
    snapshot = order.facts.snapshot
    return snapshot.fulfillment_status == "fulfilled" and not snapshot.has_other_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts behind an order's state; `received` and `refunded` cover only the preorder."""

    is_cancelled: bool
    is_fulfilled: bool
    is_released: bool
    has_balance: bool
    balance_is_open: bool
    received: Decimal
    refunded: Decimal


def state_of(facts: Facts) -> State:
    """Return the first state that applies.

    The states are tried in the sequence cancelled, refunded, fulfilled, released, and last the
    state of the balance.
    """
    if facts.is_cancelled:
        return "cancelled"
    if facts.received > 0 and facts.refunded >= facts.received:
        return "refunded"
    if facts.is_fulfilled:
        return "fulfilled"
    if facts.is_released:
        return "released"
    if facts.balance_is_open:
        return "awaiting_balance"
    return "balance_collected" if facts.has_balance else "placed"
