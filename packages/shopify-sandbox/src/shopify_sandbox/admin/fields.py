"""Resolvers of the fields that are not plain attributes of a record."""

import json
import operator
from collections.abc import Iterable
from typing import Any

from shopify_sandbox.admin.connections import Connection, SortValue, connection
from shopify_sandbox.admin.errors import bad_request
from shopify_sandbox.admin.records import (
    Info,
    Resolver,
    find,
    global_id,
    own_namespace,
    shop_of,
    topic_name,
)
from shopify_sandbox.config import API_VERSION
from shopify_sandbox.ids import gid, shopify_id
from shopify_sandbox.records.catalogue import InventoryItem, Level, Location, Product, Variant
from shopify_sandbox.records.metafields import Metafield
from shopify_sandbox.shop import Shop

QUANTITY_NAMES = ("available", "committed", "incoming", "on_hand", "reserved")

VARIANT_SORTS: dict[str, SortValue] = {
    "ID": operator.attrgetter("id"),
    "POSITION": operator.attrgetter("position"),
    "SKU": lambda variant: variant.sku or "",
    "TITLE": operator.attrgetter("title"),
}


def count(records: Iterable[Any]) -> dict[str, Any]:
    """Return the number of records, as a Count of Shopify's schema."""
    return {"count": sum(1 for _ in records), "precision": "EXACT"}


def api_version(*_: Any) -> dict[str, Any]:
    """Return the only API version that the sandbox supports, as an ApiVersion of the schema."""
    return {"handle": API_VERSION, "display_name": API_VERSION, "supported": True}


def _plan(shop: Shop, _: Info) -> dict[str, Any]:
    plan = shop.config.plan
    return {
        "public_display_name": plan,
        "partner_development": plan == "Development",
        "shopify_plus": plan == "Shopify Plus",
    }


def _domain(shop: Shop, _: Info) -> dict[str, Any]:
    host = shop.url.split("://")[-1].split("/")[0]
    return {
        "id": gid("Domain", shop.id + 2),
        "host": host,
        "ssl_enabled": shop.url.startswith("https://"),
        "url": shop.url,
    }


def _featured_media(product: Product, info: Info) -> dict[str, Any]:
    image = {
        "url": shop_of(info).picture_url(product),
        "alt_text": product.title,
        "width": 600,
        "height": 600,
    }
    return {
        "__typename": "MediaImage",
        "id": gid("MediaImage", product.id + 1),
        "alt": product.title,
        "image": image,
        "preview": {"image": image},
    }


def _options(product: Product, _: Info, first: int | None = None) -> list[dict[str, Any]]:
    options = [
        {
            "id": gid("ProductOption", product.id + 10 + index),
            "name": name,
            "position": index + 1,
            "values": list(dict.fromkeys(each.option_values[index] for each in product.variants)),
        }
        for index, name in enumerate(product.option_names)
    ]
    return options[:first]


def _variants_of_product(product: Product, _: Info, sort_key: str, **page: Any) -> Connection:
    return connection(product.variants, sort_value=VARIANT_SORTS[sort_key], **page)


def _online_store_url(product: Product, info: Info) -> str | None:
    shop = shop_of(info)
    return shop.product_url(product) if product.is_open(shop.clock()) else None


def _selected_options(variant: Variant, _: Info) -> list[dict[str, str]]:
    return [
        {"name": name, "value": value}
        for name, value in zip(variant.product.option_names, variant.option_values, strict=True)
    ]


def _media_of_variant(_: Variant, __: Info, **page: Any) -> Connection:
    # Every variant is shown with its product's picture; no variant has a picture of its own.
    return connection([], **page)


def _variants_of_item(item: InventoryItem, _: Info, **page: Any) -> Connection:
    return connection([item.variant], **page)


def _levels_of_item(
    item: InventoryItem, _: Info, include_inactive: bool, **page: Any
) -> Connection:
    wanted = [e for e in item.levels.values() if e.location.is_active or include_inactive]
    return connection(wanted, **page)


def _level_of_item(
    item: InventoryItem, _: Info, location_id: str, include_inactive: bool
) -> Level | None:
    level = item.levels.get(shopify_id(location_id))
    return level if level and (level.location.is_active or include_inactive) else None


def _levels_at_location(
    location: Location, info: Info, include_inactive: bool, **page: Any
) -> Connection:
    stocked = (
        item.levels[location.id]
        for item in shop_of(info).items.values()
        if location.id in item.levels and (location.is_active or include_inactive)
    )
    return connection(stocked, sort_value=lambda level: level.item.id, **page)


def _level_at_location(
    location: Location, info: Info, inventory_item_id: str, include_inactive: bool
) -> Level | None:
    item = find(info, inventory_item_id, InventoryItem)
    return _level_of_item(item, info, str(location.id), include_inactive) if item else None


def _quantities(level: Level, _: Info, names: list[str]) -> list[dict[str, Any]]:
    if unknown := sorted(set(names) - set(QUANTITY_NAMES)):
        raise bad_request(f"The specified quantity names are invalid: {', '.join(unknown)}.")
    # A sold unit leaves the stock at once, so the quantity on hand equals the available one.
    return [
        {
            "id": f"{level.gid}&quantity={name}".replace("InventoryLevel", "InventoryQuantity"),
            "name": name,
            "quantity": level.available if name in ("available", "on_hand") else 0,
            "updated_at": level.updated_at if name in ("available", "on_hand") else None,
        }
        for name in names
    ]


def _metafield(owner: Any, info: Info, key: str, namespace: str | None = None) -> Metafield | None:
    return shop_of(info).metafields.get(global_id(owner), own_namespace(namespace), key)


def _metafields(
    owner: Any,
    info: Info,
    namespace: str | None = None,
    keys: list[str] | None = None,
    **page: Any,
) -> Connection:
    wanted = [
        each
        for each in shop_of(info).metafields.of(global_id(owner))
        if (namespace is None or each.namespace == own_namespace(namespace))
        and (keys is None or each.key in keys or f"{each.namespace}.{each.key}" in keys)
    ]
    return connection(wanted, **page)


def _json_value(metafield: Metafield, _: Info) -> Any:
    if metafield.type == "json" or metafield.type.startswith(("list.", "number_", "boolean")):
        return json.loads(metafield.value)
    return metafield.value


def _owner(metafield: Metafield, info: Info) -> Any:
    return shop_of(info).find(metafield.owner_gid)


def _without_sort(page: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in page.items() if name != "sort_key"}


def _of_shop(name: str) -> Resolver:
    return lambda shop, _info: getattr(shop.config, name)


def _constant(value: Any) -> Resolver:
    return lambda _record, _info: value


FIELDS: dict[str, Resolver] = {
    "HasMetafields.metafield": _metafield,
    "HasMetafields.metafields": _metafields,
    "InventoryItem.inventoryLevel": _level_of_item,
    "InventoryItem.inventoryLevels": _levels_of_item,
    "InventoryItem.locationsCount": lambda item, _: count(item.levels),
    "InventoryItem.variants": _variants_of_item,
    "InventoryLevel.isActive": lambda level, _: level.location.is_active,
    "InventoryLevel.quantities": _quantities,
    "Location.address": lambda location, _: location,
    "Location.inventoryLevel": _level_at_location,
    "Location.inventoryLevels": _levels_at_location,
    "Metafield.jsonValue": _json_value,
    "Metafield.owner": _owner,
    "Metafield.ownerType": lambda field, _: field.owner_gid.split("/")[3].upper(),
    "Metafield.sizeInBytes": lambda field, _: len(field.value.encode()),
    "Collection.products": lambda collection, info, **page: connection(
        [
            shop_of(info).products[each]
            for each in collection.product_ids
            if each in shop_of(info).products
        ],
        **_without_sort(page),
    ),
    "Collection.productsCount": lambda collection, _: count(collection.product_ids),
    "SellingPlanGroup.appliesToProductVariant": lambda group, _, product_variant_id: (
        shopify_id(product_variant_id) in group.variant_ids
    ),
    "SellingPlanGroup.productVariants": lambda group, info, **page: connection(
        [
            shop_of(info).variants[each]
            for each in group.variant_ids
            if each in shop_of(info).variants
        ],
        **page,
    ),
    "SellingPlanGroup.productVariantsCount": lambda group, _: count(group.variant_ids),
    "SellingPlanGroup.sellingPlans": lambda group, _, **page: connection(
        group.plans.values(), **page
    ),
    "ProductVariant.sellingPlanGroups": lambda variant, info, **page: connection(
        [each for each in shop_of(info).plan_groups.values() if variant.id in each.variant_ids],
        **page,
    ),
    "Product.featuredMedia": _featured_media,
    "Product.onlineStoreUrl": _online_store_url,
    "Product.options": _options,
    "Product.requiresSellingPlan": _constant(value=False),
    "Product.variants": _variants_of_product,
    "Product.variantsCount": lambda product, _: count(product.variants),
    "ProductVariant.media": _media_of_variant,
    "ProductVariant.selectedOptions": _selected_options,
    "Shop.contactEmail": lambda shop, _: shop.email,
    "Shop.currencyCode": _of_shop("currency"),
    "Shop.ianaTimezone": _of_shop("iana_timezone"),
    "Shop.myshopifyDomain": _of_shop("domain"),
    "Shop.plan": _plan,
    "Shop.primaryDomain": _domain,
    "Shop.shopAddress": lambda shop, _: {"country_code_v2": shop.config.country},
    "Shop.taxesIncluded": _constant(value=False),
    "Shop.timezoneOffset": lambda shop, _: (
        shop.clock().astimezone(shop.config.timezone).strftime("%z")
    ),
    "WebhookSubscription.apiVersion": api_version,
    "WebhookSubscription.format": _constant(value="JSON"),
    "WebhookSubscription.topic": lambda each, _: topic_name(each.topic),
}
