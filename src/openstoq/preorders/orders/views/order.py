"""A preorder order as callers see it; amounts are decimal strings in the order's currency."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from openstoq.kernel.paging import PageMeta
from openstoq.preorders.offers.model import Sync
from openstoq.preorders.orders.ledger import amounts
from openstoq.preorders.orders.model import (
    PreorderOrder,
    State,
)
from openstoq.preorders.orders.views.fulfillment import held_by_us, sync_view
from openstoq.preorders.orders.views.payments import (
    Amount,
    PaymentsSummary,
    amount_of,
    payments_summary,
)


class BuyerView(BaseModel):
    """The customer who ordered."""

    id: int | None
    name: str | None
    email: str | None
    phone: str | None


class TotalsView(BaseModel):
    """The whole order's money, as Shopify has it."""

    total: Amount
    received: Amount
    refunded: Amount
    outstanding: Amount


class LineView(BaseModel):
    """A preordered line; total, deposit and balance are for the `current` units.

    If the order was cancelled in Shopify, or has no preordered units left, the three amounts stay
    as agreed at checkout.
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


class OrderView(BaseModel):
    """A preorder order; `id` is our id, and the path accepts either that or Shopify's."""

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


def order_view(order: PreorderOrder) -> OrderView:
    """Return the response for an order."""
    held = held_by_us(order)
    return OrderView(
        id=order.id,
        shopify_order_id=order.order_id,
        name=order.facts.name,
        state=order.state,
        test=order.facts.snapshot.test,
        created_at=order.placed_at,
        updated_at=order.updated_at,
        customer=BuyerView(
            id=order.facts.customer_id,
            name=order.facts.customer_name,
            email=order.facts.email,
            phone=order.facts.phone,
        ),
        country=order.facts.country,
        market_id=order.market_id,
        currency=order.currency,
        totals=TotalsView(
            total=amount_of(order, order.facts.total),
            received=amount_of(order, order.facts.received),
            refunded=amount_of(order, order.facts.refunded),
            outstanding=amount_of(order, order.facts.outstanding),
        ),
        payments=payments_summary(order),
        lines=_lines(order),
        offer_ids=list(dict.fromkeys(line.offer_id for line in order.lines)),
        exceeded=order.decisions.exceeded,
        released_at=order.decisions.released_at,
        cancelled_at=order.decisions.cancelled_at,
        cancel_reason=order.decisions.cancel_reason,
        all_held=bool(held) and all(held),
        any_held=any(held),
        tags=list(order.facts.snapshot.tags),
        financial_status=order.facts.snapshot.financial_status,
        fulfillment_status=order.facts.snapshot.fulfillment_status,
        sync=sync_view(order),
    )


def _lines(order: PreorderOrder) -> list[LineView]:
    return [
        LineView(
            id=line.id,
            offer_id=line.offer_id,
            shopify_variant_id=line.variant_id,
            shopify_product_id=line.product_id,
            selling_plan_id=line.plan_id,
            payment=line.payment,
            title=line.title,
            variant_title=line.variant_title,
            sku=line.sku,
            quantity=line.bought,
            current=line.current,
            unfulfilled=line.unfulfilled,
            counted=line.counted,
            unit_price=amount_of(order, line.unit_price),
            total=amount_of(order, line.total),
            deposit=amount_of(order, line.deposit),
            balance=amount_of(order, line.balance),
            exceeded=line.exceeded,
        )
        for line in amounts.left(order)
    ]
