"""A preorder order: Shopify's data, the decisions made here, the lines and the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from openstoq.commerce.orders import FulfillmentOrder, Mandate, Order, PaymentSchedule

State = Literal[
    "placed",
    "awaiting_balance",
    "balance_collected",
    "released",
    "fulfilled",
    "cancelled",
    "refunded",
]
Part = Literal["deposit", "balance"]
PaymentKind = Literal["deposit", "balance", "refund"]
PaymentMode = Literal["checkout", "auto", "manual", "link", "refund"]
PaymentStatus = Literal["pending", "processing", "authenticate", "succeeded", "failed", "void"]
Collect = Literal["manual", "when_due", "when_fulfilled"]

# The statuses of a payment that has not ended.
UNDER_WAY = frozenset({"pending", "processing", "authenticate"})
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A preordered line.

    `ordered` is the number of units bought, `current` the number left in the order. `unfulfilled`
    is how many of the `current` units are still to be sent, `counted` how many of them count
    against limits. `total`, `deposit` and `balance` are the amounts agreed at checkout for
    `ordered` units; `amounts.left` returns the amounts for the units left. `added` is the price of
    the units that an edit added, which are the `current` units beyond `ordered`. `exceeded` is a
    sentence with the limit that the line exceeds, or None.
    """

    id: int
    offer_id: UUID
    variant_id: int
    product_id: int | None
    market_id: int | None
    plan_id: int | None
    payment: Literal["full", "partial"]
    title: str
    variant_title: str | None
    sku: str | None
    ordered: int
    current: int
    unfulfilled: int
    counted: int
    unit_price: Decimal
    total: Decimal
    deposit: Decimal
    balance: Decimal
    exceeded: str | None
    added: Decimal = ZERO

    @property
    def bought(self) -> int:
        """The number of units bought at checkout or added since."""
        return max(self.ordered, self.current)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """An entry of the ledger: money that was received, is being collected, or was refunded.

    For a refund, `part` is the part of the price that is paid back, and `parent_id` is the Shopify
    transaction that is refunded. `returned_before` is the amount of the earlier refunds of that
    transaction, including those under way, when this refund was first handed to Shopify.
    """

    id: UUID
    kind: PaymentKind
    part: Part
    mode: PaymentMode
    amount: Decimal
    currency: str
    status: PaymentStatus
    idempotency_key: str
    created_at: datetime
    reference: str | None = None
    transaction_id: int | None = None
    parent_id: int | None = None
    gateway: str | None = None
    attempts: int = 0
    error: str | None = None
    returned_before: Decimal | None = None
    note: str | None = None
    notify: bool = False
    begun_at: datetime | None = None
    retry_at: datetime | None = None
    settled_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Return whether the entry has succeeded or is still under way."""
        return self.status == "succeeded" or self.status in UNDER_WAY

    @property
    def is_untold(self) -> bool:
        """Return whether a balance was marked as paid here but is not recorded in Shopify yet."""
        return (
            self.kind == "balance"
            and self.mode == "manual"
            and self.status == "succeeded"
            and self.transaction_id is None
        )


@dataclass(frozen=True, slots=True)
class OtherLines:
    """The lines of an order that no offer sold.

    `ordered` maps each line's id to the number of its units at checkout and their price. `removed`
    is the price of units that are no longer in the order. `added` is the price of units that an
    edit added. `deferred` is the amount that another app's plans left to be paid later. `due` and
    `paid` are the parts of `deferred` that belong to payment schedules for other lines only: `due`
    is still to be paid, and `paid` was paid already.
    """

    ordered: Mapping[int, tuple[int, Decimal]]
    removed: Decimal
    added: Decimal
    deferred: Decimal = ZERO
    due: Decimal = ZERO
    paid: Decimal = ZERO


class Snapshot(BaseModel):
    """The data of an order in Shopify that is stored as one JSON document, not in columns.

    The fields that begin with `others` store the OtherLines: the lines that no offer sold.
    """

    test: bool = False
    financial_status: str | None = None
    fulfillment_status: str | None = None
    status_url: str | None = None
    collection_url: str | None = None
    can_mark_paid: bool = False
    has_other_lines: bool = False
    others_removed: Decimal = ZERO
    others_added: Decimal = ZERO
    others_ordered: dict[int, tuple[int, Decimal]] = {}
    others_deferred: Decimal = ZERO
    others_due: Decimal = ZERO
    others_paid: Decimal = ZERO
    tags: tuple[str, ...] = ()
    schedules: tuple[PaymentSchedule, ...] = ()
    mandates: tuple[Mandate, ...] = ()
    fulfillment_orders: tuple[FulfillmentOrder, ...] = ()

    @classmethod
    def of(cls, order: Order, others: OtherLines) -> "Snapshot":
        """Return the snapshot of an order as Shopify has it."""
        return cls(
            test=order.test,
            financial_status=order.financial_status,
            fulfillment_status=order.fulfillment_status,
            status_url=order.status_url,
            collection_url=order.collection_url,
            can_mark_paid=order.can_mark_paid,
            has_other_lines=bool(others.ordered or others.added),
            others_removed=others.removed,
            others_added=others.added,
            others_ordered=dict(others.ordered),
            others_deferred=others.deferred,
            others_due=others.due,
            others_paid=others.paid,
            tags=order.tags,
            schedules=order.schedules,
            mandates=order.mandates,
            fulfillment_orders=order.fulfillment_orders,
        )

    @property
    def document(self) -> dict[str, Any]:
        """The snapshot as the JSON document that is stored."""
        return self.model_dump(mode="json")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopFacts:
    """An order's data in Shopify as of the last reading; each reading replaces all of it.

    `read_at` is the time at which the last reading began.
    """

    name: str
    customer_id: int | None
    customer_name: str | None
    email: str | None
    phone: str | None
    locale: str | None
    country: str | None
    read_at: datetime | None = None
    updated_at: datetime
    cancelled_at: datetime | None
    total: Decimal
    received: Decimal
    refunded: Decimal
    outstanding: Decimal
    snapshot: Snapshot


@dataclass(slots=True, kw_only=True)
class Decisions:
    """The decisions about an order, made by its offers' settings, the merchant or our rules.

    The decisions are synced to Shopify. Each change that has to be synced increases `revision`. If
    `hold_wanted` is None, holds are neither placed nor released.
    """

    collect: Collect
    released_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    exceeded: list[str] = field(default_factory=list)
    hold_wanted: bool | None = None
    held_again_at: datetime | None = None
    split_wanted: bool = False
    tags_wanted: list[str] = field(default_factory=list)
    tags_unwanted: list[str] = field(default_factory=list)
    cancel_wanted: bool = False
    paid_wanted: bool = False
    revision: int = 1


@dataclass(slots=True, kw_only=True)
class Synced:
    """The state of an order's sync: the last revision that Shopify has reached, and the last error.

    Only the runs that sync the order change this state. There is one exception: a new decision
    clears the error.
    """

    revision: int = 0
    error: str | None = None
    cancel_asked_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class PreorderOrder:
    """An order of which an offer sold at least one line; amounts are in `currency`.

    `at_checkout` is the amount of the whole order, other goods included, that was due when the
    order was placed. It is None until Shopify has stated what is due later. After that it never
    changes, because an edit adds nothing to the amount due at checkout.
    """

    order_id: int
    id: UUID
    placed_at: datetime
    market_id: int | None
    currency: str
    facts: ShopFacts
    decisions: Decisions
    synced: Synced = field(default_factory=Synced)
    at_checkout: Decimal | None = None
    deposit: Decimal
    balance: Decimal
    due_at: datetime | None
    state: State
    collected_at: datetime | None
    created_at: datetime
    updated_at: datetime
    lines: tuple[Line, ...] = field(default=())
    payments: tuple[Payment, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Return whether the order was cancelled in Shopify or has no preordered units left."""
        return self.facts.cancelled_at is not None or not any(one.current for one in self.lines)

    def payment(self, payment_id: UUID) -> Payment | None:
        """Return the ledger entry with this id, or None."""
        return next((one for one in self.payments if one.id == payment_id), None)

    @property
    def charge_under_way(self) -> Payment | None:
        """The charge of the balance that is under way, or None."""
        charges = (one for one in self.payments if one.kind == "balance")
        return next((one for one in charges if one.status in UNDER_WAY), None)

    def last_charge(self, mode: PaymentMode | None = None) -> Payment | None:
        """Return the payment of the balance that is under way or, if none is, that ended last.

        With `mode`, payments of other modes are left out. A charge may bring in only a part of its
        amount and fail for the rest. The failed charge and the payment of that part may have ended
        at the same time. The failed charge is returned then.
        """
        charges = (
            one for one in self.payments if one.kind == "balance" and mode in (None, one.mode)
        )
        return max(
            charges,
            key=lambda one: (
                one.status in UNDER_WAY,
                one.settled_at or one.created_at,
                one.status == "failed",
            ),
            default=None,
        )

    @property
    def refund_under_way(self) -> Payment | None:
        """A refund that is under way, or None."""
        refunds = (one for one in self.payments if one.kind == "refund")
        return next((one for one in refunds if one.status in UNDER_WAY), None)

    @property
    def open_schedule(self) -> PaymentSchedule | None:
        """The unpaid payment schedule that is due first, if any."""
        waiting = [one for one in self.facts.snapshot.schedules if one.is_waiting]
        # A schedule without a date is due on fulfillment, and sorts after any date.
        return min(
            waiting,
            key=lambda one: (one.due_at is None, one.due_at or self.placed_at),
            default=None,
        )

    @property
    def mandate(self) -> Mandate | None:
        """The customer's saved payment method that can be charged, or None."""
        return next((one for one in self.facts.snapshot.mandates if one.usable), None)


# The prefix of our holds' handles in Shopify.
HANDLE = "openstoq"
OVER_LIMIT_TAG = "preorder-over-limit"
