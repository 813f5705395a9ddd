"""The facts of an alert about a variant, as the catalogue and the shop tell them now."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.jobs.work import Runtime
from openstoq.messaging.render import AlertFacts
from openstoq.shops.model import Shop
from openstoq.shops.senders import reply_to_of, sender_of
from openstoq.shops.single_mails import message_id_domain

# Shopify's title for the one variant of a product without options.
NO_OPTIONS = "Default Title"


async def read_products(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int]
) -> dict[int, Mapping[str, Any]]:
    """Return the product of each variant; all of its facts are None if the variant is unknown."""
    rows = await db.fetch(
        """
        SELECT t.id, v.title AS variant, v.price, p.title AS product, p.handle, p.url,
               coalesce(nullif(v.image_url, ''), nullif(p.image_url, '')) AS image_url
        FROM unnest($2::bigint[]) AS t(id)
        LEFT JOIN variants v ON v.shop_id = $1 AND v.id = t.id
        LEFT JOIN products p ON p.shop_id = $1 AND p.id = v.product_id
        """,
        shop_id,
        variant_ids,
    )
    return {row["id"]: dict(row) for row in rows}


def product_page(shop: Shop, product: Mapping[str, Any]) -> str:
    """Return the address of a product's page, or the storefront's if the product has none."""
    storefront, handle = shop.storefront, product["handle"]
    return product["url"] or (f"{storefront}/products/{handle}" if handle else storefront)


def alert_facts(
    runtime: Runtime, shop: Shop, variant_id: int, product: Mapping[str, Any]
) -> AlertFacts:
    """Return the facts of an alert about a variant, from a row of `read_products`."""
    page = product_page(shop, product)
    return AlertFacts(
        shop_name=shop.name,
        shop_url=shop.storefront,
        sender=sender_of(runtime.settings.mail, shop),
        product_title=product["product"] or shop.name,
        variant_title=None if product["variant"] == NO_OPTIONS else product["variant"],
        product_url=f"{page}{'&' if '?' in page else '?'}variant={variant_id}",
        image_url=product["image_url"],
        price=product["price"] if product["price"] is not None else Decimal(0),
        currency=shop.currency,
        message_id_domain=message_id_domain(runtime),
        reply_to=reply_to_of(shop),
        brand=shop.brand,
    )
