"""Actions of a merchant on the catalogue, each announced as Shopify would announce it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shopify_sandbox.ids import gid
from shopify_sandbox.records.catalogue import InventoryItem, Level, Location, Product, Variant
from shopify_sandbox.records.markets import Market, Region
from shopify_sandbox.shop import MerchantAction, Payload, Shop
from shopify_sandbox.webhooks import catalogue_payloads as payloads


@dataclass(frozen=True, kw_only=True)
class NewVariant:
    """A variant to add; `available` maps location ids to available quantities."""

    options: tuple[str, ...]
    price: Decimal
    compare_at_price: Decimal | None = None
    sku: str | None = None
    barcode: str | None = None
    inventory_policy: str = "DENY"
    tracked: bool = True
    available: dict[int, int]
    id: int | None = None


@dataclass(frozen=True, slots=True)
class StockChange:
    """The available quantity that one item should have at one location."""

    item: InventoryItem
    location: Location
    available: int


def announce_product(shop: Shop, product: Product, topic: str, action: MerchantAction) -> None:
    """Announce a product to the subscribers of `topic`, such as products/create."""
    shop.announce(
        topic,
        action,
        lambda: payloads.product(shop, product),
    )


def add_location(shop: Shop, action: MerchantAction, **facts: Any) -> Location:
    """Open a location."""
    moment = shop.moment()
    location = Location(id=next(shop.ids), created_at=moment, updated_at=moment, **facts)
    shop.locations[location.id] = location
    shop.announce("locations/create", action, lambda: payloads.location(shop, location))
    return location


def change_location(shop: Shop, location: Location, action: MerchantAction, **facts: Any) -> None:
    """Change a location's facts, and announce locations/update.

    If the location was activated or deactivated, that is announced as well.
    """
    was_active = location.is_active
    _assign(location, facts)
    location.updated_at = shop.moment()
    topics = ["locations/update"]
    if location.is_active != was_active:
        topics.append("locations/activate" if location.is_active else "locations/deactivate")
    for topic in topics:
        shop.announce(topic, action, lambda: payloads.location(shop, location))


def delete_location(shop: Shop, location: Location, action: MerchantAction) -> None:
    """Delete a location, together with its stock."""
    for item in shop.items.values():
        if location.id in item.levels:
            disconnect(shop, item.levels[location.id], action)
    del shop.locations[location.id]
    shop.announce("locations/delete", action, lambda: {"id": location.id})


def add_product(
    shop: Shop,
    action: MerchantAction,
    *,
    variants: Iterable[NewVariant],
    id: int | None = None,
    **facts: Any,
) -> Product:
    """Create a product with its variants.

    The product is published now, unless `facts` contain another `published_at`.
    """
    moment = shop.moment()
    product = Product(
        id=id or next(shop.ids),
        created_at=moment,
        updated_at=moment,
        **({"published_at": moment} | facts),
    )
    shop.products[product.id] = product
    for new in variants:
        _append_variant(shop, product, new, action)
    announce_product(shop, product, "products/create", action)
    return product


def add_variants(
    shop: Shop, product: Product, new: Iterable[NewVariant], action: MerchantAction
) -> list[Variant]:
    """Add variants to a product, and announce one products/update for all of them."""
    added = [_append_variant(shop, product, each, action) for each in new]
    product.updated_at = shop.moment()
    announce_product(shop, product, "products/update", action)
    return added


def _append_variant(
    shop: Shop, product: Product, new: NewVariant, action: MerchantAction
) -> Variant:
    moment = shop.moment()
    item = InventoryItem(
        id=next(shop.ids), sku=new.sku, tracked=new.tracked, created_at=moment, updated_at=moment
    )
    variant = Variant(
        id=new.id or next(shop.ids),
        product=product,
        inventory_item=item,
        option_values=new.options,
        price=new.price,
        compare_at_price=new.compare_at_price,
        barcode=new.barcode,
        inventory_policy=new.inventory_policy,
        position=len(product.variants) + 1,
        created_at=moment,
        updated_at=moment,
    )
    item.variant = variant
    product.variants.append(variant)
    shop.variants[variant.id] = variant
    shop.items[item.id] = item
    shop.announce("inventory_items/create", action, lambda: payloads.item(shop, item))
    for location_id, available in new.available.items():
        connect(shop, item, shop.locations[location_id], available, action)
    return variant


def connect(
    shop: Shop, item: InventoryItem, location: Location, available: int, action: MerchantAction
) -> Level:
    """Begin to stock an item at a location."""
    moment = shop.moment()
    level = Level(
        item=item, location=location, available=available, created_at=moment, updated_at=moment
    )
    item.levels[location.id] = level
    shop.announce("inventory_levels/connect", action, lambda: payloads.level(shop, level))
    return level


def disconnect(shop: Shop, level: Level, action: MerchantAction) -> None:
    """Stop stocking an item at a location."""
    before = level.item.variant.inventory_quantity
    del level.item.levels[level.location.id]
    gone = {"inventory_item_id": level.item.id, "location_id": level.location.id}
    shop.announce("inventory_levels/disconnect", action, lambda: gone)
    _announce_availability(shop, {level.item.variant: before}, action)


def change_product(shop: Shop, product: Product, action: MerchantAction, **facts: Any) -> None:
    """Change a product's facts."""
    _assign(product, facts)
    product.updated_at = shop.moment()
    announce_product(shop, product, "products/update", action)


def change_variant(shop: Shop, variant: Variant, action: MerchantAction, **facts: Any) -> None:
    """Change a variant's facts, or those of its inventory item (`sku`, `tracked`)."""
    of_item: dict[str, Any] = {
        name: facts.pop(name) for name in ("sku", "tracked") if name in facts
    }
    moment = shop.moment()
    if of_item:
        item = variant.inventory_item
        _assign(item, of_item)
        item.updated_at = moment
        shop.announce("inventory_items/update", action, lambda: payloads.item(shop, item))
    _assign(variant, facts)
    variant.updated_at = variant.product.updated_at = moment
    announce_product(shop, variant.product, "products/update", action)


def set_policies(shop: Shop, policies: dict[Variant, str], action: MerchantAction) -> None:
    """Set inventory policies, and announce one products/update for each product."""
    moment = shop.moment()
    changed = {one: policy for one, policy in policies.items() if one.inventory_policy != policy}
    for variant, policy in changed.items():
        variant.inventory_policy = policy
        variant.updated_at = variant.product.updated_at = moment
    for product in {variant.product.id: variant.product for variant in changed}.values():
        announce_product(shop, product, "products/update", action)


def delete_variant(shop: Shop, variant: Variant, action: MerchantAction) -> None:
    """Remove a variant from its product."""
    product = variant.product
    product.variants.remove(variant)
    for position, sibling in enumerate(product.variants, start=1):
        sibling.position = position
    _forget(shop, variant, action)
    product.updated_at = shop.moment()
    announce_product(shop, product, "products/update", action)


def delete_product(shop: Shop, product: Product, action: MerchantAction) -> None:
    """Remove a product with its variants."""
    del shop.products[product.id]
    shop.metafields.forget(gid("Product", product.id))
    for variant in product.variants:
        _forget(shop, variant, action)
    shop.announce("products/delete", action, lambda: {"id": product.id})


def _forget(shop: Shop, variant: Variant, action: MerchantAction) -> None:
    item = variant.inventory_item
    del shop.variants[variant.id]
    del shop.items[item.id]
    shop.metafields.forget(gid("ProductVariant", variant.id))
    shop.announce("inventory_items/delete", action, lambda: payloads.deleted_item(item))


def set_stock(shop: Shop, changes: Iterable[StockChange], action: MerchantAction) -> None:
    """Set available quantities, and announce what changed.

    There is an announcement for each changed level, for each variant that came into stock or went
    out of stock, and for each product with a variant whose total stock changed.
    """
    before: dict[Variant, int] = {}
    moment = shop.moment()
    for change in changes:
        variant = change.item.variant
        before.setdefault(variant, variant.inventory_quantity)
        level = change.item.levels.get(change.location.id)
        if level is None:
            connect(shop, change.item, change.location, change.available, action)
        elif level.available == change.available:
            continue
        else:
            level.available, level.updated_at = change.available, moment
            shop.announce("inventory_levels/update", action, _level_body(shop, level))
    _announce_availability(shop, before, action)


def _level_body(shop: Shop, level: Level) -> Callable[[], Payload]:
    return lambda: payloads.level(shop, level)


def _announce_availability(shop: Shop, before: dict[Variant, int], action: MerchantAction) -> None:
    moment = shop.moment()
    products = {}
    for variant, old in before.items():
        new = variant.inventory_quantity
        if new == old:
            continue
        variant.updated_at = variant.product.updated_at = moment
        products[variant.product.id] = variant.product
        if old <= 0 < new:
            _announce_variant(shop, variant, old, "variants/in_stock", action)
        elif new <= 0 < old:
            _announce_variant(shop, variant, old, "variants/out_of_stock", action)
    for product in products.values():
        announce_product(shop, product, "products/update", action)


def _announce_variant(
    shop: Shop, variant: Variant, old: int, topic: str, action: MerchantAction
) -> None:
    shop.announce(topic, action, lambda: payloads.variant(shop, variant, old_quantity=old))


def add_market(shop: Shop, *, name: str, countries: Iterable[str]) -> Market:
    """Open a market for countries (ISO 3166 alpha-2)."""
    moment = shop.moment()
    market = Market(
        id=next(shop.market_ids),
        name=name,
        handle=name.lower().replace(" ", "-"),
        created_at=moment,
        updated_at=moment,
    )
    shop.markets[market.id] = market
    market.regions = regions(market, countries)
    shop.announce("markets/create", shop.action(), lambda: payloads.market(market))
    return market


def regions(market: Market, countries: Iterable[str]) -> list[Region]:
    """Return a market's countries, each with an id of its own."""
    return [Region(market.id + number, code) for number, code in enumerate(countries, start=1)]


def change_market(shop: Shop, market: Market, **facts: Any) -> None:
    """Change a market's facts."""
    _assign(market, facts)
    market.updated_at = shop.moment()
    shop.announce("markets/update", shop.action(), lambda: payloads.market(market))


def delete_market(shop: Shop, market: Market) -> None:
    """Delete a market."""
    del shop.markets[market.id]
    shop.announce("markets/delete", shop.action(), lambda: {"id": market.id})


def _assign(record: Any, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        setattr(record, name, value)
