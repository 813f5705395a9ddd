"""The port to a shop's orders: the data that we read, and the changes that we request.

Ids are the platform's own integers, except for mandates, whose ids are text. Amounts are Decimal
in the currency that the shop sells in (the order's `currency`); times are aware UTC.
"""

from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from openstoq.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCustomer:
    """The customer of an order."""

    id: int
    name: str | None
    email: str | None
    phone: str | None
    locale: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A line of an order.

    `quantity` is the units ordered; `current` is the units left after edits, removals and refunds,
    of which `unfulfilled` are still to be sent. `total` is the price of `quantity` after discounts.
    """

    id: int
    title: str
    variant_title: str | None
    sku: str | None
    variant_id: int | None
    product_id: int | None
    plan_id: int | None
    quantity: int
    current: int
    unfulfilled: int
    unit_price: Decimal
    total: Decimal
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSchedule:
    """A part of an order's price that is due later.

    `total` is the whole part and `balance_due` the rest that is still to be paid. `due_at` is None
    when the part is due on fulfillment.
    """

    id: int
    due_at: datetime | None
    completed_at: datetime | None
    total: Decimal
    balance_due: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """A payment method that the shopper left to be charged later.

    `label` may be shown to people, such as "Visa ending with 4242".
    """

    id: str
    label: str
    usable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A movement of money. `kind` and `status` are the platform's, in lower case."""

    id: int
    kind: str
    status: str
    amount: Decimal
    gateway: str | None
    parent_id: int | None
    processed_at: datetime | None
    error_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A reason why a fulfillment order waits. `ours` is true if this app placed the hold."""

    id: int
    handle: str | None
    reason: str
    note: str | None
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentLine:
    """Units of an order's line within a fulfillment order; `id` is its own, not the line's."""

    id: int
    line_id: int
    variant_id: int | None
    total: int
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOrder:
    """Lines that are sent together from one place.

    `status` and `actions`, those that the platform allows now, are in lower case: open, on_hold,
    scheduled, in_progress, closed, cancelled, incomplete; hold, release_hold, split and more.
    """

    id: int
    status: str
    location: str | None
    fulfill_at: datetime | None
    holds: tuple[Hold, ...]
    lines: tuple[FulfillmentLine, ...]
    actions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the platform has it now.

    `original_total` is the price as it was placed, `total` the price after edits and returns.
    `received` is the amount paid, `refunded` the amount paid back, `outstanding` the amount still
    to be paid. Statuses are in lower case. `country` is the country that the order is sent to, ISO
    3166 alpha-2.
    """

    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    closed_at: datetime | None
    test: bool
    tags: tuple[str, ...]
    email: str | None
    phone: str | None
    locale: str | None
    country: str | None
    currency: str
    financial_status: str | None
    fulfillment_status: str | None
    can_mark_paid: bool
    original_total: Decimal
    total: Decimal
    received: Decimal
    refunded: Decimal
    outstanding: Decimal
    status_url: str | None
    collection_url: str | None
    customer: OrderCustomer | None
    lines: tuple[OrderLine, ...]
    schedules: tuple[PaymentSchedule, ...]
    mandates: tuple[Mandate, ...]
    transactions: tuple[Transaction, ...]
    fulfillment_orders: tuple[FulfillmentOrder, ...]


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Orders by id, each with when it was last updated; `cursor` resumes after them."""

    orders: tuple[tuple[int, datetime], ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStatus:
    """The state of a charge.

    `authenticate` means that only the shopper can finish it. `error` is a sentence for people.
    """

    state: Literal["processing", "succeeded", "failed", "authenticate"]
    error: str | None = None
    transaction_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPart:
    """The amount of one payment that is to be paid back."""

    transaction_id: int
    gateway: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Refund:
    """The amount that was paid back, by this call or an earlier one with the same key."""

    id: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Countries that the shop sells to in the same way, ISO 3166 alpha-2."""

    id: int
    name: str
    active: bool
    countries: tuple[str, ...]


class Orders(Protocol):
    """The orders of one shop. Every call may raise a CommerceError.

    Calls that move money take a key: a repeated call with the same key has no further effect and
    returns the same answer.
    """

    async def order(self, order_id: int) -> Order | None:
        """Read an order with all its lines, or None when it does not exist."""
        ...

    def orders_updated(
        self, since: datetime, *, after: str | None = None
    ) -> AsyncIterator[OrderPage]:
        """Read the ids of updated orders, page by page, least recently updated first."""
        ...

    async def markets(self, unreadable: MutableMapping[int, str]) -> list[Market]:
        """Read every market of the shop; note those that cannot be read in `unreadable`."""
        ...

    async def tag_order(self, order_id: int, tags: Sequence[str]) -> None:
        """Add tags to an order; those it has already do not matter."""
        ...

    async def untag_order(self, order_id: int, tags: Sequence[str]) -> None:
        """Take tags off an order; those it does not have do not matter."""
        ...

    async def hold(
        self,
        fulfillment_order_id: int,
        *,
        handle: str,
        note: str | None,
        lines: Mapping[int, int] | None = None,
    ) -> None:
        """Hold a fulfillment order, or only units of its lines, which splits it.

        `lines` are units by the fulfillment line's id. An existing hold of this app with the same
        handle is not a failure. Read the order again afterwards: ids change.
        """
        ...

    async def release_holds(self, fulfillment_order_id: int, hold_ids: Sequence[int]) -> None:
        """Release these holds, and no others; those that are gone do not matter."""
        ...

    async def split_fulfillment_order(
        self, fulfillment_order_id: int, lines: Mapping[int, int]
    ) -> None:
        """Split units off by the fulfillment line's id. Read the order again afterwards."""
        ...

    async def charge_mandate(
        self,
        order_id: int,
        mandate_id: str,
        *,
        key: str,
        schedule_id: int | None = None,
        amount: Money | None = None,
    ) -> str:
        """Begin to charge a payment method; return the reference to pass to `payment_status`.

        The charge is the whole of a payment schedule, or an amount where the shop's plan allows it.
        """
        ...

    async def payment_status(self, order_id: int, reference: str) -> PaymentStatus:
        """Read the state of a charge."""
        ...

    async def mark_paid(self, order_id: int) -> None:
        """Mark an order as paid by means outside the platform; a paid order stays as it is."""
        ...

    async def refund(
        self,
        order_id: int,
        parts: Sequence[RefundPart],
        *,
        key: str,
        note: str | None,
        notify: bool,
    ) -> Refund:
        """Pay money back, leaving the lines as they are."""
        ...

    async def cancel_order(
        self, order_id: int, *, reason: str, note: str | None, notify: bool, restock: bool
    ) -> None:
        """Request an order's cancellation without a refund; a cancelled order stays as it is.

        `reason` is customer, declined, fraud, inventory, staff or other. The platform cancels in
        its own time and reports it by a webhook.
        """
        ...
