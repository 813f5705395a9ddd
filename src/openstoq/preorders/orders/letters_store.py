"""Which orders a merchant's mail is about, in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from openstoq.db.pool import Connection


async def known(
    db: Connection, shop_id: UUID, *, ids: Sequence[UUID] = (), order_ids: Sequence[int] = ()
) -> list[int]:
    """Return those preorder orders, by the platform's ids, that one of ours or of its ids names."""
    rows = await db.fetch(
        """
        SELECT order_id FROM preorder_orders
        WHERE shop_id = $1 AND (id = ANY($2) OR order_id = ANY($3)) ORDER BY order_id
        """,
        shop_id,
        ids,
        order_ids,
    )
    return [row["order_id"] for row in rows]
