"""The bodies of webhooks about what was sent."""

from typing import Any

from openstoq.kernel.ids import gid
from openstoq.sandbox import order_payloads
from openstoq.sandbox.orders import Order
from openstoq.sandbox.parcels import Fulfillment, Tracking
from openstoq.sandbox.payloads import local
from openstoq.sandbox.shop import Payload, Shop


def parcel(shop: Shop, record: Fulfillment) -> Payload:
    """Write what fulfillments/create and fulfillments/update carry."""
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
        "destination": _destination(record.order),
        "line_items": [
            {**order_payloads.line(each.line_item), "quantity": each.quantity}
            for each in record.lines
        ],
        "tracking_number": tracking.number,
        "tracking_numbers": [tracking.number] if tracking.number else [],
        "tracking_url": tracking.url,
        "tracking_urls": [tracking.url] if tracking.url else [],
        "receipt": {},
        "name": record.name,
        "admin_graphql_api_id": gid("Fulfillment", record.id),
    }


def _destination(order: Order) -> dict[str, Any] | None:
    if order.country is None:
        return None
    customer = order.customer
    return {
        "first_name": customer.first_name if customer else None,
        "last_name": customer.last_name if customer else None,
        "phone": order.phone,
        "country_code": order.country,
    }
