"""The port to a shop's orders: the data that we read, and the changes that we request.

Ids are the platform's own integers, except for mandates, whose ids are text. Amounts are Decimal in
the currency in which the shop sells (the order's `currency`); times are aware UTC.
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
class PointOfSale:
    """The location at which an order was placed in person.

    `sells_online` is true if the location's stock is sold online too, or if that is not known.
    """

    sells_online: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A line of an order.

    `quantity` is the number of units ordered. `current` is the number of units that are left after
    edits, removals and refunds. `unfulfilled` is the number of current units that are still to be
    sent. `total` is the price of all units ordered, after discounts and with taxes.
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
    left_online: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSchedule:
    """A part of an order's price that is due later.

    `balance_due` is the amount of this part that is still to be paid. The platform does not say
    how large the part was before any payment. `due_at` is None if the part is due on fulfillment.
    """

    id: int
    due_at: datetime | None
    completed_at: datetime | None
    balance_due: Decimal

    @property
    def is_waiting(self) -> bool:
        """Return whether any of this schedule's amount is still to be paid."""
        return self.completed_at is None and self.balance_due > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """A payment method that the shopper stored so that it can be charged later.

    `label` may be shown to people, for instance "Visa ending with 4242".
    """

    id: str
    label: str
    usable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A movement of money. `kind` and `status` are the platform's values, in lower case."""

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
    """A reason why a fulfillment order is on hold. `ours` is true if this app placed the hold."""

    id: int
    handle: str | None
    reason: str
    note: str | None
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentLine:
    """Units of an order line in a fulfillment order; `id` is this line's, not the order line's."""

    id: int
    line_id: int
    variant_id: int | None
    total: int
    remaining: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOrder:
    """Lines of an order that are sent together from one place.

    `status` and `actions` (the actions that the platform currently allows) are in lower case.
    Statuses: open, on_hold, scheduled, in_progress, closed, cancelled, incomplete. Actions: hold,
    release_hold, split and more.
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
    """An order as it currently is on the platform.

    `original_total` is the price when the order was placed, `total` the price after edits and
    returns. `received` is the amount paid, `refunded` the amount paid back, `outstanding` the
    amount still to be paid. Statuses are in lower case. `country` is the country to which the order
    is sent, or in which it was placed in person, ISO 3166 alpha-2. `point_of_sale` is None for an
    order that was not placed in person. `by_company` is true for an order that a company
    placed.
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
    point_of_sale: PointOfSale | None = None
    by_company: bool = False

    @property
    def waiting_schedules(self) -> list[PaymentSchedule]:
        """The payment schedules whose amount is not fully paid."""
        return [one for one in self.schedules if one.is_waiting]


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of order ids, each with the time of the order's last update.

    `cursor` resumes after this page; it is None on the last page.
    """

    orders: tuple[tuple[int, datetime], ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStatus:
    """The state of a charge.

    `authenticate` means that only the shopper can complete the charge. `partial` means that the
    charge has ended, but only a part of its amount was paid. `error` is a sentence for people.
    """

    state: Literal["processing", "succeeded", "partial", "failed", "authenticate"]
    error: str | None = None
    transaction_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPart:
    """The amount to be paid back from one payment.

    `before` is the sum that was already paid back from the same payment. It is not part of
    `amount`.
    """

    transaction_id: int
    gateway: str
    amount: Decimal
    before: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Refund:
    """The amount that was paid back, by this call or by an earlier call with the same key."""

    id: int
    amount: Decimal
    transaction_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A group of countries (ISO 3166 alpha-2) to which the shop sells on the same terms."""

    id: int
    name: str
    active: bool
    countries: tuple[str, ...]


class Orders(Protocol):
    """The orders of one shop. Every call may raise a CommerceError.

    Calls that move money take a key: a repeated call with the same key has no further effect and
    returns the same result.
    """

    async def order(self, order_id: int) -> Order | None:
        """Read an order with all its lines; return None if it does not exist."""
        ...

    def orders_updated(
        self, since: datetime, *, after: str | None = None
    ) -> AsyncIterator[OrderPage]:
        """Read the ids of orders updated since `since`, least recently updated first, page by page.

        To resume, pass the cursor of the last page that was read as `after`.
        """
        ...

    async def markets(self, unreadable: MutableMapping[int, str]) -> list[Market]:
        """Read all markets of the shop; add each that cannot be read to `unreadable`, with the reason."""
        ...

    async def tag_order(self, order_id: int, tags: Sequence[str]) -> None:
        """Add tags to an order; tags that it already has are ignored."""
        ...

    async def untag_order(self, order_id: int, tags: Sequence[str]) -> None:
        """Remove tags from an order; tags that it does not have are ignored."""
        ...

    async def hold(
        self,
        fulfillment_order_id: int,
        *,
        handle: str,
        note: str | None,
        lines: Mapping[int, int] | None = None,
    ) -> None:
        """Hold a fulfillment order, or only the units of it that `lines` names.

        `lines` maps the ids of fulfillment lines to numbers of units. To hold only some units, the
        platform splits the fulfillment order. So read the order again afterwards, because ids
        change. It is not an error if this app already placed a hold with the same handle on the
        fulfillment order.
        """
        ...

    async def release_holds(self, fulfillment_order_id: int, hold_ids: Sequence[int]) -> None:
        """Release these holds and no others; holds that no longer exist are ignored."""
        ...

    async def split_fulfillment_order(
        self, fulfillment_order_id: int, lines: Mapping[int, int]
    ) -> None:
        """Move units of a fulfillment order to a new one.

        `lines` maps the ids of fulfillment lines to numbers of units. Read the order again
        afterwards.
        """
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
        """Start charging a payment method; return the reference to pass to `payment_status`.

        The charge is for a whole payment schedule. It can also be for an amount, if the shop's
        subscription to the platform allows that.
        """
        ...

    async def payment_status(self, order_id: int, reference: str) -> PaymentStatus:
        """Read the state of a charge."""
        ...

    async def mark_paid(self, order_id: int) -> None:
        """Mark an order as paid outside the platform; an already paid order stays as it is."""
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
        """Pay money back without changing the order's lines."""
        ...

    async def cancel_order(
        self, order_id: int, *, reason: str, note: str | None, notify: bool, restock: bool
    ) -> None:
        """Request an order's cancellation without a refund; a cancelled order stays as it is.

        `reason` is customer, declined, fraud, inventory, staff or other. The platform cancels the
        order later and reports the cancellation by a webhook.
        """
        ...
