"""Payments in PostgreSQL: the orders that are due to be charged."""

from datetime import datetime
from uuid import UUID

from openstoq.db.pool import Connection


async def due(db: Connection, shop_id: UUID, now: datetime) -> list[int]:
    """Return the ids of orders whose balance is to be charged now, for the first time or again.

    A balance is due on its due date or, if it is collected on fulfillment, once units were
    shipped. Orders for which a charge could not be begun come last, the most recent failure at the
    end, so that they do not delay others.
    """
    rows = await db.fetch(
        """
        SELECT due.order_id FROM (
        SELECT o.order_id FROM preorder_orders o
        WHERE o.shop_id = $1 AND o.collected_at IS NULL AND o.cancelled_at IS NULL
          AND o.balance > 0 AND o.outstanding > 0 AND o.state <> 'refunded'
          AND (o.collect = 'when_due' AND o.due_at <= $2
               OR o.collect = 'when_fulfilled' AND EXISTS (
                   SELECT FROM preorder_lines l WHERE l.shop_id = $1
                   AND l.order_id = o.order_id AND l.unfulfilled < l.current))
          AND NOT EXISTS (SELECT FROM preorder_payments p WHERE p.shop_id = $1
                          AND p.order_id = o.order_id AND p.kind = 'balance'
                          AND p.mode = 'auto')
        UNION
        SELECT order_id FROM preorder_payments WHERE shop_id = $1 AND retry_at <= $2
        ) due
        LEFT JOIN item_faults f
          ON f.shop_id = $1 AND f.kind = 'balance' AND f.item = due.order_id::text
        ORDER BY f.noted_at NULLS FIRST, due.order_id LIMIT 500
        """,
        shop_id,
        now,
    )
    return [row["order_id"] for row in rows]
