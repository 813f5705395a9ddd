"""The bodies of webhooks about orders.

As at Shopify, they do not tell the selling plan of a line.
"""

from typing import Any

from shopify_sandbox.ids import gid
from shopify_sandbox.records.customers import Customer
from shopify_sandbox.records.fulfillment import Tracking
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Fulfillment, Order, fulfillments_of
from shopify_sandbox.records.refunds import Refund, RefundShipping
from shopify_sandbox.records.taxes import ZERO
from shopify_sandbox.shop import Payload, Shop
from shopify_sandbox.webhooks.catalogue_payloads import local
from shopify_sandbox.webhooks.payment_payloads import (
    money_set,
    price,
    taxes,
    terms,
    transaction,
)

FULFILLMENT_STATUSES = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}


def order(shop: Shop, record: Order) -> Payload:
    """Return an order as the body of orders/create, orders/updated and similar topics."""
    shipping = record.total_bag("shipping")
    return {
        "id": record.id,
        "admin_graphql_api_id": gid("Order", record.id),
        "app_id": None,
        "browser_ip": None,
        "buyer_accepts_marketing": False,
        "cancel_reason": record.cancel_reason.lower() if record.cancel_reason else None,
        "cancelled_at": local(shop, record.cancelled_at),
        "cart_token": None,
        "checkout_token": None,
        "closed_at": local(shop, record.closed_at),
        "confirmed": True,
        "contact_email": record.email,
        "created_at": local(shop, record.created_at),
        "currency": record.exchange.shop,
        "current_shipping_price_set": money_set(record.total_bag("current_shipping")),
        **price("current_subtotal_price", record.total_bag("current_subtotal")),
        **price("current_total_discounts", record.total_bag("current_discounts")),
        **price("current_total_price", record.total_bag("current_total")),
        **price("current_total_tax", record.total_bag("current_tax")),
        "customer_locale": record.locale,
        "discount_codes": [],
        "email": record.email,
        "financial_status": record.financial_status.lower(),
        "fulfillment_status": FULFILLMENT_STATUSES.get(record.fulfillment_status),
        "name": record.name,
        "note": record.note,
        "note_attributes": _pairs(record.custom_attributes),
        "number": record.number - 1000,
        "order_number": record.number,
        "order_status_url": shop.order_url(record),
        "payment_gateway_names": gateways(record),
        "phone": record.phone,
        "presentment_currency": record.currency,
        "processed_at": local(shop, record.processed_at),
        "source_name": record.origin.source_name,
        "location_id": record.origin.location.id if record.origin.location else None,
        "company": _company(record),
        **price("subtotal_price", record.total_bag("subtotal")),
        "tags": ", ".join(record.tags),
        "tax_exempt": False,
        "tax_lines": taxes(record, record.taxes),
        "taxes_included": record.taxes_included,
        "test": record.test,
        "token": record.token,
        **price("total_discounts", record.total_bag("discounts")),
        **price(
            "total_line_items_price",
            record.total_bag("subtotal") + record.total_bag("discounts"),
        ),
        "total_outstanding": str(record.total_bag("outstanding").shop),
        **price("total_price", record.total_bag("total")),
        "total_shipping_price_set": money_set(shipping),
        **price("total_tax", record.total_bag("tax")),
        "total_weight": 0,
        "updated_at": local(shop, record.updated_at),
        "customer": _customer(shop, record.customer) if record.customer else None,
        "billing_address": _address(record),
        "shipping_address": _address(record),
        "discount_applications": [],
        "fulfillments": [parcel(shop, each) for each in fulfillments_of(record)],
        "line_items": [line(each) for each in record.lines],
        "payment_terms": terms(shop, record, record.payment_terms)
        if record.payment_terms
        else None,
        "refunds": [refund(shop, record, each) for each in record.refunds],
        "shipping_lines": [shipping_line(record)] if record.shipping else [],
    }


def line(record: LineItem) -> Payload:
    """Return a line as the bodies of orders, parcels and refunds contain it."""
    variant = record.variant
    return {
        "id": record.id,
        "admin_graphql_api_id": gid("LineItem", record.id),
        "attributed_staffs": [],
        "current_quantity": record.current_quantity,
        "fulfillable_quantity": record.unfulfilled_quantity,
        "fulfillment_service": "manual",
        "fulfillment_status": _sent(record),
        "gift_card": False,
        "grams": 0,
        "name": variant.display_name if variant else record.title,
        **price("price", record.bag(record.unit_price)),
        "product_exists": variant is not None,
        "product_id": variant.product.id if variant else None,
        "properties": _pairs(record.properties),
        "quantity": record.quantity,
        "requires_shipping": record.requires_shipping,
        "sku": record.sku,
        "taxable": record.taxable,
        "title": record.title,
        **price("total_discount", record.bag(record.discount)),
        "variant_id": variant.id if variant else None,
        "variant_inventory_management": "shopify"
        if variant and variant.inventory_item.tracked
        else None,
        "variant_title": variant.title if variant else None,
        "vendor": record.vendor,
        "tax_lines": taxes(record, record.taxes(record.quantity)),
        "duties": [],
        "discount_allocations": [],
    }


def parcel(shop: Shop, record: Fulfillment) -> Payload:
    """Return a parcel as the body of fulfillments/create and fulfillments/update."""
    tracking = record.tracking or Tracking()
    return {
        "id": record.id,
        "order_id": record.order.id,
        "status": record.status.lower(),
        "created_at": local(shop, record.created_at),
        "service": "manual",
        "updated_at": local(shop, record.updated_at),
        "tracking_company": tracking.company,
        "shipment_status": None,
        "location_id": record.location.id,
        "origin_address": None,
        "email": record.order.email,
        "destination": _address(record.order),
        "line_items": [
            {**line(each.line_item), "quantity": each.quantity} for each in record.lines
        ],
        "tracking_number": tracking.number,
        "tracking_numbers": [tracking.number] if tracking.number else [],
        "tracking_url": tracking.url,
        "tracking_urls": [tracking.url] if tracking.url else [],
        "receipt": {},
        "name": record.name,
        "admin_graphql_api_id": gid("Fulfillment", record.id),
    }


def refund(shop: Shop, about: Order, record: Refund) -> Payload:
    """Return a refund, with its lines and transactions, as the body of refunds/create."""
    return {
        "id": record.id,
        "order_id": about.id,
        "created_at": local(shop, record.created_at),
        "note": record.note,
        "user_id": None,
        "processed_at": local(shop, record.created_at),
        "duties": [],
        "total_duties_set": money_set(about.bag(ZERO)),
        "return": None,
        "refund_shipping_lines": [_refunded_shipping(about, record.shipping)]
        if record.shipping
        else [],
        "restock": any(each.restock_type != "NO_RESTOCK" for each in record.lines),
        "admin_graphql_api_id": gid("Refund", record.id),
        "order_adjustments": [_adjustment(about, record)] if record.discrepancy else [],
        "refund_line_items": [
            {
                "id": each.id,
                "quantity": each.quantity,
                "line_item_id": each.line.id,
                "location_id": None,
                "restock_type": each.restock_type.lower(),
                "subtotal": float(about.bag(each.subtotal).shop.amount),
                "total_tax": float(about.bag(each.tax).shop.amount),
                "subtotal_set": money_set(about.bag(each.subtotal)),
                "total_tax_set": money_set(about.bag(each.tax)),
                "line_item": line(each.line),
            }
            for each in record.lines
        ],
        "transactions": [transaction(shop, about, each) for each in record.transactions],
    }


def edit(
    shop: Shop, about: Order, added: dict[LineItem, int], removed: dict[LineItem, int]
) -> Payload:
    """Return the body of orders/edited, which contains only the changes."""
    moment = local(shop, about.updated_at)
    return {
        "order_edit": {
            "id": next(shop.ids),
            "app_id": None,
            "created_at": moment,
            "committed_at": moment,
            "notify_customer": False,
            "order_id": about.id,
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": _deltas(added),
                "removals": _deltas(removed),
            },
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
        }
    }


def _deltas(changed: dict[LineItem, int]) -> list[Payload]:
    return [{"id": each.id, "delta": units} for each, units in changed.items()]


def gateways(record: Order) -> list[str]:
    """Return the gateways of an order's transactions, each once."""
    return list(dict.fromkeys(each.gateway for each in record.transactions))


def shipping_line(record: Order) -> Payload:
    """Return the shipping of an order as the bodies of orders contain it."""
    prices = record.bag(record.shipping)
    return {
        "id": record.id + 2,
        "carrier_identifier": None,
        "code": "Standard",
        "current_discounted_price_set": money_set(record.bag(record.current_shipping)),
        **price("discounted_price", prices),
        "is_removed": False,
        "phone": None,
        **price("price", prices),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": "Standard",
        "tax_lines": taxes(record, record.shipping_taxes(record.shipping)),
        "discount_allocations": [],
    }


def _refunded_shipping(about: Order, part: RefundShipping) -> Payload:
    return {
        "id": part.id,
        "shipping_line": shipping_line(about),
        "subtotal_amount_set": money_set(about.bag(part.subtotal)),
        "tax_amount_set": money_set(about.bag(part.tax)),
    }


def _adjustment(about: Order, record: Refund) -> Payload:
    return {
        "id": record.id + 1,
        "order_id": about.id,
        "refund_id": record.id,
        "kind": "refund_discrepancy",
        "reason": "Refund discrepancy",
        **price("amount", about.bag(-record.discrepancy)),
        **price("tax_amount", about.bag(ZERO)),
    }


def _sent(record: LineItem) -> str | None:
    if not record.fulfilled_quantity:
        return None
    return "partial" if record.unfulfilled_quantity else "fulfilled"


def _customer(shop: Shop, record: Customer) -> Payload:
    return {
        "id": record.id,
        "created_at": local(shop, record.created_at),
        "updated_at": local(shop, record.updated_at),
        "first_name": record.first_name,
        "last_name": record.last_name,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "tax_exempt": False,
        "email": record.email,
        "phone": record.phone,
        "currency": shop.config.currency,
        "admin_graphql_api_id": gid("Customer", record.id),
    }


def _address(record: Order) -> dict[str, Any] | None:
    if record.country is None:
        return None
    customer = record.customer
    return {
        "first_name": customer.first_name if customer else None,
        "last_name": customer.last_name if customer else None,
        "phone": record.phone,
        "country_code": record.country,
        "province_code": None,
    }


def _company(record: Order) -> Payload | None:
    company = record.origin.company
    return {"id": company.id, "location_id": company.location_id} if company else None


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
