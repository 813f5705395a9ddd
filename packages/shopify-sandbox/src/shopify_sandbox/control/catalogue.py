"""The control API's catalogue: products, variants, locations and stock."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from shopify_sandbox import merchant
from shopify_sandbox.body import Body, BodyError
from shopify_sandbox.control.views import MissingError, location_view, product_view, variant_view
from shopify_sandbox.records.catalogue import Location, Product, Variant
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import OpenShop

STATUSES = ("ACTIVE", "ARCHIVED", "DRAFT")
POLICIES = ("DENY", "CONTINUE")
# Shopify allows this many variants in one product.
MOST_VARIANTS = 2_048


def _record(table: dict[int, Any], id: int | None, what: str) -> Any:
    if id is None or id not in table:
        raise MissingError(f"There is no {what} {id} in this shop.")
    return table[id]


def _product(opened: OpenShop, request: Request) -> Product:
    found: Product = _record(opened.shop.products, request.path_params["id"], "product")
    return found


def _variant(opened: OpenShop, request: Request) -> Variant:
    found: Variant = _record(opened.shop.variants, request.path_params["id"], "variant")
    return found


async def list_products(opened: OpenShop, _: Body, __: Request) -> dict[str, Any]:
    """List all products with their variants."""
    shop = opened.shop
    return {"products": [product_view(shop, each) for each in shop.products.values()]}


async def get_product(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Show one product."""
    return product_view(opened.shop, _product(opened, request))


async def create_product(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Create a product; without variants it gets one, "Default Title"."""
    shop = opened.shop
    title = body.required("title")
    facts = {
        "title": title,
        "handle": body.text("handle") or title.lower().replace(" ", "-"),
        "vendor": body.text("vendor") or "",
        "product_type": body.text("product_type") or "",
        "description": body.text("description") or "",
        "status": body.choice("status", STATUSES, "ACTIVE"),
        "tags": body.texts("tags"),
    }
    options = body.texts("options") or ("Title",)
    rows = body.raw("variants") or [{"options": ["Default Title"] * len(options)}]
    chosen_id = body.id("id")
    body.finish()
    if any(each.handle == facts["handle"] for each in shop.products.values()):
        raise BodyError([f"The handle {facts['handle']} is taken; choose another."])
    if chosen_id in shop.products:
        raise BodyError([f"The id {chosen_id} is taken; choose another or none."])
    variants = _new_variants(shop, rows, len(options))
    product = merchant.add_product(
        shop, shop.action(), id=chosen_id, option_names=options, variants=variants, **facts
    )
    return product_view(shop, product)


async def update_product(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Change the facts of a product that are given."""
    shop, product = opened.shop, _product(opened, request)
    names = ("title", "handle", "vendor", "product_type", "description")
    facts: dict[str, Any] = {name: body.required(name) for name in names if name in body}
    if "status" in body:
        facts["status"] = body.choice("status", STATUSES, product.status)
    if "tags" in body:
        facts["tags"] = body.texts("tags")
    body.finish()
    merchant.change_product(shop, product, shop.action(), **facts)
    return product_view(shop, product)


async def delete_product(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Delete a product with its variants."""
    product = _product(opened, request)
    merchant.delete_product(opened.shop, product, opened.shop.action())
    return {"deleted": product.id}


async def create_variants(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Add variants: those listed in `variants`, or `count` numbered ones."""
    shop, product = opened.shop, _product(opened, request)
    count, rows = body.integer("count"), body.raw("variants")
    sample = {name: body.raw(name) for name in ("price", "available") if name in body}
    body.finish()
    width = len(product.option_names)
    if rows is None:
        start = len(product.variants) + 1
        rows = [{**sample, "options": [f"No. {start + n}"] * width} for n in range(count)]
    if len(product.variants) + len(rows) > MOST_VARIANTS:
        raise BodyError([f"A product has at most {MOST_VARIANTS} variants."])
    new = _new_variants(shop, rows, width)
    added = merchant.add_variants(shop, product, new, shop.action())
    return {"variants": [variant_view(each) for each in added]}


def _new_variants(shop: Shop, rows: Any, width: int) -> list[merchant.NewVariant]:
    if not isinstance(rows, list) or not rows:
        raise BodyError(["variants must be a list of at least one variant, or count above 0."])
    return [_new_variant(shop, Body(row), width) for row in rows]


def _new_variant(shop: Shop, body: Body, width: int) -> merchant.NewVariant:
    options = body.texts("options") or ("Default Title",) * width
    new = merchant.NewVariant(
        id=body.id("id"),
        options=options,
        price=body.decimal("price") or Decimal("10.00"),
        compare_at_price=body.decimal("compare_at_price"),
        sku=body.text("sku"),
        barcode=body.text("barcode"),
        inventory_policy=body.choice("inventory_policy", POLICIES, "DENY"),
        tracked=body.flag("tracked", default=True),
        available={
            location: body.integer("available") if index == 0 else 0
            for index, location in enumerate(shop.locations)
        },
    )
    body.finish()
    if len(options) != width:
        raise BodyError([f"options must hold {width} values, one per option of the product."])
    if new.id in shop.variants:
        raise BodyError([f"The id {new.id} is taken; choose another or none."])
    return new


async def get_variant(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Show one variant."""
    return variant_view(_variant(opened, request))


async def update_variant(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Change the facts of a variant that are given."""
    shop, variant = opened.shop, _variant(opened, request)
    readers: dict[str, Callable[[], Any]] = {
        "sku": lambda: body.text("sku"),
        "barcode": lambda: body.text("barcode"),
        "price": lambda: body.decimal("price") or variant.price,
        "compare_at_price": lambda: body.decimal("compare_at_price"),
        "inventory_policy": lambda: body.choice("inventory_policy", POLICIES, "DENY"),
        "tracked": lambda: body.flag("tracked", default=True),
    }
    facts = {name: read() for name, read in readers.items() if name in body}
    body.finish()
    merchant.change_variant(shop, variant, shop.action(), **facts)
    return variant_view(variant)


async def delete_variant(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Delete a variant."""
    variant = _variant(opened, request)
    merchant.delete_variant(opened.shop, variant, opened.shop.action())
    return {"deleted": variant.id}


async def list_locations(opened: OpenShop, _: Body, __: Request) -> dict[str, Any]:
    """List the shop's locations."""
    return {"locations": [location_view(each) for each in opened.shop.locations.values()]}


async def create_location(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Open a location."""
    name, city = body.required("name"), body.text("city")
    body.finish()
    shop = opened.shop
    return location_view(merchant.add_location(shop, shop.action(), name=name, city=city))


async def update_location(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Change the facts of a location that are given."""
    shop = opened.shop
    location: Location = _record(shop.locations, request.path_params["id"], "location")
    facts: dict[str, Any] = {"name": body.required("name")} if "name" in body else {}
    for flag in ("is_active", "fulfills_online_orders"):
        if flag in body:
            facts[flag] = body.flag(flag, default=True)
    body.finish()
    merchant.change_location(shop, location, shop.action(), **facts)
    return location_view(location)


async def delete_location(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Give a closed location up, with the stock there."""
    shop = opened.shop
    location: Location = _record(shop.locations, request.path_params["id"], "location")
    if location.is_active:
        raise BodyError(["Deactivate the location first: PATCH it with is_active false."])
    merchant.delete_location(shop, location, shop.action())
    return {"deleted": location.id}


async def set_stock(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Set what is available of one variant, or of many (`changes`) in one merchant action."""
    shop = opened.shop
    rows = body.raw("changes")
    if rows is None:
        rows = [{name: body.raw(name) for name in _CHANGE if name in body}]
    body.finish()
    if not isinstance(rows, list):
        raise BodyError(["changes must be a list of stock changes."])
    changes = [_stock_change(shop, Body(row)) for row in rows]
    action = shop.action()
    merchant.set_stock(shop, changes, action)
    return {
        "event_id": action.event_id,
        "variants": [variant_view(each.item.variant) for each in changes],
    }


_CHANGE = ("variant_id", "location_id", "available")


def _stock_change(shop: Shop, body: Body) -> merchant.StockChange:
    variant_id, location_id = body.id("variant_id"), body.id("location_id")
    if "available" not in body:
        raise BodyError(["available is required and must be a whole number."])
    available = body.integer("available")
    body.finish()
    variant: Variant = _record(shop.variants, variant_id, "variant")
    location: Location = _record(
        shop.locations, location_id or next(iter(shop.locations)), "location"
    )
    return merchant.StockChange(variant.inventory_item, location, available)


async def disconnect(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Stop stocking a variant at a location."""
    shop, variant = opened.shop, _variant(opened, request)
    location_id = body.id("location_id")
    body.finish()
    level = _record(variant.inventory_item.levels, location_id, "level at location")
    merchant.disconnect(shop, level, shop.action())
    return variant_view(variant)


OPERATIONS = (
    ("GET", "products", list_products),
    ("POST", "products", create_product),
    ("GET", "products/{id:int}", get_product),
    ("PATCH", "products/{id:int}", update_product),
    ("DELETE", "products/{id:int}", delete_product),
    ("POST", "products/{id:int}/variants", create_variants),
    ("GET", "variants/{id:int}", get_variant),
    ("PATCH", "variants/{id:int}", update_variant),
    ("DELETE", "variants/{id:int}", delete_variant),
    ("POST", "variants/{id:int}/disconnect", disconnect),
    ("GET", "locations", list_locations),
    ("POST", "locations", create_location),
    ("PATCH", "locations/{id:int}", update_location),
    ("DELETE", "locations/{id:int}", delete_location),
    ("POST", "stock", set_stock),
)
