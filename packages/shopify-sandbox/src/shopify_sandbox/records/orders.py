"""Orders, their fulfillment orders and their parcels, which refer to each other."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shopify_sandbox.config import APP_ID
from shopify_sandbox.records.catalogue import Location
from shopify_sandbox.records.customers import Customer
from shopify_sandbox.records.fulfillment import (
    FulfillmentHold,
    FulfillmentLineItem,
    FulfillmentOrderLineItem,
    Tracking,
)
from shopify_sandbox.records.lines import ZERO, LineItem
from shopify_sandbox.records.payments import Mandate, PaymentSchedule, PaymentTerms, Transaction
from shopify_sandbox.records.refunds import Refund

# Shopify allows one app this many holds on one fulfillment order.
MOST_HOLDS = 10
# The statuses with work still to be done, as opposed to CLOSED, CANCELLED and INCOMPLETE.
AT_WORK = ("OPEN", "SCHEDULED", "ON_HOLD", "IN_PROGRESS")


@dataclass(slots=True, eq=False, kw_only=True)
class Order:
    """A purchase, with its payments and its parcels.

    `allowances` is money that was paid back although no lines were taken back for it.
    `unpaid_when_cancelled` is money that will no longer be paid. The fulfillment orders are made
    by `fulfillment.route` when the order is placed.
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
    fulfillment_orders: list["FulfillmentOrder"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the order's name, such as #1001."""
        return f"#{self.number}"

    @property
    def total(self) -> Decimal:
        """Return the order's price as ordered."""
        return _sum(each.total for each in self.lines) + self.shipping

    @property
    def current_total(self) -> Decimal:
        """Return the order's price after edits and refunds."""
        if self.cancelled_at is not None:
            return ZERO
        goods = _sum(each.current_total for each in self.lines)
        return goods + self.shipping - self.allowances

    @property
    def received(self) -> Decimal:
        """Return the money that was paid, before refunds."""
        return self._moved("SALE")

    @property
    def refunded(self) -> Decimal:
        """Return the money that was paid back."""
        return self._moved("REFUND")

    @property
    def net_payment(self) -> Decimal:
        """Return the money that the shop has received, after refunds."""
        return self.received - self.refunded

    @property
    def outstanding(self) -> Decimal:
        """Return the amount that is still to be paid."""
        return max(ZERO, self.current_total - self.net_payment)

    @property
    def open_schedule(self) -> PaymentSchedule | None:
        """Return the open schedule of the outstanding amount; None if there is none."""
        return self.payment_terms.open_schedule if self.payment_terms else None

    @property
    def financial_status(self) -> str:
        """Return Shopify's displayFinancialStatus."""
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
        """Return whether any amount is outstanding that can be marked as paid."""
        return self.outstanding > 0

    @property
    def fulfillment_status(self) -> str:
        """Return Shopify's displayFulfillmentStatus."""
        sent = sum(each.fulfilled_quantity for each in self.lines)
        left = sum(each.unfulfilled_quantity for each in self.lines)
        if sent:
            return "PARTIALLY_FULFILLED" if left else "FULFILLED"
        waiting = {each.status for each in self.fulfillment_orders if each.at_work}
        return waiting.pop() if waiting in ({"ON_HOLD"}, {"SCHEDULED"}) else "UNFULFILLED"

    def refundable(self, payment: Transaction) -> Decimal:
        """Return how much of a payment can still be paid back."""
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


@dataclass(slots=True, eq=False, kw_only=True)
class FulfillmentOrder:
    """Units that one location must send together; `scheduled` is true until `fulfill_at`."""

    id: int
    order: Order
    location: Location
    created_at: datetime
    updated_at: datetime
    fulfill_at: datetime | None
    scheduled: bool = False
    status: str = "OPEN"
    lines: list[FulfillmentOrderLineItem] = field(default_factory=list)
    holds: list[FulfillmentHold] = field(default_factory=list)
    fulfillments: list["Fulfillment"] = field(default_factory=list)

    @property
    def at_work(self) -> bool:
        """Return whether the fulfillment order still has work to be done."""
        return self.status in AT_WORK

    @property
    def holdable(self) -> bool:
        """Return whether a hold can be placed, even if there are other holds."""
        return self.status in ("OPEN", "SCHEDULED", "ON_HOLD")

    @property
    def remaining(self) -> int:
        """Return how many units are still to be sent."""
        return sum(each.remaining_quantity for each in self.lines)

    @property
    def waiting_status(self) -> str:
        """Return the status that applies while it has no holds and no sent units."""
        return "SCHEDULED" if self.scheduled else "OPEN"

    @property
    def supported_actions(self) -> list[str]:
        """Return the actions that the installed app may take on the fulfillment order now."""
        match self.status:
            case "ON_HOLD":
                holds = sum(each.app_id == APP_ID for each in self.holds)
                return ["RELEASE_HOLD", *(["HOLD"] if holds < MOST_HOLDS else []), "MOVE"]
            case "OPEN":
                actions = ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"]
            case "SCHEDULED":
                actions = ["MARK_AS_OPEN", "MOVE", "HOLD"]
            case "IN_PROGRESS":
                return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE"]
            case _:
                return []
        actions += ["SPLIT"] if self.remaining > 1 else []
        return actions + (["MERGE"] if any(map(self.merges_with, self.siblings)) else [])

    @property
    def siblings(self) -> list["FulfillmentOrder"]:
        """Return the other fulfillment orders of the same order."""
        return [each for each in self.order.fulfillment_orders if each is not self]

    def merges_with(self, other: "FulfillmentOrder") -> bool:
        """Return whether the two fulfillment orders can be merged."""
        return (
            self.status == other.status
            and self.status in ("OPEN", "SCHEDULED")
            and (self.location, self.fulfill_at) == (other.location, other.fulfill_at)
        )


@dataclass(slots=True, eq=False, kw_only=True)
class Fulfillment:
    """A parcel: units of one fulfillment order that were sent; status SUCCESS or CANCELLED."""

    id: int
    name: str
    fulfillment_order: FulfillmentOrder
    lines: list[FulfillmentLineItem]
    created_at: datetime
    updated_at: datetime
    tracking: Tracking | None = None
    status: str = "SUCCESS"

    @property
    def order(self) -> Order:
        """Return the parcel's order."""
        return self.fulfillment_order.order

    @property
    def location(self) -> Location:
        """Return the location that the parcel was sent from."""
        return self.fulfillment_order.location

    @property
    def total_quantity(self) -> int:
        """Return how many units were sent."""
        return sum(each.quantity for each in self.lines)


def fulfillments_of(order: Order) -> list[Fulfillment]:
    """Return all parcels of an order, oldest first."""
    found = [each for one in order.fulfillment_orders for each in one.fulfillments]
    return sorted(found, key=lambda each: each.id)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
