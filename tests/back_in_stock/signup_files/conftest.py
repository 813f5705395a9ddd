"""Tests of waitlists as files: a shop whose catalogue was read, with three variants."""

from datetime import timedelta

import pytest

from openstoq.catalog import pulls
from openstoq.db.pool import Database
from openstoq.shops.model import Shop
from tests.back_in_stock.signup_files.files import LONELY, OTHER, OTHER_PRODUCT
from tests.factories.catalogs import NOON, VARIANT, product, save, variant
from tests.factories.fixtures import app, client, key, runtime, shop
from tests.factories.shops import make_shop

__all__ = ["app", "client", "key", "runtime", "shop"]


@pytest.fixture
async def catalogue(database: Database, shop: Shop) -> None:
    """Two variants of one product, with SKUs of their own, and the only one of another product."""
    await save(
        database,
        shop,
        product(variant(VARIANT, sku="BLUE"), variant(OTHER, sku="RED")),
        product(variant(LONELY, sku="RED-2", product_id=OTHER_PRODUCT), id=OTHER_PRODUCT),
        read_at=NOON - timedelta(days=1),
    )
    async with database.transaction(shop.id) as db:
        await pulls.begin(db, shop.id, everything=True, overlap=timedelta(0), now=NOON)
        await pulls.finish(db, shop.id, NOON)


@pytest.fixture
async def other_shop(database: Database) -> Shop:
    """Another shop, whose catalogue was read and is empty."""
    other = await make_shop(database, "other.myshopify.com")
    async with database.transaction(other.id) as db:
        await pulls.begin(db, other.id, everything=True, overlap=timedelta(0), now=NOON)
        await pulls.finish(db, other.id, NOON)
    return other
