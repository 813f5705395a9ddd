"""An order made from what the shop has of it and what was known and decided before: no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from openstoq.commerce.orders import Order, OrderLine
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders import ledger, rules
from openstoq.preorders.orders.amounts import of_units, worth
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
    """What of an order is paid when; what is paid later is zero for one paid in full.

    `at_checkout` was due when it was placed, which no edit and no refund changes; `agreed` was
    then left to be paid later, and `balance` is what is paid later by now.
    """

    at_checkout: Decimal
    agreed: Decimal
    balance: Decimal
    due_at: datetime | None


def money(order: Order, stored: PreorderOrder | None, *, has_partial: bool) -> Money:
    """Read off an order's payments and its payment schedules what is paid when.

    It is told by what came and what was ordered, and not by what is left of it: edits and refunds
    lower that, and the order may be read for the first time after them. A platform that forgets
    the schedules of paid orders leaves the balance as it was; one that never had any owes what is
    outstanding, if a deposit was sold.
    """
    waiting = [one for one in order.schedules if one.completed_at is None and one.balance_due > 0]
    due = min((one.due_at for one in waiting if one.due_at is not None), default=None)
    still_due = sum((one.balance_due for one in waiting), ZERO)
    has_later = has_partial or bool(order.schedules)
    if order.schedules:
        balance = sum((one.total for one in order.schedules), ZERO)
    elif stored is not None:
        later = order.received + order.outstanding - ledger.came_at_checkout(stored.payments)
        balance = max(min(stored.balance, later), ZERO)
    else:
        balance = order.outstanding if has_partial else ZERO
    # Nothing is outstanding of a cancelled order, even if its schedules say so; and what was paid
    # twice is none of its price.
    price = min(
        order.received + max(order.outstanding, still_due),
        max(order.original_total, order.total + order.refunded),
    )
    at_checkout = max(price - balance, ZERO)
    agreed = max(order.original_total - at_checkout, ZERO) if has_later else ZERO
    return Money(at_checkout, agreed, balance, due)


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
    others = [line for line in order.lines if line.id not in sold and line.quantity > 0]
    is_left = order.cancelled_at is None and any(line.current for line in lines)
    # Where nothing is left, what was agreed stays to be read, unless something of it was paid.
    balance = owed.balance if is_left else owed.balance or owed.agreed
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
        "deposit": _deposit(order, lines, owed) if others else owed.at_checkout,
        "balance": balance,
        "due_at": owed.due_at,
        "snapshot": Snapshot.of(
            order,
            has_other_lines=bool(others),
            others_removed=sum((_removed(line, order.currency) for line in others), ZERO),
        ),
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
    order.collected_at = _collected_at(order, now)
    # Told once: what is outstanding later did not come with it.
    order.paid_wanted = order.paid_wanted and any(one.is_untold for one in order.payments)
    standing = ledger.standing(order)
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


def _collected_at(order: PreorderOrder, now: datetime) -> datetime | None:
    """Return when the balance came, which stays so unless it was noted by hand and was not due."""
    is_called_off = any(
        one.kind == "balance" and one.mode == "manual" and one.status == "void"
        for one in order.payments
    )
    if order.collected_at is not None and not is_called_off:
        return order.collected_at
    paid_at = ledger.collected_at(order.payments, order)
    return paid_at or ((order.collected_at or now) if _is_paid(order) else None)


def _is_paid(order: PreorderOrder) -> bool:
    # An order that was cancelled is not outstanding either.
    return (
        order.balance > 0
        and order.outstanding <= 0
        and order.shop_cancelled_at is None
        and order.cancelled_at is None
        and order.received > order.deposit
    )


def _deposit(order: Order, lines: Sequence[Line], owed: Money) -> Decimal:
    """Return what of an order with other goods was due at checkout for its preorder.

    That is the lines' share; more if other goods were removed before the balance came, as a shop
    then lowers what is outstanding: what was paid for them has become the preorder's.
    """
    agreed = sum((line.deposit for line in lines), ZERO)
    return max(agreed, worth(lines, order.currency) - owed.balance)


def _removed(line: OrderLine, currency: str) -> Decimal:
    """Return what those units of a line cost that are not in the order any more."""
    return line.total - of_units(line.total, line.current, line.quantity, currency)


def was_released_by_hand(stored: PreorderOrder, order: PreorderOrder) -> bool:
    """Return whether somebody took our holds off in the shop, where they had been placed."""
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
