"""Views of orders, charges and markets in the control API."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from shopify_sandbox.clock import rfc3339
from shopify_sandbox.money import Money
from shopify_sandbox.records.charges import Charge
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.markets import Market
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import Mandate, PaymentSchedule, Transaction
from shopify_sandbox.shop import Shop


def order_view(shop: Shop, record: Order) -> dict[str, Any]:
    """Show an order with its lines, its money and its fulfillment orders."""
    amounts = (
        "total",
        "current_total",
        "tax",
        "current_tax",
        "received",
        "refunded",
        "outstanding",
        "authorized",
        "shipping",
        "current_shipping",
    )
    customer = record.customer
    return {
        "id": record.id,
        "name": record.name,
        "status_url": shop.order_url(record),
        "collection_url": f"{shop.order_url(record)}/pay" if record.payable else None,
        "currency": record.currency,
        "shop_currency": record.exchange.shop,
        "rate": str(record.exchange.rate),
        **{name: _text(record.currency, getattr(record, name)) for name in amounts},
        "taxes_included": record.taxes_included,
        "financial_status": record.financial_status,
        "fulfillment_status": record.fulfillment_status,
        "cancelled_at": _moment(record.cancelled_at),
        "cancel_reason": record.cancel_reason,
        "created_at": _moment(record.created_at),
        "updated_at": _moment(record.updated_at),
        "customer_id": customer.id if customer else None,
        "email": record.email,
        "country": record.country,
        "source_name": record.origin.source_name,
        "tags": record.tags,
        "lines": [_line_view(each) for each in record.lines],
        "schedules": [
            _schedule_view(record.currency, each)
            for each in (record.payment_terms.schedules if record.payment_terms else ())
        ],
        "cards": [_card_view(each) for each in record.mandates],
        "transactions": [_transaction_view(record.currency, each) for each in record.transactions],
        "refunds": [
            {"id": each.id, "amount": _text(record.currency, each.total), "note": each.note}
            for each in record.refunds
        ],
        "fulfillment_orders": [
            {"id": each.id, "status": each.status} for each in record.fulfillment_orders
        ],
    }


def charge_view(record: Charge) -> dict[str, Any]:
    """Show a charge of a shopper's saved card."""
    return {
        "reference": record.reference,
        "order_id": record.order.id,
        "key": record.key,
        "card": record.mandate.card,
        "schedule_id": record.schedule.id if record.schedule else None,
        "amount": _text(record.order.currency, record.amount),
        "status": record.status,
        "error": record.error,
        "transaction_ids": [each.id for each in record.transactions],
    }


def market_view(record: Market) -> dict[str, Any]:
    """Show a market with its countries."""
    return {
        "id": record.id,
        "name": record.name,
        "enabled": record.enabled,
        "countries": [each.code for each in record.regions],
    }


def _line_view(record: LineItem) -> dict[str, Any]:
    return {
        "id": record.id,
        "variant_id": record.variant.id if record.variant else None,
        "title": record.title,
        "plan_id": record.selling_plan_id,
        "quantity": record.quantity,
        "current_quantity": record.current_quantity,
        "fulfilled_quantity": record.fulfilled_quantity,
        "unit_price": _text(record.currency, record.unit_price),
        "discount": _text(record.currency, record.discount),
        "total": _text(record.currency, record.total),
        "tax": _text(record.currency, record.tax(record.quantity)),
        "due_at_checkout": _text(record.currency, record.due_at_checkout),
        "properties": record.properties,
    }


def _schedule_view(currency: str, record: PaymentSchedule) -> dict[str, Any]:
    return {
        "id": record.id,
        "due_at": _moment(record.due_at),
        "completed_at": _moment(record.completed_at),
        "total": _text(currency, record.total),
        "balance": _text(currency, record.balance),
        "line_ids": [each.id for each in record.lines],
    }


def _card_view(record: Mandate) -> dict[str, Any]:
    return {"id": record.id, "card": record.card, "last_digits": record.last_digits}


def _transaction_view(currency: str, record: Transaction) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": record.kind,
        "status": record.status,
        "amount": _text(currency, record.amount),
        "shop_amount": str(record.bag(record.amount).shop),
        "gateway": record.gateway,
        "error_code": record.error_code,
        "parent_id": record.parent.id if record.parent else None,
    }


def _text(currency: str, amount: Decimal) -> str:
    return str(Money(amount, currency))


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
