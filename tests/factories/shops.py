"""Shops and their keys."""

from uuid import UUID

from openstoq.db.pool import Database
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.shops import store
from openstoq.shops.model import Shop


async def make_shop(database: Database, domain: str = "snowdevil.myshopify.com") -> Shop:
    shop_id: UUID = new_id()
    async with database.transaction(shop_id) as db:
        await store.save(
            db, shop_id, domain=domain, name=domain.split(".", maxsplit=1)[0], now=utc_now()
        )
        shop = await store.load(db, shop_id)
    assert shop is not None
    return shop


async def make_key(database: Database, shop: Shop) -> str:
    async with database.transaction(shop.id) as db:
        return await store.add_key(db, shop.id, name="test", now=utc_now())
