"""An order made from what the shop has of it and what was known and decided before: no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from openstoq.commerce.orders import Order
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders import ledger, rules
from openstoq.preorders.orders.model import (
    ZERO,
    Collect,
    Line,
    Payment,
    PreorderOrder,
    Snapshot,
)

OVER_LIMIT = "preorder-over-limit"
HANDLE = "openstoq"


@dataclass(frozen=True, slots=True)
class Money:
    """What of an order is paid later, and when; `balance` is zero for one paid in full."""

    balance: Decimal
    due_at: datetime | None


def money(order: Order, stored: PreorderOrder | None, *, has_partial: bool) -> Money:
    """Read an order's balance off its payment schedules.

    A platform that forgets the schedules of paid orders leaves the balance as it was; one that
    never had any owes what is outstanding, if a deposit was sold.
    """
    waiting = [one for one in order.schedules if one.completed_at is None and one.balance_due > 0]
    due = min((one.due_at for one in waiting if one.due_at is not None), default=None)
    if order.schedules:
        return Money(sum((one.total for one in order.schedules), ZERO), due)
    if stored is not None:
        return Money(min(stored.balance, order.total + order.refunded), None)
    return Money(order.outstanding if has_partial else ZERO, None)


def made(
    order: Order,
    lines: Sequence[Line],
    offers: Mapping[UUID, Offer],
    stored: PreorderOrder | None,
    *,
    owed: Money,
    market_id: int | None,
    now: datetime,
) -> PreorderOrder:
    """Return the order, new or as it is now; `settle` has to follow once its ledger is known."""
    sold = {line.id for line in lines}
    has_others = any(line.id not in sold and line.quantity > 0 for line in order.lines)
    balance = owed.balance
    is_empty = not has_others and not any(line.current for line in lines)
    if stored is not None and (order.cancelled_at is not None or is_empty):
        # What was agreed stays to be read; the shop has taken everything off the order.
        lines, balance = _as_agreed(lines, stored), stored.balance
    deposit = sum((line.deposit for line in lines), ZERO)
    if not has_others:
        deposit += _besides(order, lines, balance, stored)
    customer = order.customer
    told: dict[str, Any] = {
        "name": order.name,
        "customer_id": customer.id if customer else None,
        "customer_name": customer.name if customer else None,
        "email": order.email or (customer.email if customer else None),
        "phone": order.phone or (customer.phone if customer else None),
        "locale": order.locale or (customer.locale if customer else None),
        "country": order.country,
        "shop_updated_at": order.updated_at,
        "shop_cancelled_at": order.cancelled_at,
        "total": order.total,
        "received": order.received,
        "refunded": order.refunded,
        "outstanding": order.outstanding,
        "deposit": deposit,
        "balance": balance,
        "due_at": owed.due_at,
        "snapshot": Snapshot.of(order, has_other_lines=has_others),
        "lines": tuple(lines),
        "updated_at": now,
    }
    if stored is not None:
        return replace(stored, **told)
    selling = [offers[one] for one in dict.fromkeys(line.offer_id for line in lines)]
    return PreorderOrder(
        order_id=order.id,
        id=new_id(),
        placed_at=order.created_at,
        market_id=market_id,
        currency=order.currency,
        state="placed",
        collect=_collect(lines, offers),
        collected_at=None,
        released_at=None,
        cancelled_at=None,
        cancel_reason=None,
        exceeded=[],
        hold_wanted=any(_holds(one) for one in selling) or None,
        split_wanted=any(one.shipping.fulfillment.split.enabled for one in selling),
        tags_wanted=_tags(selling),
        tags_unwanted=[],
        cancel_wanted=False,
        cancel_asked_at=None,
        paid_wanted=False,
        revision=1,
        synced_revision=0,
        sync_error=None,
        created_at=now,
        **told,
    )


def settle(order: PreorderOrder, payments: Iterable[Payment], now: datetime) -> None:
    """Compile what follows from everything else: what was cancelled, collected, and the state."""
    order.payments = tuple(payments)
    is_fulfilled = _is_fulfilled(order)
    if order.cancelled_at is None:
        if order.shop_cancelled_at is not None:
            order.cancelled_at = order.shop_cancelled_at
            order.cancel_reason = order.cancel_reason or "cancelled in Shopify"
        elif not is_fulfilled and not any(line.current for line in order.lines):
            order.cancelled_at = now
            order.cancel_reason = "all preordered items were removed from the order"
    if order.cancelled_at is not None:
        order.lines = tuple(replace(line, quantity=0) for line in order.lines)
    if order.collected_at is None and order.balance > 0:
        paid_at = ledger.collected_at(order.payments, order)
        order.collected_at = paid_at or (now if _is_paid(order) else None)
    standing = ledger.standing(order.deposit, order.balance, order.payments)
    order.state = rules.state(
        rules.Facts(
            is_cancelled=order.cancelled_at is not None,
            is_fulfilled=is_fulfilled,
            is_released=order.released_at is not None,
            has_balance=order.balance > 0,
            balance_is_open=rules.owes(order),
            received=standing.received,
            refunded=standing.refunded,
        )
    )


def _is_paid(order: PreorderOrder) -> bool:
    # An order that was cancelled is not outstanding either.
    return (
        order.outstanding <= 0
        and order.shop_cancelled_at is None
        and order.cancelled_at is None
        and order.received > order.deposit
    )


def _as_agreed(lines: Iterable[Line], stored: PreorderOrder) -> list[Line]:
    before = {line.id: line for line in stored.lines}
    return [
        replace(line, total=was.total, deposit=was.deposit, balance=was.balance)
        if (was := before.get(line.id)) is not None
        else line
        for line in lines
    ]


def _besides(
    order: Order, lines: Iterable[Line], balance: Decimal, stored: PreorderOrder | None
) -> Decimal:
    """Return what was paid at checkout of preorders alone besides their lines, such as shipping."""
    if stored is not None:
        return max(stored.deposit - sum((line.deposit for line in stored.lines), ZERO), ZERO)
    # Nothing is left of the price of a cancelled order.
    price = order.total if order.cancelled_at is None else order.received
    return max(price - balance - sum((line.deposit for line in lines), ZERO), ZERO)


def was_released_by_hand(stored: PreorderOrder, order: PreorderOrder) -> bool:
    """Tell whether somebody took our holds off in the shop, where they had been placed."""
    preordered = {line.id for line in order.lines}
    return (
        stored.hold_wanted is True
        and stored.synced_revision >= stored.revision
        and _is_held(stored.snapshot)
        and not _is_held(order.snapshot)
        and any(
            one.status in ("open", "scheduled", "in_progress")
            and any(line.line_id in preordered and line.remaining > 0 for line in one.lines)
            for one in order.snapshot.fulfillment_orders
        )
    )


def _is_held(snapshot: Snapshot) -> bool:
    return any(
        hold.ours and (hold.handle or "").startswith(HANDLE)
        for one in snapshot.fulfillment_orders
        for hold in one.holds
    )


def _is_fulfilled(order: PreorderOrder) -> bool:
    left = [line for line in order.lines if line.current > 0]
    if left:
        return all(line.unfulfilled == 0 for line in left)
    # Everything was sent and came back, unless it was removed before.
    snapshot = order.snapshot
    return snapshot.fulfillment_status == "fulfilled" and not snapshot.has_other_lines


def _collect(lines: Iterable[Line], offers: Mapping[UUID, Offer]) -> Collect:
    """Who asks for the balance: of two offers the one that waits longest decides."""
    terms = [
        offers[line.offer_id].payments.remaining_balance
        for line in lines
        if line.payment == "partial"
    ]
    if any(one.auto_collect_on_fulfillment for one in terms):
        return "when_fulfilled"
    return "when_due" if terms and all(one.auto_collect for one in terms) else "manual"


def _holds(offer: Offer) -> bool:
    fulfillment = offer.shipping.fulfillment
    return fulfillment.hold or (fulfillment.split.enabled and fulfillment.split.hold_fulfillments)


def _tags(offers: Iterable[Offer]) -> list[str]:
    tags: list[str] = []
    for offer in offers:
        tags += offer.checkout.order_tags
        split = offer.shipping.fulfillment.split
        if split.enabled and split.tag is not None:
            tags.append(split.tag)
    return list(dict.fromkeys(tags))
