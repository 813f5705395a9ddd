"""The context of resolvers, and the schema's names for types, ids, namespaces and topics."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo

from shopify_sandbox.admin.idempotency import Replays
from shopify_sandbox.config import APP_ID
from shopify_sandbox.ids import gid
from shopify_sandbox.records.catalogue import InventoryItem, Level, Location, Product, Variant
from shopify_sandbox.records.customers import Customer
from shopify_sandbox.records.fulfillment import (
    FulfillmentHold,
    FulfillmentLineItem,
    FulfillmentOrderLineItem,
)
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.markets import Market, Region
from shopify_sandbox.records.metafields import Metafield
from shopify_sandbox.records.orders import Fulfillment, FulfillmentOrder, Order
from shopify_sandbox.records.payments import Mandate, PaymentSchedule, PaymentTerms, Transaction
from shopify_sandbox.records.plans import Collection, SellingPlan, SellingPlanGroup
from shopify_sandbox.records.refunds import Refund, RefundLine
from shopify_sandbox.records.subscriptions import Subscription
from shopify_sandbox.shop import Shop


@dataclass(slots=True)
class Context:
    """The shop that resolvers work on, and the state that its requests share.

    An operation sets `lost_answer` if it was executed and its response must be lost on the way.
    """

    shop: Shop
    replays: Replays
    allow_http: bool
    lost_answer: bool = False


Info: TypeAlias = GraphQLResolveInfo[Context]
Resolver = Callable[..., Any]

APP_NAMESPACE = f"app--{APP_ID}"

# The schema's name of each record, for interfaces and for global ids.
KINDS: dict[type[Any], str] = {
    Customer: "Customer",
    InventoryItem: "InventoryItem",
    Level: "InventoryLevel",
    LineItem: "LineItem",
    Location: "Location",
    Mandate: "PaymentMandate",
    Market: "Market",
    Metafield: "Metafield",
    Order: "Order",
    PaymentSchedule: "PaymentSchedule",
    PaymentTerms: "PaymentTerms",
    Product: "Product",
    Refund: "Refund",
    RefundLine: "RefundLineItem",
    Region: "MarketRegionCountry",
    SellingPlan: "SellingPlan",
    SellingPlanGroup: "SellingPlanGroup",
    Collection: "Collection",
    Fulfillment: "Fulfillment",
    FulfillmentHold: "FulfillmentHold",
    FulfillmentLineItem: "FulfillmentLineItem",
    FulfillmentOrder: "FulfillmentOrder",
    FulfillmentOrderLineItem: "FulfillmentOrderLineItem",
    Shop: "Shop",
    Subscription: "WebhookSubscription",
    Transaction: "OrderTransaction",
    Variant: "ProductVariant",
}


def shop_of(info: Info) -> Shop:
    """Return the shop that the request is for."""
    return info.context.shop


def global_id(record: Any) -> str:
    """Return the global id of a record."""
    return record.gid if isinstance(record, Level) else gid(KINDS[type(record)], record.id)


def find(info: Info, id: str, kind: type[Any] | None = None) -> Any:
    """Return the record with this global id, or None if there is none of that kind.

    Raises GraphQLError when the id is not a global id at all.
    """
    try:
        record = shop_of(info).find(id)
    except ValueError:
        raise GraphQLError(
            f"Invalid global id '{id}'", extensions={"code": "argumentLiteralsIncompatible"}
        ) from None
    return record if kind is None or isinstance(record, kind) else None


def topic_name(topic: str) -> str:
    """Return the enum value of a topic such as inventory_levels/update."""
    return topic.upper().replace("/", "_")


def own_namespace(namespace: str | None) -> str:
    """Return a namespace's full name.

    `$app`, or no name at all, means the app's own namespace. `$app:notes` means the app's namespace
    for `notes`.
    """
    if not namespace or namespace == "$app":
        return APP_NAMESPACE
    if namespace.startswith("$app:"):
        return f"{APP_NAMESPACE}--{namespace.removeprefix('$app:')}"
    return namespace
