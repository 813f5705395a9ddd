"""The bodies of webhooks about catalogue, shop, markets and privacy, as Shopify writes them."""

from datetime import datetime
from typing import Any

from shopify_sandbox.ids import gid
from shopify_sandbox.records.catalogue import InventoryItem, Level, Location, Product, Variant
from shopify_sandbox.records.markets import Market
from shopify_sandbox.shop import Payload, Shop

# Shopify writes out this many variants of a product in full, and only the ids of the rest.
VARIANTS_IN_FULL = 100


def local(shop: Shop, moment: datetime | None) -> str | None:
    """Return a time in ISO 8601 with the UTC offset of the shop.

    Returns None if there is no time.
    """
    return moment.astimezone(shop.config.timezone).isoformat() if moment else None


def variant(shop: Shop, record: Variant, *, old_quantity: int | None = None) -> Payload:
    """Return a variant as the body of variants/in_stock and variants/out_of_stock."""
    quantity = record.inventory_quantity
    options = (*record.option_values, None, None, None)[:3]
    return {
        "admin_graphql_api_id": gid("ProductVariant", record.id),
        "barcode": record.barcode,
        "compare_at_price": None
        if record.compare_at_price is None
        else f"{record.compare_at_price}",
        "created_at": local(shop, record.created_at),
        "id": record.id,
        "inventory_policy": record.inventory_policy.lower(),
        "position": record.position,
        "price": f"{record.price}",
        "product_id": record.product.id,
        "sku": record.sku,
        "taxable": record.taxable,
        "title": record.title,
        "updated_at": local(shop, record.updated_at),
        "option1": options[0],
        "option2": options[1],
        "option3": options[2],
        "image_id": None,
        "inventory_quantity": quantity,
        "old_inventory_quantity": quantity if old_quantity is None else old_quantity,
    }


def product(shop: Shop, record: Product) -> Payload:
    """Return a product as the body of products/create and products/update."""
    image = {
        "id": record.id + 1,
        "position": 1,
        "product_id": record.id,
        "alt": record.title,
        "width": 600,
        "height": 600,
        "src": shop.picture_url(record),
        "variant_ids": [],
        "admin_graphql_api_id": gid("ProductImage", record.id + 1),
    }
    return {
        "admin_graphql_api_id": gid("Product", record.id),
        "body_html": record.description,
        "created_at": local(shop, record.created_at),
        "handle": record.handle,
        "id": record.id,
        "product_type": record.product_type,
        "published_at": local(shop, record.published_at),
        "template_suffix": None,
        "title": record.title,
        "updated_at": local(shop, record.updated_at),
        "vendor": record.vendor,
        "status": record.status.lower(),
        "published_scope": "web",
        "tags": ", ".join(record.tags),
        "variants": [
            variant(shop, each) | {"inventory_item_id": each.inventory_item.id}
            for each in record.variants[:VARIANTS_IN_FULL]
        ],
        "options": [
            {
                "id": record.id + 10 + index,
                "name": name,
                "product_id": record.id,
                "position": index + 1,
                "values": list(
                    dict.fromkeys(each.option_values[index] for each in record.variants)
                ),
            }
            for index, name in enumerate(record.option_names)
        ],
        "images": [image],
        "image": image,
        "media": [],
        "variant_gids": [
            {
                "admin_graphql_api_id": gid("ProductVariant", each.id),
                "updated_at": each.updated_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            }
            for each in record.variants
        ],
        "has_variants_that_requires_components": False,
        "category": None,
    }


def level(shop: Shop, record: Level) -> Payload:
    """Return a level as the body of inventory_levels/update and inventory_levels/connect."""
    return {
        "inventory_item_id": record.item.id,
        "location_id": record.location.id,
        "available": record.available,
        "updated_at": local(shop, record.updated_at),
        "admin_graphql_api_id": record.gid,
    }


def item(shop: Shop, record: InventoryItem) -> Payload:
    """Return an item as the body of inventory_items/create and inventory_items/update."""
    return {
        "id": record.id,
        "sku": record.sku,
        "created_at": local(shop, record.created_at),
        "updated_at": local(shop, record.updated_at),
        "requires_shipping": record.requires_shipping,
        "cost": None,
        "country_code_of_origin": None,
        "province_code_of_origin": None,
        "harmonized_system_code": None,
        "tracked": record.tracked,
        "country_harmonized_system_codes": [],
        "weight_value": 0,
        "weight_unit": "kg",
        "admin_graphql_api_id": gid("InventoryItem", record.id),
    }


def deleted_item(record: InventoryItem) -> Payload:
    """Return the body of inventory_items/delete."""
    return {
        "id": record.id,
        "country_code_of_origin": None,
        "province_code_of_origin": None,
        "harmonized_system_code": None,
        "country_harmonized_system_codes": [],
        "admin_graphql_api_id": gid("InventoryItem", record.id),
    }


def location(shop: Shop, record: Location) -> Payload:
    """Return the body of all locations/ webhooks but locations/delete."""
    return {
        "id": record.id,
        "name": record.name,
        "address1": record.address1,
        "address2": None,
        "city": record.city,
        "zip": record.zip,
        "province": record.province,
        "country": record.country_code,
        "phone": None,
        "created_at": local(shop, record.created_at),
        "updated_at": local(shop, record.updated_at),
        "country_code": record.country_code,
        "country_name": record.country,
        "province_code": record.province_code,
        "legacy": False,
        "active": record.is_active,
        "admin_graphql_api_id": gid("Location", record.id),
    }


def shop_itself(shop: Shop) -> Payload:
    """Return the body of shop/update and app/uninstalled."""
    currency = shop.config.currency
    return {
        "id": shop.id,
        "name": shop.name,
        "email": shop.email,
        "domain": shop.config.domain,
        "country": shop.config.country,
        "country_code": shop.config.country,
        "country_name": None,
        "created_at": local(shop, shop.created_at),
        "updated_at": local(shop, shop.updated_at),
        "currency": currency,
        "customer_email": shop.email,
        "timezone": f"({shop.config.iana_timezone})",
        "iana_timezone": shop.config.iana_timezone,
        "shop_owner": f"{shop.name} Owner",
        "money_format": "{{amount}}",
        "money_with_currency_format": "{{amount}} " + currency,
        "weight_unit": "kg",
        "taxes_included": False,
        "plan_display_name": shop.config.plan,
        "plan_name": shop.config.plan.lower().replace(" ", "_"),
        "myshopify_domain": shop.config.domain,
        "primary_locale": "en",
        "primary_location_id": next(iter(shop.locations), None),
        "multi_location_enabled": len(shop.locations) > 1,
        "has_storefront": True,
        "enabled_presentment_currencies": [currency],
    }


def compliance(shop: Shop, topic: str, customer: dict[str, Any], orders: list[int]) -> Payload:
    """Return the body of one of the three privacy topics."""
    body: Payload = {"shop_id": shop.id, "shop_domain": shop.config.domain}
    if topic == "shop/redact":
        return body
    body["customer"] = customer
    if topic == "customers/redact":
        return body | {"orders_to_redact": orders}
    return body | {"orders_requested": orders, "data_request": {"id": next(shop.ids)}}


def market(record: Market) -> Payload:
    """Return a market as the body of markets/create and markets/update."""
    status = "active" if record.enabled else "draft"
    return {"id": record.id, "name": record.name, "type": "region", "status": status}
