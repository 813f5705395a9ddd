"""Preorder orders as rows, for tests that need an order and not how it came about."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id


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
    names = ", ".join(row)
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await db.execute(
        f"INSERT INTO preorder_orders ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608 - names of columns
        *row.values(),
    )
    return UUID(str(row["id"]))
