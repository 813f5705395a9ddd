"""Products, variants and stock, and the moments at which they change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from openstoq.catalog import products, stock
from openstoq.catalog.model import StockChanged
from openstoq.commerce.port import InventoryLevel, Product, Variant
from openstoq.db.pool import Database
from openstoq.shops.model import Shop

VARIANT, PRODUCT, ITEM, LOCATION = 11, 10, 12, 13
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def seconds_after_noon(seconds: float) -> datetime:
    """A moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def variant(number: int = VARIANT, **changes: Any) -> Variant:
    fields: dict[str, Any] = {
        "id": number,
        "product_id": PRODUCT,
        "title": "Blue / 154",
        "sku": "SNOW-154",
        "price": Decimal("129.90"),
        "compare_at_price": None,
        "inventory_item_id": number + ITEM - VARIANT,
        "inventory_policy": "deny",
        "tracked": True,
        "image_url": "https://cdn.test/blue.png",
        "position": 1,
        "updated_at": seconds_after_noon(0),
    }
    return Variant(**(fields | changes))


def product(*variants: Variant, **changes: Any) -> Product:
    fields: dict[str, Any] = {
        "id": PRODUCT,
        "title": "Snowboard",
        "handle": "snowboard",
        "vendor": "Snowdevil",
        "status": "active",
        "url": "https://snowdevil.test/products/snowboard",
        "image_url": "https://cdn.test/board.png",
        "updated_at": seconds_after_noon(0),
        "variants": variants or (variant(),),
    }
    return Product(**(fields | changes))


def level(
    available: int,
    *,
    item: int = ITEM,
    location: int = LOCATION,
    told_at: float | None = 0.0,
    active: bool = True,
) -> InventoryLevel:
    """A level, with Shopify's time in whole seconds; None is a message that does not say."""
    updated_at = None if told_at is None else seconds_after_noon(int(told_at))
    return InventoryLevel(item, location, available, updated_at, active)


async def save(database: Database, shop: Shop, *saved: Product, read_at: datetime = NOON) -> None:
    async with database.transaction(shop.id) as db:
        await products.save(db, shop.id, saved or [product()], read_at=read_at)


async def record(
    database: Database,
    shop: Shop,
    *levels: InventoryLevel,
    seconds: float = 0.0,
    complete_items: Sequence[int] = (),
) -> list[StockChanged]:
    """Record levels as news that set out `seconds` after noon."""
    async with database.transaction(shop.id) as db:
        return await stock.record(
            db,
            shop.id,
            levels,
            triggered_at=seconds_after_noon(seconds),
            now=seconds_after_noon(seconds),
            complete_items=complete_items,
        )


async def variant_row(
    database: Database, shop: Shop, number: int = VARIANT
) -> asyncpg.Record | None:
    async with database.transaction(shop.id) as db:
        return await db.fetchrow(
            "SELECT * FROM variants WHERE shop_id = $1 AND id = $2", shop.id, number
        )


async def somebody_waits(database: Database) -> bool:
    """Whether a transaction on this database waits for another's lock."""
    row = await database.call(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity a USING (pid) "
        "WHERE NOT granted AND a.datname = current_database()"
    )
    return row is not None and row[0] > 0
