"""Resolvers of the root fields of queries."""

import operator
from typing import Any

from shopify_sandbox.admin.connections import Connection, SortValue, connection
from shopify_sandbox.admin.fields import VARIANT_SORTS, api_version, count
from shopify_sandbox.admin.records import Info, Resolver, find, shop_of, topic_name
from shopify_sandbox.admin.search import predicate
from shopify_sandbox.config import APP_ID, APP_NAME
from shopify_sandbox.ids import gid
from shopify_sandbox.records.catalogue import InventoryItem, Level, Location, Product, Variant
from shopify_sandbox.records.plans import Collection, SellingPlanGroup
from shopify_sandbox.records.subscriptions import Subscription

_PRODUCT_SORTS: dict[str, SortValue] = {
    name: operator.attrgetter(name.lower()) for name in ("CREATED_AT", "ID", "TITLE", "UPDATED_AT")
}


def _one(kind: type[Any]) -> Resolver:
    def resolve(_: Any, info: Info, id: str | None = None) -> Any:
        if id is None:
            return next(iter(shop_of(info).locations.values()), None)
        return find(info, id, kind)

    return resolve


def _node(_: Any, info: Info, id: str) -> Any:
    return find(info, id)


def _nodes(_: Any, info: Info, ids: list[str]) -> list[Any]:
    return [find(info, each) for each in ids]


def _products(
    _: Any, info: Info, sort_key: str, query: str | None = None, **page: Any
) -> Connection:
    wanted = filter(predicate(query, "products"), shop_of(info).products.values())
    return connection(wanted, sort_value=_PRODUCT_SORTS[sort_key], **page)


def _product_variants(
    _: Any, info: Info, sort_key: str, query: str | None = None, **page: Any
) -> Connection:
    wanted = filter(predicate(query, "productVariants"), shop_of(info).variants.values())
    return connection(wanted, sort_value=VARIANT_SORTS[sort_key], **page)


def _inventory_items(_: Any, info: Info, query: str | None = None, **page: Any) -> Connection:
    wanted = filter(predicate(query, "inventoryItems"), shop_of(info).items.values())
    return connection(wanted, **page)


def _products_count(_: Any, info: Info, query: str | None = None) -> dict[str, Any]:
    return count(filter(predicate(query, "products"), shop_of(info).products.values()))


def _variants_count(_: Any, info: Info, query: str | None = None) -> dict[str, Any]:
    return count(filter(predicate(query, "productVariants"), shop_of(info).variants.values()))


def _locations(
    _: Any, info: Info, sort_key: str, include_inactive: bool, **page: Any
) -> Connection:
    wanted = [
        each for each in shop_of(info).locations.values() if each.is_active or include_inactive
    ]
    return connection(wanted, sort_value=operator.attrgetter(sort_key.lower()), **page)


def _subscriptions(
    _: Any,
    info: Info,
    sort_key: str,
    topics: list[str] | None = None,
    uri: str | None = None,
    **page: Any,
) -> Connection:
    wanted = [
        each
        for each in shop_of(info).subscriptions.values()
        if (topics is None or topic_name(each.topic) in topics) and uri in (None, each.uri)
    ]
    return connection(wanted, sort_value=operator.attrgetter(sort_key.lower()), **page)


def _plan_groups(_: Any, info: Info, query: str | None = None, **page: Any) -> Connection:
    wanted = filter(predicate(query, "sellingPlanGroups"), shop_of(info).plan_groups.values())
    return connection(wanted, **page)


def _collections(
    _: Any, info: Info, sort_key: str, query: str | None = None, **page: Any
) -> Connection:
    wanted = filter(predicate(query, "collections"), shop_of(info).collections.values())
    return connection(wanted, sort_value=operator.attrgetter(sort_key.lower()), **page)


def _installation(_: Any, info: Info) -> dict[str, Any]:
    shop = shop_of(info)
    return {
        "id": gid("AppInstallation", shop.id + 1),
        "app": {"id": gid("App", APP_ID), "title": APP_NAME, "handle": APP_NAME},
        "access_scopes": [{"handle": each, "description": each} for each in shop.config.scopes],
        "active_subscriptions": [],
    }


QUERIES: dict[str, Resolver] = {
    "QueryRoot.currentAppInstallation": _installation,
    "QueryRoot.inventoryItem": _one(InventoryItem),
    "QueryRoot.inventoryItems": _inventory_items,
    "QueryRoot.inventoryLevel": _one(Level),
    "QueryRoot.location": _one(Location),
    "QueryRoot.locations": _locations,
    "QueryRoot.node": _node,
    "QueryRoot.nodes": _nodes,
    "QueryRoot.product": _one(Product),
    "QueryRoot.productVariant": _one(Variant),
    "QueryRoot.productVariants": _product_variants,
    "QueryRoot.productVariantsCount": _variants_count,
    "QueryRoot.products": _products,
    "QueryRoot.productsCount": _products_count,
    "QueryRoot.publicApiVersions": lambda *_: [api_version()],
    "QueryRoot.collection": _one(Collection),
    "QueryRoot.collections": _collections,
    "QueryRoot.sellingPlanGroup": _one(SellingPlanGroup),
    "QueryRoot.sellingPlanGroups": _plan_groups,
    "QueryRoot.shop": lambda _, info: shop_of(info),
    "QueryRoot.webhookSubscription": _one(Subscription),
    "QueryRoot.webhookSubscriptions": _subscriptions,
}
