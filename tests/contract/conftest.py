"""Tests over the whole registry."""

from uuid import UUID

import pytest

from openstoq.preorders.offers import store as offers
from openstoq.preorders.offers.attachments import resolve
from tests.contract.requests import (
    CREATE,
    MINE,
)
from tests.factories.catalogs import NOON, VARIANT, save
from tests.factories.fixtures import app, client, key, runtime, shop
from tests.factories.orders import make_line, make_order, make_payment

__all__ = ["app", "client", "key", "runtime", "shop"]


@pytest.fixture
async def rich(client, database, shop):
    """A client whose points do not run out during the test."""
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")
    return client


@pytest.fixture
async def signup_id(rich):
    """A signup of the shop, so that there is something to reach for."""
    created = await rich.post("/back_in_stock/signups", json=CREATE)
    assert created.status_code == 202, created.text
    return created.json()["id"]


@pytest.fixture
async def mine(rich, signup_id, database, shop):
    """What the shop has for each kind of action: a signup, offers of every source, a variant."""
    await save(database, shop)
    owned = {"back_in_stock": signup_id, "preorders.product_variants": str(VARIANT)}
    for source in ("custom", "all", "collection"):
        created = await rich.post("/preorders/offers", json={"name": MINE})
        assert created.status_code == 202, created.text
        owned[source] = created.json()["id"]
    body = {"mode": "full_and_partial"}
    await rich.post(f"/preorders/offers/{owned['custom']}/payments/set_mode", json=body)
    async with database.transaction(shop.id) as db:
        for source, collection in (("all", None), ("collection", 77)):
            await db.execute(
                "UPDATE offers SET source = $2, collection_id = $3 WHERE id = $1",
                UUID(owned[source]),
                source,
                collection,
            )
        offer = await offers.load(db, shop.id, UUID(owned["custom"]), lock=True)
        assert await resolve.attach(db, shop.id, offer, [VARIANT], NOON) == []
        owned |= await _orders(db, shop, offer.id)
        # Jobs that wait already would not be enqueued once more.
        await db.execute("DELETE FROM queue.pgqueuer")
    return owned


async def _orders(db, shop, offer_id):
    """An order of which the balance is owed, and one that was paid."""
    owed = await make_order(db, shop.id, 1001, customer_name=MINE, email=f"{MINE}@example.com")
    paid = {"received": 100, "outstanding": 0, "collected_at": NOON, "state": "balance_collected"}
    settled = await make_order(db, shop.id, 1002, customer_name=MINE, **paid)
    for order_id in (1001, 1002):
        parts = {"payment": "partial", "deposit": 20, "balance": 80, "total": 100}
        await make_line(db, shop.id, order_id, line_id=order_id, offer_id=offer_id, **parts)
        facts = {"kind": "deposit", "part": "deposit", "mode": "checkout", "amount": 20}
        await make_payment(db, shop.id, order_id, transaction_id=order_id, **facts)
    await make_payment(db, shop.id, 1002, transaction_id=7)
    return {"preorders.orders": str(owed), "settled": str(settled)}
