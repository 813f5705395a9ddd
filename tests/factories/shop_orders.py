"""Orders as a shop tells of them, and offers that sell, for tests without a shop."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx

from openstoq.commerce.orders import Order, OrderCustomer, OrderLine
from openstoq.db.pool import Database
from openstoq.kernel.clock import utc_now
from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.plan_group import store as plan_group_store
from openstoq.shops.model import Shop

PLACED = datetime(2026, 7, 1, 12, tzinfo=UTC)
PRICE = Decimal("10.00")


def bought(number: int, *lines: OrderLine, **facts: Any) -> Order:
    """An order, paid in full by a customer of its own unless `facts` say otherwise."""
    total = sum((line.total for line in lines), Decimal(0))
    fields: dict[str, Any] = {
        "id": number,
        "name": f"#{number}",
        "created_at": PLACED,
        "updated_at": PLACED,
        "cancelled_at": None,
        "cancel_reason": None,
        "closed_at": None,
        "test": False,
        "tags": (),
        "email": f"shopper{number}@example.com",
        "phone": None,
        "locale": "en",
        "country": "DE",
        "currency": "EUR",
        "financial_status": "paid",
        "fulfillment_status": "unfulfilled",
        "can_mark_paid": False,
        "original_total": total,
        "total": total,
        "received": total,
        "refunded": Decimal(0),
        "outstanding": Decimal(0),
        "status_url": None,
        "collection_url": None,
        "customer": OrderCustomer(
            id=100_000 + number, name="Ada", email=None, phone=None, locale=None
        ),
        "lines": lines,
        "schedules": (),
        "mandates": (),
        "transactions": (),
        "fulfillment_orders": (),
    }
    return Order(**(fields | facts))


def line(number: int, variant_id: int, quantity: int = 1, **facts: Any) -> OrderLine:
    """A line of so many units, bought under no selling plan unless `facts` name one."""
    fields: dict[str, Any] = {
        "id": number,
        "title": "Snowboard",
        "variant_title": "Blue",
        "sku": None,
        "variant_id": variant_id,
        "product_id": 10,
        "plan_id": None,
        "quantity": quantity,
        "current": quantity,
        "unfulfilled": quantity,
        "unit_price": PRICE,
        "total": PRICE * quantity,
        "properties": {},
    }
    return OrderLine(**(fields | facts))


async def sell(
    client: httpx.AsyncClient,
    database: Database,
    shop: Shop,
    variants: Sequence[int],
    plan_id: int,
    **documents: Any,
) -> UUID:
    """Make an enabled offer that sells variants under a plan; `documents` are patched."""
    made = (await client.post("/preorders/offers", json={})).json()
    offer_id = UUID(made["id"])
    async with database.transaction(shop.id) as db:
        offer = await store.load(db, shop.id, offer_id, lock=True)
        assert offer is not None
        await resolve.attach(db, shop.id, offer, variants, utc_now())
        await plan_group_store.save_group(
            db, shop.id, offer_id, group_id=plan_id, plan_ids={"full": plan_id}, digest=b""
        )
    for name, document in documents.items():
        answer = await client.patch(f"/preorders/offers/{offer_id}/{name}", json=document)
        assert answer.status_code == 202, answer.text
    enabled = await client.post(f"/preorders/offers/{offer_id}/enable", json={})
    assert enabled.status_code == 202, enabled.text
    return offer_id
