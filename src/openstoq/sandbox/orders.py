"""The records of what is sold: orders, their lines, customers and refunds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from openstoq.kernel.money import Money
from openstoq.sandbox.model import Variant
from openstoq.sandbox.payments import Mandate, PaymentSchedule, PaymentTerms, Transaction

ZERO = Decimal(0)


@dataclass(slots=True, eq=False, kw_only=True)
class Customer:
    """Somebody who bought."""

    id: int
    created_at: datetime
    updated_at: datetime
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str = "en"


@dataclass(slots=True, eq=False, kw_only=True)
class LineItem:
    """Units of one variant in an order.

    `quantity` is as ordered and `current_quantity` what edits and refunds left of it, while
    `fulfilled_quantity` were sent and `returned_quantity` came back of those. `unit_price` is after the selling plan's own adjustment;
    `due_at_checkout` is the part of `total` that was charged when the order was placed; `taken`
    says how many units were taken from stock, by location id.
    """

    id: int
    variant: Variant
    quantity: int
    current_quantity: int
    unit_price: Decimal
    currency: str
    fulfilled_quantity: int = 0
    returned_quantity: int = 0
    requires_shipping: bool = True
    selling_plan_id: int | None = None
    selling_plan_name: str | None = None
    discount: Decimal = ZERO
    due_at_checkout: Decimal = ZERO
    properties: dict[str, str] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)

    @property
    def unfulfilled_quantity(self) -> int:
        """Return how many units are still to be sent."""
        return self.current_quantity + self.returned_quantity - self.fulfilled_quantity

    @property
    def total(self) -> Decimal:
        """Return what `quantity` costs after the discount."""
        return self.unit_price * self.quantity - self.discount

    @property
    def deferred(self) -> Decimal:
        """Return the part of `total` that was not charged when the order was placed."""
        return self.total - self.due_at_checkout

    @property
    def current_total(self) -> Decimal:
        """Return what the units that are left cost, with their share of the discount."""
        return self.share(self.current_quantity)

    def lower(self, quantity: int) -> None:
        """Take units away: first those that were not sent, then those that were."""
        self.returned_quantity += max(0, quantity - self.unfulfilled_quantity)
        self.current_quantity -= quantity

    def share(self, quantity: int) -> Decimal:
        """Return what so many of the units cost, rounded as the currency is."""
        return Money(self.total * quantity / self.quantity, self.currency).amount


@dataclass(slots=True, eq=False, kw_only=True)
class RefundLine:
    """Units of a line that a refund took back."""

    id: int
    line: LineItem
    quantity: int
    restock_type: str
    subtotal: Decimal


@dataclass(slots=True, eq=False, kw_only=True)
class Refund:
    """Lines taken back, or money paid back, or both."""

    id: int
    created_at: datetime
    note: str | None = None
    lines: list[RefundLine] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """Return the money that was paid back."""
        return _sum(each.amount for each in self.transactions if each.status == "SUCCESS")


@dataclass(slots=True, eq=False, kw_only=True)
class Order:
    """What somebody bought, what of it was paid, and what of it was sent.

    `allowances` is money that was paid back although the lines it was for stayed;
    `unpaid_when_cancelled` is what nobody will pay any more. The fulfillment orders are made by
    `fulfillment.route` when the order is placed.
    """

    id: int
    number: int
    token: str
    currency: str
    country: str | None
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    lines: list[LineItem]
    customer: Customer | None = None
    email: str | None = None
    phone: str | None = None
    locale: str = "en"
    shipping: Decimal = ZERO
    allowances: Decimal = ZERO
    unpaid_when_cancelled: Decimal = ZERO
    tags: list[str] = field(default_factory=list)
    note: str | None = None
    custom_attributes: dict[str, str] = field(default_factory=dict)
    test: bool = False
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    payment_terms: PaymentTerms | None = None
    mandates: list[Mandate] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfillment_orders: list[Any] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return what people call it, such as #1001."""
        return f"#{self.number}"

    @property
    def total(self) -> Decimal:
        """Return its price as ordered."""
        return _sum(each.total for each in self.lines) + self.shipping

    @property
    def current_total(self) -> Decimal:
        """Return its price after edits and refunds."""
        if self.cancelled_at is not None:
            return ZERO
        goods = _sum(each.current_total for each in self.lines)
        return goods + self.shipping - self.allowances

    @property
    def received(self) -> Decimal:
        """Return what was paid, before refunds."""
        return self._moved("SALE")

    @property
    def refunded(self) -> Decimal:
        """Return what was paid back."""
        return self._moved("REFUND")

    @property
    def net_payment(self) -> Decimal:
        """Return what the shop has of its price."""
        return self.received - self.refunded

    @property
    def outstanding(self) -> Decimal:
        """Return what is still to be paid."""
        return max(ZERO, self.current_total - self.net_payment)

    @property
    def open_schedule(self) -> PaymentSchedule | None:
        """Return the schedule by which the rest is to be paid."""
        return self.payment_terms.open_schedule if self.payment_terms else None

    @property
    def financial_status(self) -> str:
        """Return displayFinancialStatus."""
        if not self.received:
            if self.cancelled_at:
                return "VOIDED"
            return "PENDING" if self.outstanding else "PAID"
        if self.refunded:
            return "REFUNDED" if self.refunded >= self.received else "PARTIALLY_REFUNDED"
        owed = self.outstanding or self.unpaid_when_cancelled
        return "PARTIALLY_PAID" if owed else "PAID"

    @property
    def can_mark_as_paid(self) -> bool:
        """Return whether anything is left to be marked as paid."""
        return self.outstanding > 0

    @property
    def fulfillment_status(self) -> str:
        """Return displayFulfillmentStatus."""
        sent = sum(each.fulfilled_quantity for each in self.lines)
        left = sum(each.unfulfilled_quantity for each in self.lines)
        if sent:
            return "PARTIALLY_FULFILLED" if left else "FULFILLED"
        waiting = {each.status for each in self.fulfillment_orders if each.at_work}
        return waiting.pop() if waiting in ({"ON_HOLD"}, {"SCHEDULED"}) else "UNFULFILLED"

    def refundable(self, payment: Transaction) -> Decimal:
        """Return what is left of a payment to pay back."""
        return payment.amount - _sum(
            each.amount
            for each in self.transactions
            if each.parent is payment and each.kind == "REFUND" and each.status == "SUCCESS"
        )

    def _moved(self, kind: str) -> Decimal:
        return _sum(
            each.amount
            for each in self.transactions
            if each.kind == kind and each.status == "SUCCESS"
        )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
