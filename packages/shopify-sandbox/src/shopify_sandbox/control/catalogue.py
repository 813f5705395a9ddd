"""The control API's endpoints for the catalogue: products, variants, locations and stock."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from shopify_sandbox import merchant
from shopify_sandbox.bodies import NoBody
from shopify_sandbox.control.catalogue_bodies import (
    Disconnection,
    LocationChange,
    NewLocation,
    NewProduct,
    NewStock,
    NewVariant,
    NewVariants,
    ProductChange,
    StockChanges,
    VariantChange,
)
from shopify_sandbox.control.errors import MissingError, RefusalError
from shopify_sandbox.control.views import location_view, product_view, variant_view
from shopify_sandbox.records.catalogue import Location, Product, Variant
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import OpenShop

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


async def list_products(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List all products with their variants."""
    shop = opened.shop
    return {"products": [product_view(shop, each) for each in shop.products.values()]}


async def get_product(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Show one product."""
    return product_view(opened.shop, _product(opened, request))


async def create_product(opened: OpenShop, body: NewProduct, _: Request) -> dict[str, Any]:
    """Create a product; without variants it gets one, "Default Title"."""
    shop = opened.shop
    handle = body.handle or body.title.lower().replace(" ", "-")
    options = body.options or ("Title",)
    rows = body.variants or (NewVariant(),)
    if any(each.handle == handle for each in shop.products.values()):
        raise RefusalError(f"The handle {handle} is taken; choose another.")
    if body.id in shop.products:
        raise RefusalError(f"The id {body.id} is taken; choose another or none.")
    product = merchant.add_product(
        shop,
        shop.action(),
        id=body.id,
        title=body.title,
        handle=handle,
        vendor=body.vendor or "",
        product_type=body.product_type or "",
        description=body.description or "",
        status=body.status,
        published_at=body.published_at or (shop.moment() if body.published else None),
        tags=body.tags,
        option_names=options,
        variants=_new_variants(shop, rows, len(options)),
    )
    return product_view(shop, product)


async def update_product(opened: OpenShop, body: ProductChange, request: Request) -> dict[str, Any]:
    """Change the given facts of a product."""
    shop, product = opened.shop, _product(opened, request)
    facts = body.model_dump(exclude_unset=True)
    if "published" in facts and facts.pop("published") != (product.published_at is not None):
        facts = {"published_at": shop.moment() if body.published else None} | facts
    merchant.change_product(shop, product, shop.action(), **facts)
    return product_view(shop, product)


async def delete_product(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Delete a product with its variants."""
    product = _product(opened, request)
    merchant.delete_product(opened.shop, product, opened.shop.action())
    return {"deleted": product.id}


async def create_variants(opened: OpenShop, body: NewVariants, request: Request) -> dict[str, Any]:
    """Add variants: those listed in `variants`, or `count` numbered ones."""
    shop, product = opened.shop, _product(opened, request)
    width = len(product.option_names)
    rows = body.variants
    if rows is None:
        start = len(product.variants) + 1
        rows = tuple(
            NewVariant(
                options=(f"No. {start + n}",) * width, price=body.price, available=body.available
            )
            for n in range(body.count)
        )
    if len(product.variants) + len(rows) > MOST_VARIANTS:
        raise RefusalError(f"A product has at most {MOST_VARIANTS} variants.")
    new = _new_variants(shop, rows, width)
    added = merchant.add_variants(shop, product, new, shop.action())
    return {"variants": [variant_view(each) for each in added]}


def _new_variants(shop: Shop, rows: Sequence[NewVariant], width: int) -> list[merchant.NewVariant]:
    if not rows:
        raise RefusalError("variants must be a list of at least one variant, or count above 0.")
    return [_new_variant(shop, row, width) for row in rows]


def _new_variant(shop: Shop, row: NewVariant, width: int) -> merchant.NewVariant:
    options = row.options or ("Default Title",) * width
    if len(options) != width:
        raise RefusalError(f"options must hold {width} values, one per option of the product.")
    if row.id in shop.variants:
        raise RefusalError(f"The id {row.id} is taken; choose another or none.")
    return merchant.NewVariant(
        id=row.id,
        options=options,
        price=row.price or Decimal("10.00"),
        compare_at_price=row.compare_at_price,
        sku=row.sku,
        barcode=row.barcode,
        inventory_policy=row.inventory_policy,
        tracked=row.tracked,
        available={
            location: row.available if index == 0 else 0
            for index, location in enumerate(shop.locations)
        },
    )


async def get_variant(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Show one variant."""
    return variant_view(_variant(opened, request))


async def update_variant(opened: OpenShop, body: VariantChange, request: Request) -> dict[str, Any]:
    """Change the given facts of a variant."""
    shop, variant = opened.shop, _variant(opened, request)
    facts = body.model_dump(exclude_unset=True)
    if "price" in facts:
        facts["price"] = body.price or variant.price
    merchant.change_variant(shop, variant, shop.action(), **facts)
    return variant_view(variant)


async def delete_variant(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Delete a variant."""
    variant = _variant(opened, request)
    merchant.delete_variant(opened.shop, variant, opened.shop.action())
    return {"deleted": variant.id}


async def list_locations(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List the shop's locations."""
    return {"locations": [location_view(each) for each in opened.shop.locations.values()]}


async def create_location(opened: OpenShop, body: NewLocation, _: Request) -> dict[str, Any]:
    """Open a location."""
    shop = opened.shop
    made = merchant.add_location(shop, shop.action(), **body.model_dump())
    return location_view(made)


async def update_location(
    opened: OpenShop, body: LocationChange, request: Request
) -> dict[str, Any]:
    """Change the given facts of a location."""
    shop = opened.shop
    location: Location = _record(shop.locations, request.path_params["id"], "location")
    facts = body.model_dump(exclude_unset=True)
    merchant.change_location(shop, location, shop.action(), **facts)
    return location_view(location)


async def delete_location(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Delete a closed location, with the stock there."""
    shop = opened.shop
    location: Location = _record(shop.locations, request.path_params["id"], "location")
    if location.is_active:
        raise RefusalError("Deactivate the location first: PATCH it with is_active false.")
    merchant.delete_location(shop, location, shop.action())
    return {"deleted": location.id}


async def set_stock(opened: OpenShop, body: StockChanges, _: Request) -> dict[str, Any]:
    """Set the available stock of one variant, or of many (`changes`) in one merchant action."""
    shop = opened.shop
    rows = body.changes
    if rows is None:
        rows = (NewStock.model_validate(body.model_dump(exclude_unset=True)),)
    changes = [_stock_change(shop, row) for row in rows]
    action = shop.action()
    merchant.set_stock(shop, changes, action)
    return {
        "event_id": action.event_id,
        "variants": [variant_view(each.item.variant) for each in changes],
    }


def _stock_change(shop: Shop, row: NewStock) -> merchant.StockChange:
    variant: Variant = _record(shop.variants, row.variant_id, "variant")
    location: Location = _record(
        shop.locations, row.location_id or next(iter(shop.locations)), "location"
    )
    return merchant.StockChange(variant.inventory_item, location, row.available)


async def disconnect(opened: OpenShop, body: Disconnection, request: Request) -> dict[str, Any]:
    """Stop stocking a variant at a location."""
    shop, variant = opened.shop, _variant(opened, request)
    level = _record(variant.inventory_item.levels, body.location_id, "level at location")
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
