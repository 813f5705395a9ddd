"""Resolvers of orders, customers and markets, and the queries that find them."""

import operator
from typing import Any

from shopify_sandbox.admin.connections import Connection, SortValue, connection
from shopify_sandbox.admin.money_fields import money_bag
from shopify_sandbox.admin.records import Info, Resolver, find, shop_of
from shopify_sandbox.admin.search import predicate
from shopify_sandbox.ids import gid
from shopify_sandbox.records.customers import Customer
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.markets import Market
from shopify_sandbox.records.orders import Order
from shopify_sandbox.webhooks import order_payloads

_ORDER_SORTS: dict[str, SortValue] = {
    "CREATED_AT": operator.attrgetter("created_at"),
    "ID": operator.attrgetter("id"),
    "ORDER_NUMBER": operator.attrgetter("number"),
    "PROCESSED_AT": operator.attrgetter("processed_at"),
    "UPDATED_AT": operator.attrgetter("updated_at"),
}


def plain_list(records: list[Any], first: int | None = None) -> list[Any]:
    """Return the first `first` records of a list that is not a connection; None means all."""
    return records[:first]


def _attributes(pairs: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in pairs.items()]


def _address(order: Order, _: Info) -> dict[str, Any] | None:
    if order.country is None:
        return None
    customer = order.customer
    names = [customer.first_name, customer.last_name] if customer else []
    return {
        "id": gid("MailingAddress", order.id + 1),
        "country_code_v2": order.country,
        "province_code": None,
        "first_name": names[0] if names else None,
        "last_name": names[1] if names else None,
        "name": " ".join(each for each in names if each) or None,
        "phone": order.phone,
    }


def _selling_plan(line: LineItem, _: Info) -> dict[str, Any] | None:
    if line.selling_plan_id is None:
        return None
    return {
        "name": line.selling_plan_name,
        "selling_plan_id": gid("SellingPlan", line.selling_plan_id),
    }


def _allocations(line: LineItem, _: Info) -> list[dict[str, Any]]:
    if not line.discount:
        return []
    return [{"allocated_amount_set": money_bag(line.bag(line.discount))}]


def _display_name(customer: Customer, _: Info) -> str:
    names = [each for each in (customer.first_name, customer.last_name) if each]
    return " ".join(names) or customer.email or customer.phone or ""


def _orders(_: Any, info: Info, sort_key: str, query: str | None = None, **page: Any) -> Connection:
    wanted = filter(predicate(query, "orders"), shop_of(info).orders.values())
    return connection(wanted, sort_value=_ORDER_SORTS[sort_key], **page)


def _markets(
    _: Any, info: Info, sort_key: str, query: str | None = None, **page: Any
) -> Connection:
    wanted = filter(predicate(query, "markets"), shop_of(info).markets.values())
    return connection(wanted, sort_value=operator.attrgetter(sort_key.lower()), **page)


def _one(kind: type[Any]) -> Resolver:
    def resolve(_: Any, info: Info, id: str) -> Any:
        return find(info, id, kind)

    return resolve


FIELDS: dict[str, Resolver] = {
    "QueryRoot.customer": _one(Customer),
    "QueryRoot.market": _one(Market),
    "QueryRoot.markets": _markets,
    "QueryRoot.order": _one(Order),
    "QueryRoot.orders": _orders,
    "Customer.defaultEmailAddress": lambda customer, _: (
        {"email_address": customer.email} if customer.email else None
    ),
    "Customer.defaultPhoneNumber": lambda customer, _: (
        {"phone_number": customer.phone} if customer.phone else None
    ),
    "Customer.displayName": _display_name,
    "LineItem.customAttributes": lambda line, _: _attributes(line.properties),
    "LineItem.discountAllocations": _allocations,
    "LineItem.product": lambda line, info: (
        line.variant and shop_of(info).products.get(line.variant.product.id)
    ),
    "LineItem.refundableQuantity": lambda line, _: line.current_quantity,
    "LineItem.sellingPlan": _selling_plan,
    "LineItem.variant": lambda line, info: (
        line.variant and shop_of(info).variants.get(line.variant.id)
    ),
    "Market.conditions": lambda market, _: {"regions_condition": market},
    "Market.status": lambda market, _: "ACTIVE" if market.enabled else "DRAFT",
    "Market.type": lambda *_: "REGION",
    "Order.capturable": lambda order, _: order.authorized > 0,
    "Order.closed": lambda order, _: order.closed_at is not None,
    "Order.customAttributes": lambda order, _: _attributes(order.custom_attributes),
    "Order.customerLocale": lambda order, _: order.locale,
    "Order.displayFinancialStatus": lambda order, _: order.financial_status,
    "Order.displayFulfillmentStatus": lambda order, _: order.fulfillment_status,
    "Order.fullyPaid": lambda order, _: not order.outstanding,
    "Order.lineItems": lambda order, _, **page: connection(order.lines, **page),
    "Order.paymentGatewayNames": lambda order, _: order_payloads.gateways(order),
    "Order.refunds": lambda order, _, first=None: plain_list(order.refunds, first),
    "Order.shippingAddress": _address,
    "Order.statusPageUrl": lambda order, info: shop_of(info).order_url(order),
    "Order.transactions": lambda order, _, first=None: plain_list(order.transactions, first),
    "Order.unpaid": lambda order, _: not order.received,
    "RegionsCondition.regions": lambda market, _, **page: connection(market.regions, **page),
}
