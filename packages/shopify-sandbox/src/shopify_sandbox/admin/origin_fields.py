"""Resolvers of an order's origin: its channel, its point of sale, and its company."""

from typing import Any

from shopify_sandbox.admin.records import Info, Resolver
from shopify_sandbox.ids import gid
from shopify_sandbox.records.orders import Order


def _purchasing_entity(order: Order, _: Info) -> Any:
    company = order.origin.company
    if company is None:
        return order.customer
    location = {
        "id": gid("CompanyLocation", company.location_id),
        "name": company.location_name,
    }
    return {
        "__typename": "PurchasingCompany",
        "company": {"id": gid("Company", company.id), "name": company.name},
        "location": location,
    }


FIELDS: dict[str, Resolver] = {
    "Order.purchasingEntity": _purchasing_entity,
    "Order.retailLocation": lambda order, _: order.origin.location,
    "Order.sourceName": lambda order, _: order.origin.source_name,
}
