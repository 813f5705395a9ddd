"""Plan refunds: the payments to pay back, and the amount of each. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from openstoq.kernel.ids import new_id
from openstoq.preorders.orders.ledger import totals
from openstoq.preorders.orders.ledger.entries import returned
from openstoq.preorders.orders.model import ZERO, Part, Payment, PreorderOrder


@dataclass(frozen=True, slots=True)
class Reason:
    """The note of a refund, and whether Shopify notifies the shopper of the refund."""

    note: str | None
    notify: bool


def refunds(
    order: PreorderOrder, parts: Iterable[Part], reason: Reason, now: datetime
) -> list[Payment]:
    """Return the entries that refund what is left of a deposit, a balance, or both.

    There is one entry for each payment to pay back. Refunds that are under way count as done.
    The list is empty if nothing is left to refund, or if none of the money was paid through
    Shopify.
    """
    standing = totals.ledger_totals(order, expected=True)
    left_of = {"deposit": standing.deposit.refundable, "balance": standing.balance.refundable}
    found: list[Payment] = []
    for part in parts:
        left = left_of[part]
        for paid in order.payments:
            if paid.kind != part or paid.status != "succeeded" or paid.transaction_id is None:
                continue
            amount = min(left, paid.amount - returned(order.payments, paid))
            if amount > 0:
                left -= amount
                found.append(_refund(order, paid, amount, reason, now))
    return found


def returned_before(order: PreorderOrder, refund: Payment) -> Decimal:
    """Add up the earlier refunds of the payment that `refund` pays back.

    Refunds that are under way count, and refunds that failed do not.
    """
    earlier = (
        one
        for one in order.payments
        if one.kind == "refund"
        and one.parent_id == refund.parent_id
        and one.stands
        and (one.created_at, one.id) < (refund.created_at, refund.id)
    )
    return sum((one.amount for one in earlier), ZERO)


def _refund(
    order: PreorderOrder, paid: Payment, amount: Decimal, reason: Reason, now: datetime
) -> Payment:
    refund_id = new_id()
    return Payment(
        id=refund_id,
        kind="refund",
        part=paid.part,
        mode="refund",
        amount=amount,
        currency=order.currency,
        status="pending",
        idempotency_key=str(refund_id),
        parent_id=paid.transaction_id,
        gateway=paid.gateway,
        note=reason.note,
        notify=reason.notify,
        created_at=now,
    )
