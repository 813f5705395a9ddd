"""The response shapes of an order's payments, beside the functions that fill them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, PlainSerializer

from openstoq.kernel.money import Money
from openstoq.preorders.orders.ledger import totals
from openstoq.preorders.orders.ledger.totals import PartTotals
from openstoq.preorders.orders.model import (
    Collect,
    Part,
    Payment,
    PaymentKind,
    PaymentMode,
    PaymentStatus,
    PreorderOrder,
)

Amount = Annotated[Decimal, PlainSerializer(str, return_type=str)]


PartStatus = Literal[
    "none", "outstanding", "pending", "processing", "authenticate", "paid", "refunded", "void"
]


class PartView(BaseModel):
    """The deposit or the balance. Edits do not lower the deposit, which was due at checkout."""

    amount: Amount
    received: Amount
    refunded: Amount
    status: PartStatus


class BalanceView(PartView):
    """The balance, and how it is collected."""

    due_at: datetime | None
    collect: Collect
    next_attempt_at: datetime | None
    error: str | None


class EntryView(BaseModel):
    """An entry of the ledger."""

    id: UUID
    kind: PaymentKind
    part: Part
    mode: PaymentMode
    amount: Amount
    currency: str
    status: PaymentStatus
    attempts: int
    error: str | None
    shopify_transaction_id: int | None
    created_at: datetime
    settled_at: datetime | None


class PaymentsSummary(BaseModel):
    """The state of a preorder's money."""

    currency: str
    deposit: PartView
    balance: BalanceView
    total_outstanding: Amount
    refunded: Amount
    charged_at: datetime | None
    has_payment_method: bool
    collection_url: str | None


class PaymentsView(PaymentsSummary):
    """The state of a preorder's money, with every entry of the ledger."""

    ledger: list[EntryView]


def payments_view(order: PreorderOrder) -> PaymentsView:
    """Return the response for an order's money, with its ledger."""
    return PaymentsView(
        **dict(payments_summary(order)),
        ledger=[
            EntryView(
                id=one.id,
                kind=one.kind,
                part=one.part,
                mode=one.mode,
                amount=amount_of(order, one.amount),
                currency=one.currency,
                status=one.status,
                attempts=one.attempts,
                error=one.error,
                shopify_transaction_id=one.transaction_id,
                created_at=one.created_at,
                settled_at=one.settled_at,
            )
            for one in order.payments
        ],
    )


def payments_summary(order: PreorderOrder) -> PaymentsSummary:
    """Return the response for an order's money, without its ledger."""
    standing = totals.ledger_totals(order)
    last = order.last_charge()
    retry = next((one for one in order.payments if one.retry_at is not None), None)
    return PaymentsSummary(
        currency=order.currency,
        deposit=_part(order, standing.deposit, None),
        balance=BalanceView(
            **dict(_part(order, standing.balance, last)),
            due_at=order.due_at,
            collect=order.decisions.collect,
            next_attempt_at=retry.retry_at if retry else None,
            error=last.error if last else None,
        ),
        total_outstanding=amount_of(order, order.facts.outstanding),
        refunded=amount_of(order, standing.refunded),
        charged_at=order.collected_at,
        has_payment_method=order.mandate is not None,
        collection_url=order.facts.snapshot.collection_url,
    )


def _part(order: PreorderOrder, part: PartTotals, last: Payment | None) -> PartView:
    return PartView(
        amount=amount_of(order, part.amount),
        received=amount_of(order, part.received),
        refunded=amount_of(order, part.refunded),
        status=_part_status(order, part, last),
    )


def _part_status(order: PreorderOrder, part: PartTotals, last: Payment | None) -> PartStatus:
    if part.amount <= 0:
        return "none"
    if part.refunded > 0 and part.refundable == 0:
        return "refunded"
    if part.received >= part.amount or (last is not None and order.collected_at is not None):
        return "paid"
    if last is not None and last.status in ("pending", "processing", "authenticate"):
        return last.status
    return "void" if order.decisions.cancelled_at is not None else "outstanding"


def amount_of(order: PreorderOrder, amount: Decimal) -> Decimal:
    """Return an amount with as many decimals as the order's currency has."""
    return Money(amount, order.currency).amount
