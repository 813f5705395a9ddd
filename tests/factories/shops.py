"""Shops and their keys."""

from uuid import UUID

from openstoq.db.pool import Database
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.shops import store
from openstoq.shops.model import Shop
from openstoq.shops.seal import Seal
from tests.factories.runtimes import KEY


async def make_shop(database: Database, domain: str = "snowdevil.myshopify.com") -> Shop:
    shop_id: UUID = new_id()
    async with database.transaction(shop_id) as db:
        await store.save(
            db, shop_id, domain=domain, name=domain.split(".", maxsplit=1)[0], now=utc_now()
        )
        shop = await store.load(db, shop_id)
    assert shop is not None
    return shop


async def install_shop(
    database: Database, api_url: str, token: str, email: str | None = None
) -> Shop:
    """Make a shop that has installed us: with its token, and where its Admin API is."""
    shop_id: UUID = new_id()
    async with database.transaction(shop_id) as db:
        await store.save(
            db,
            shop_id,
            domain="snowdevil.myshopify.com",
            name="Snowdevil",
            now=utc_now(),
            api_url=api_url,
            access_token=Seal(KEY).close(token),
        )
        await db.execute("UPDATE shops SET email = coalesce($1, email)", email)
        shop = await store.load(db, shop_id)
    assert shop is not None
    return shop


async def make_key(database: Database, shop: Shop) -> str:
    async with database.transaction(shop.id) as db:
        return await store.add_key(db, shop.id, name="test", now=utc_now())


async def set_zone(database: Database, shop: Shop, zone: str) -> None:
    """Have a shop be in another time zone, as if that had been read from Shopify."""
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET timezone = $1", zone)
