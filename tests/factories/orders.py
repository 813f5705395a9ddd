"""Preorder orders as rows, for tests that need an order and not how it came about."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers import store as offers
from openstoq.preorders.offers.model import Offer


async def make_order(db: Connection, shop_id: UUID, order_id: int = 1001, **facts: Any) -> UUID:
    """Insert an order unless there is one of that id; `facts` are columns. Return our id of it."""
    now = utc_now()
    row: dict[str, Any] = {
        "shop_id": shop_id,
        "order_id": order_id,
        "id": new_id(),
        "name": f"#{order_id}",
        "placed_at": now,
        "customer_id": 501,
        "customer_name": "Ada Lovelace",
        "email": "ada@example.com",
        "locale": "en",
        "country": "DE",
        "currency": "USD",
        "shop_updated_at": now,
        "total": 100,
        "received": 20,
        "refunded": 0,
        "outstanding": 80,
        "deposit": 20,
        "balance": 80,
        "due_at": now + timedelta(days=30),
        "snapshot": {},
        "state": "awaiting_balance",
        "created_at": now,
        "updated_at": now,
        **facts,
    }
    await _insert(db, "preorder_orders", row)
    return UUID(str(row["id"]))


async def make_line(
    db: Connection, shop_id: UUID, order_id: int = 1001, *, line_id: int = 1, **facts: Any
) -> None:
    """Insert a line of two units, of an offer of its own unless `offer_id` is among the facts."""
    now = utc_now()
    if "offer_id" not in facts:
        offer = Offer(id=new_id(), created_at=now, updated_at=now)
        await offers.add(db, shop_id, offer)
        facts["offer_id"] = offer.id
    row = {
        "shop_id": shop_id,
        "line_id": line_id,
        "order_id": order_id,
        "variant_id": 11,
        "title": "Trail Jacket",
        "variant_title": "Blue / M",
        "ordered": 2,
        "current": 2,
        "unfulfilled": 2,
        "counted": 2,
        "created_at": now,
        **facts,
    }
    await _insert(db, "preorder_lines", row)


async def make_payment(db: Connection, shop_id: UUID, order_id: int = 1001, **facts: Any) -> UUID:
    """Insert an entry of an order's ledger: a charge of its balance that succeeded."""
    now = utc_now()
    payment_id = new_id()
    row = {
        "shop_id": shop_id,
        "id": payment_id,
        "order_id": order_id,
        "kind": "balance",
        "part": "balance",
        "mode": "auto",
        "amount": 80,
        "currency": "USD",
        "status": "succeeded",
        "idempotency_key": str(payment_id),
        "attempts": 1,
        "created_at": now,
        "updated_at": now,
        **facts,
    }
    await _insert(db, "preorder_payments", row)
    return payment_id


async def _insert(db: Connection, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await db.execute(
        f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608 - names of tables and columns
        *row.values(),
    )
