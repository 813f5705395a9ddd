"""Resolvers of fulfillment orders, holds and fulfillments."""

from typing import Any

from graphql import GraphQLError

from shopify_sandbox.admin.connections import connection
from shopify_sandbox.admin.fields import count
from shopify_sandbox.admin.records import Info, Resolver, find, global_id, shop_of
from shopify_sandbox.config import APP_NAME
from shopify_sandbox.ids import gid
from shopify_sandbox.records.catalogue import Variant
from shopify_sandbox.records.fulfillment import (
    FulfillmentHold,
    FulfillmentOrderLineItem,
    Tracking,
)
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Fulfillment, FulfillmentOrder, fulfillments_of

_DISPLAY_REASONS = {"AWAITING_RETURN_ITEMS": "Exchange items awaiting return delivery"}
_DISPLAY_STATUSES = {"SUCCESS": "FULFILLED", "CANCELLED": "CANCELED"}


def _assigned_location(record: FulfillmentOrder, _: Info) -> dict[str, Any]:
    location = record.location
    return {
        "address1": location.address1,
        "city": location.city,
        "country_code": location.country_code,
        "location": location,
        "name": location.name,
        "province": location.province,
        "zip": location.zip,
    }


def _supported_actions(record: FulfillmentOrder, _: Info) -> list[dict[str, Any]]:
    return [{"action": each, "external_url": None} for each in record.supported_actions]


def _display_reason(record: FulfillmentHold, _: Info) -> str:
    return _DISPLAY_REASONS.get(record.reason, record.reason.replace("_", " ").capitalize())


def _held_by_app(record: FulfillmentHold, info: Info) -> dict[str, Any] | None:
    scope = "read_apps"
    if scope not in shop_of(info).config.scopes:
        required = f"`{scope}` access scope."
        raise GraphQLError(
            f"Access denied for heldByApp field. Required access: {required}",
            extensions={
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/access-scopes",
                "requiredAccess": required,
            },
        )
    if record.app_id is None:
        return None
    own = record.held_by_requesting_app
    name = APP_NAME if own else "another-app"
    return {"id": gid("App", record.app_id), "title": name, "handle": name}


def _line(name: str) -> Resolver:
    return lambda record, _: getattr(record.line_item, name)


def _variant(record: FulfillmentOrderLineItem, info: Info) -> Variant | None:
    variant = record.line_item.variant
    return shop_of(info).variants.get(variant.id) if variant else None


def _inventory_item_id(record: FulfillmentOrderLineItem, _: Info) -> str | None:
    variant = record.line_item.variant
    return global_id(variant.inventory_item) if variant else None


def _variant_title(record: FulfillmentOrderLineItem, _: Info) -> str | None:
    return record.line_item.variant.title if record.line_item.variant else None


def _tracking_info(record: Fulfillment, _: Info, first: int | None = None) -> list[Tracking]:
    return [record.tracking][:first] if record.tracking else []


def _fulfillable(line: LineItem, info: Info) -> int:
    # Units on hold do not count, although they are still to be sent.
    return sum(
        part.remaining_quantity
        for each in shop_of(info).fulfillment_orders.values()
        if each.status != "ON_HOLD"
        for part in each.lines
        if part.line_item is line
    )


def _by_id(kind: type[Any]) -> Resolver:
    def resolve(_: Any, info: Info, id: str) -> Any:
        return find(info, id, kind)

    return resolve


QUERIES: dict[str, Resolver] = {
    "QueryRoot.fulfillment": _by_id(Fulfillment),
    "QueryRoot.fulfillmentOrder": _by_id(FulfillmentOrder),
}

FIELDS: dict[str, Resolver] = {
    "Fulfillment.displayStatus": lambda record, _: _DISPLAY_STATUSES[record.status],
    "Fulfillment.fulfillmentLineItems": lambda record, _, **page: connection(record.lines, **page),
    "Fulfillment.fulfillmentOrders": lambda record, _, **page: connection(
        [record.fulfillment_order], **page
    ),
    "Fulfillment.trackingInfo": _tracking_info,
    "FulfillmentHold.displayReason": _display_reason,
    "FulfillmentHold.heldByApp": _held_by_app,
    "FulfillmentOrder.assignedLocation": _assigned_location,
    "FulfillmentOrder.fulfillBy": lambda *_: None,
    "FulfillmentOrder.fulfillmentHolds": lambda record, _: record.holds,
    "FulfillmentOrder.lineItems": lambda record, _, **page: connection(record.lines, **page),
    "FulfillmentOrder.orderId": lambda record, _: global_id(record.order),
    "FulfillmentOrder.orderName": lambda record, _: record.order.name,
    "FulfillmentOrder.orderProcessedAt": lambda record, _: record.order.processed_at,
    "FulfillmentOrder.requestStatus": lambda *_: "UNSUBMITTED",
    "FulfillmentOrder.supportedActions": _supported_actions,
    "FulfillmentOrderLineItem.inventoryItemId": _inventory_item_id,
    "FulfillmentOrderLineItem.productTitle": _line("title"),
    "FulfillmentOrderLineItem.requiresShipping": _line("requires_shipping"),
    "FulfillmentOrderLineItem.sku": _line("sku"),
    "FulfillmentOrderLineItem.variant": _variant,
    "FulfillmentOrderLineItem.variantTitle": _variant_title,
    "FulfillmentOrderLineItem.vendor": _line("vendor"),
    "LineItem.fulfillableQuantity": _fulfillable,
    "Order.fulfillmentOrders": lambda order, _, **page: connection(
        order.fulfillment_orders, **page
    ),
    "Order.fulfillments": lambda order, _, first=None: fulfillments_of(order)[:first],
    "Order.fulfillmentsCount": lambda order, _: count(fulfillments_of(order)),
}
