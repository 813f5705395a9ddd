"""Views of a shop's catalogue and subscriptions in the control API."""

from typing import Any

from shopify_sandbox.clock import rfc3339
from shopify_sandbox.records.catalogue import Location, Product, Variant
from shopify_sandbox.records.subscriptions import Subscription
from shopify_sandbox.shop import Shop


def location_view(record: Location) -> dict[str, Any]:
    """Show a location."""
    return {
        "id": record.id,
        "name": record.name,
        "city": record.city,
        "country_code": record.country_code,
        "is_active": record.is_active,
        "fulfills_online_orders": record.fulfills_online_orders,
    }


def variant_view(record: Variant) -> dict[str, Any]:
    """Show a variant with its stock by location."""
    item = record.inventory_item
    return {
        "id": record.id,
        "product_id": record.product.id,
        "inventory_item_id": item.id,
        "title": record.title,
        "options": list(record.option_values),
        "sku": record.sku,
        "barcode": record.barcode,
        "price": f"{record.price}",
        "compare_at_price": None
        if record.compare_at_price is None
        else f"{record.compare_at_price}",
        "inventory_policy": record.inventory_policy,
        "tracked": item.tracked,
        "inventory_quantity": record.inventory_quantity,
        "sellable_online_quantity": record.sellable_online_quantity,
        "stock": [
            {"location_id": level.location.id, "available": level.available}
            for level in item.levels.values()
        ],
        "updated_at": rfc3339(record.updated_at),
    }


def product_view(shop: Shop, record: Product) -> dict[str, Any]:
    """Show a product with its variants."""
    return {
        "id": record.id,
        "handle": record.handle,
        "title": record.title,
        "vendor": record.vendor,
        "product_type": record.product_type,
        "tags": list(record.tags),
        "status": record.status,
        "published_at": None if record.published_at is None else rfc3339(record.published_at),
        "is_open": record.is_open(shop.clock()),
        "description": record.description,
        "options": list(record.option_names),
        "url": shop.product_url(record),
        "picture": shop.picture_url(record),
        "updated_at": rfc3339(record.updated_at),
        "variants": [variant_view(each) for each in record.variants],
    }


def subscription_view(record: Subscription) -> dict[str, Any]:
    """Show a webhook subscription."""
    return {
        "id": record.id,
        "topic": record.topic,
        "uri": record.uri,
        "name": record.name,
        "include_fields": list(record.include_fields),
    }
