"""A preorder order as callers see it; amounts are decimal strings in the order's currency."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, PlainSerializer

from openstoq.kernel.paging import PageMeta
from openstoq.preorders.offers.model import Sync
from openstoq.preorders.orders.model import (
    Collect,
    Part,
    PaymentKind,
    PaymentMode,
    PaymentStatus,
    State,
)

Amount = Annotated[Decimal, PlainSerializer(str, return_type=str)]
PartStatus = Literal[
    "none", "outstanding", "pending", "processing", "authenticate", "paid", "refunded", "void"
]


class BuyerView(BaseModel):
    """Who ordered."""

    id: int | None
    name: str | None
    email: str | None
    phone: str | None


class TotalsView(BaseModel):
    """The whole order's money, as the shop has it."""

    total: Amount
    received: Amount
    refunded: Amount
    outstanding: Amount


class LineView(BaseModel):
    """A preordered line; total, deposit and balance are for the `current` units.

    Of an order that was cancelled, or of which nothing is left, they stay as they were agreed.
    """

    id: int
    offer_id: UUID
    shopify_variant_id: int
    shopify_product_id: int | None
    selling_plan_id: int | None
    payment: Literal["full", "partial"]
    title: str
    variant_title: str | None
    sku: str | None
    quantity: int
    current: int
    unfulfilled: int
    counted: int
    unit_price: Amount
    total: Amount
    deposit: Amount
    balance: Amount
    exceeded: str | None


class PartView(BaseModel):
    """The deposit or the balance; the deposit is what was due at checkout, edits do not lower it."""

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
    """How the money of a preorder stands."""

    currency: str
    deposit: PartView
    balance: BalanceView
    total_outstanding: Amount
    refunded: Amount
    charged_at: datetime | None
    has_payment_method: bool
    collection_url: str | None


class PaymentsView(PaymentsSummary):
    """How the money of a preorder stands, with every entry of the ledger."""

    ledger: list[EntryView]


class OrderView(BaseModel):
    """A preorder order; `id` is ours, and the path takes either id."""

    id: UUID
    shopify_order_id: int
    name: str
    state: State
    test: bool
    created_at: datetime
    updated_at: datetime
    customer: BuyerView
    country: str | None
    market_id: int | None
    currency: str
    totals: TotalsView
    payments: PaymentsSummary
    lines: list[LineView]
    offer_ids: list[UUID]
    exceeded: list[str]
    released_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    all_held: bool
    any_held: bool
    tags: list[str]
    financial_status: str | None
    fulfillment_status: str | None
    sync: Sync


class OrderPage(BaseModel):
    """A page of orders, the newest first."""

    orders: list[OrderView]
    meta: PageMeta


class HoldView(BaseModel):
    """Why a fulfillment order waits, and whether we or somebody else said so."""

    id: int
    handle: str | None
    reason: str
    reason_note: str | None
    held_by_us: bool


class FulfillmentLineView(BaseModel):
    """Units of a line within a fulfillment order."""

    line_id: int
    shopify_variant_id: int | None
    quantity: int
    remaining: int
    is_preorder: bool


class FulfillmentOrderView(BaseModel):
    """Lines that are sent together."""

    id: int
    status: str
    location: str | None
    fulfill_at: datetime | None
    held: bool
    holds: list[HoldView]
    lines: list[FulfillmentLineView]


class FulfillmentView(BaseModel):
    """An order's fulfillment orders, who holds them, and whether all or any are held.

    all_held and any_held are about those that have preordered items left to send.
    """

    all_held: bool
    any_held: bool
    hold_reason_note: str | None
    released_at: datetime | None
    fulfillment_orders: list[FulfillmentOrderView]
    sync: Sync
