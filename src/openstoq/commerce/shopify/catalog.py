"""Pull a shop's facts, locations and products."""

from collections.abc import AsyncIterator, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from openstoq.commerce.port import EVER, Location, Product, ProductPage, ShopFacts, Variant
from openstoq.commerce.shopify import stock
from openstoq.commerce.shopify.answers import TooExpensive, readable, reading
from openstoq.commerce.shopify.batches import Batches
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.pages import next_cursor
from openstoq.kernel.alone import alone
from openstoq.kernel.clock import rfc3339, utc_now
from openstoq.kernel.ids import gid

_MOST = 250
_PRODUCTS, _VARIANTS = 50, 25
# A read does not fail for lack of pictures, because they may need a permission of their own.
_PICTURES = frozenset({"featuredMedia", "media"})


async def shop(client: Client) -> ShopFacts:
    """Read the facts about the shop."""
    answer = await client.execute("ShopFacts")
    with reading("ShopFacts"):
        told = answer.whole(optional=frozenset({"email", "contactEmail", "shopAddress"})).inside(
            "shop"
        )
        plan = told.inside("plan")
        return ShopFacts(
            id=told.id("id"),
            name=told.text("name"),
            email=told.text_or_none("email"),
            contact_email=told.text_or_none("contactEmail"),
            domain=told.text("myshopifyDomain"),
            url=told.inside("primaryDomain").text("url"),
            currency=told.text("currencyCode"),
            timezone=told.text("ianaTimezone"),
            country=told.inside("shopAddress").text_or_none("countryCodeV2"),
            plan=plan.text("publicDisplayName"),
            is_plus=plan.flag_or_none("shopifyPlus") is True,
        )


async def locations(client: Client) -> list[Location]:
    """Read every location."""
    found: list[Location] = []
    after: str | None = None
    while True:
        answer = await client.execute("LocationsPage", first=_MOST, after=after)
        with reading("LocationsPage"):
            page = answer.whole().inside("locations")
            found += readable("LocationsPage", page.each("nodes"), _location)
            after = next_cursor(page)
        if after is None:
            return found


async def product_pages(
    client: Client, *, after: str | None, updated_since: datetime | None
) -> AsyncIterator[ProductPage]:
    """Read the catalogue page by page; if a page proves too large, halve the page size."""
    size = _PRODUCTS
    query = None if updated_since is None else f"updated_at:>='{rfc3339(updated_since)}'"
    while True:
        try:
            answer = await client.execute(
                "ProductsPage", first=size, after=after, query=query, variants=_VARIANTS
            )
        except TooExpensive:
            if size == 1:
                raise
            size //= 2
            continue
        with reading("ProductsPage"):
            page = answer.whole(optional=_PICTURES).inside("products")
            pictures = not answer.failed(_PICTURES)
            read = partial(_product, pictures=pictures)
            malformed: dict[int, str] = {}
            begun = list(readable("ProductsPage", page.each("nodes"), read, malformed))
            after = next_cursor(page)
        products = await _all_completed(client, begun, malformed)
        items = [
            variant.inventory_item_id
            for product in products
            for variant in product.variants
            if variant.inventory_item_id is not None
        ]
        unreadable: dict[int, str] = {}
        found = await stock.levels(client, items, unreadable)
        yield ProductPage(products, tuple(found), after, unreadable, malformed)
        if after is None:
            return


async def product(client: Client, product_id: int) -> Product | None:
    """Read one product with all its variants."""
    answer = await client.execute("ProductById", id=gid("Product", product_id), variants=_MOST)
    with reading("ProductById"):
        told = answer.whole(optional=_PICTURES)
        if not told.has("product"):
            return None
        part, rest = _product(told.inside("product"), pictures=not answer.failed(_PICTURES))
    return await _completed(client, part, rest)


async def variants(client: Client, variant_ids: Sequence[int]) -> list[Variant]:
    """Read any number of variants, in batches."""
    found: list[Variant] = []
    batches = Batches([gid("ProductVariant", number) for number in variant_ids])
    while ids := batches.next():
        try:
            answer = await client.execute("VariantsByIds", ids=ids)
        except TooExpensive:
            batches.halve()
            continue
        batches.done(answer.cost.requested)
        with reading("VariantsByIds"):
            pictures = not answer.failed(_PICTURES)
            nodes = answer.whole(optional=_PICTURES).each("nodes")
            read = partial(_variant_of_product, pictures=pictures)
            found += readable("VariantsByIds", [one for one in nodes if one.has("id")], read)
    return found


async def _all_completed(
    client: Client,
    begun: Sequence[tuple[Product, str | None]],
    malformed: MutableMapping[int, str],
) -> tuple[Product, ...]:
    found: list[Product] = []
    for part, rest in begun:
        with alone("ProductVariantsPage", part.id, malformed):
            found.append(await _completed(client, part, rest))
    return tuple(found)


async def _completed(client: Client, part: Product, rest: str | None) -> Product:
    variants = list(part.variants)
    while rest is not None:
        answer = await client.execute(
            "ProductVariantsPage", id=gid("Product", part.id), first=_MOST, after=rest
        )
        with reading("ProductVariantsPage"):
            # A product that was deleted meanwhile has no further variants.
            page = answer.whole(optional=_PICTURES).inside("product").inside("variants")
            pictures = not answer.failed(_PICTURES)
            variants += [
                _variant(node, part.id, pictures=pictures) for node in page.distinct("nodes")
            ]
            rest = next_cursor(page)
    return replace(part, variants=tuple(variants))


def _location(node: Fields) -> Location:
    return Location(
        id=node.id("id"),
        name=node.text("name"),
        active=node.flag_or_none("isActive") is not False,
        updated_at=node.moment_or_none("updatedAt"),
        sells_online=node.flag_or_none("fulfillsOnlineOrders") is not False,
    )


def _variant_of_product(node: Fields, *, pictures: bool) -> Variant:
    return _variant(node, node.inside("product").id("id"), pictures=pictures)


def _product(node: Fields, *, pictures: bool) -> tuple[Product, str | None]:
    number = node.id("id")
    connection = node.inside("variants")
    media = [node.inside("featuredMedia")] if node.has("featuredMedia") else []
    product = Product(
        id=number,
        title=node.text("title"),
        handle=node.text("handle"),
        vendor=node.text("vendor"),
        tags=node.texts("tags"),
        status=node.text("status").lower(),
        url=node.text_or_none("onlineStoreUrl"),
        image_url=_picture(media) if pictures else None,
        updated_at=node.moment_or_none("updatedAt"),
        variants=tuple(
            _variant(each, number, pictures=pictures) for each in connection.distinct("nodes")
        ),
        published_at=_publication(node),
    )
    return product, next_cursor(connection)


def _publication(node: Fields) -> datetime | None:
    """Return the time at which the online store began or will begin to show a product.

    If the store does not show the product, only a time in the future is returned, otherwise None.
    """
    published_at = node.moment_or_none("publishedAt")
    if node.text_or_none("onlineStoreUrl") is not None:
        return published_at or EVER
    # Without an address, only a publication that lies ahead is believed.
    return published_at if published_at is not None and published_at > utc_now() else None


def _variant(node: Fields, product_id: int, *, pictures: bool) -> Variant:
    item = node.inside("inventoryItem")
    return Variant(
        id=node.id("id"),
        product_id=product_id,
        title=node.text("title"),
        sku=node.text_or_none("sku"),
        price=node.amount_or_none("price"),
        compare_at_price=node.amount_or_none("compareAtPrice"),
        inventory_item_id=item.id("id"),
        inventory_policy="continue" if node.text("inventoryPolicy") == "CONTINUE" else "deny",
        tracked=item.flag_or_none("tracked") is not False,
        image_url=_picture(node.inside("media").each("nodes")) if pictures else None,
        position=node.count("position"),
        updated_at=node.moment_or_none("updatedAt"),
    )


def _picture(media: list[Fields]) -> str | None:
    # A picture that the shop still processes has no address yet.
    return media[0].inside("preview").inside("image").text_or_none("url") if media else ""
