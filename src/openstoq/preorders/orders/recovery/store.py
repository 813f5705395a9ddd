"""Stalled payments and orders in PostgreSQL, which no job is working on any longer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.jobs.items import PAUSES
from openstoq.preorders.orders.model import PaymentKind


async def stalled_payments(
    db: Connection, shop_id: UUID, before: datetime, but: Sequence[str]
) -> list[tuple[int, UUID, PaymentKind]]:
    """Return charges and refunds under way that have not changed since `before`.

    Each is returned as the id of its order, its own id, and its kind.

    Payments in `but` are left out. Some of them still have a job, such as one that waits for days
    until the shopper authenticates a charge. The others are pausing after a failure.
    """
    rows = await db.fetch(
        """
        SELECT order_id, id, kind FROM preorder_payments
        WHERE shop_id = $1 AND status IN ('pending', 'processing', 'authenticate')
          AND updated_at < $2 AND id::text <> ALL($3)
        ORDER BY updated_at, id LIMIT 500
        """,
        shop_id,
        before,
        but,
    )
    return [(row["order_id"], row["id"], row["kind"]) for row in rows]


async def forget_settled(db: Connection, shop_id: UUID, kind: str) -> None:
    """Delete the stored failures of charges and refunds that have ended.

    `kind` is the kind under which these failures are stored.
    """
    await db.execute(
        """
        DELETE FROM item_faults f WHERE f.shop_id = $1 AND f.kind = $2 AND NOT EXISTS (
            SELECT FROM preorder_payments p WHERE p.shop_id = $1 AND p.id::text = f.item
              AND p.status IN ('pending', 'processing', 'authenticate'))
        """,
        shop_id,
        kind,
    )


async def stalled_orders(
    db: Connection,
    shop_id: UUID,
    before: datetime,
    but: Sequence[str],
    *,
    failed: str,
    now: datetime,
) -> list[int]:
    """Return the ids of stalled orders, whose decisions are not synced to Shopify.

    Only orders that have not changed since `before` are returned. Orders in `but`, and orders whose
    changes Shopify refused, are left out. `failed` is the kind under which other sync failures are
    stored. An order with such a failure is returned once its pause is over, after all orders
    without a failure.
    """
    rows = await db.fetch(
        f"""
        SELECT o.order_id FROM preorder_orders o
        LEFT JOIN item_faults f
          ON f.shop_id = $1 AND f.kind = $4 AND f.item = o.order_id::text
        WHERE o.shop_id = $1 AND o.revision > o.synced_revision
          AND (o.sync_error IS NULL OR NOT {PAUSES.format(now="$5::timestamptz")})
          AND o.updated_at < $2 AND o.order_id::text <> ALL($3)
        ORDER BY f.noted_at NULLS FIRST, o.updated_at, o.order_id LIMIT 500
        """,  # noqa: S608 - a constant
        shop_id,
        before,
        but,
        failed,
        now,
    )
    return [row["order_id"] for row in rows]
