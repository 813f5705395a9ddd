"""Webhook deliveries in PostgreSQL: each is stored once, before it is processed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.commerce.inbound import Delivery
from openstoq.db.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A delivery that is still to be processed by the subscribers that are not in `heard`."""

    topic: str
    triggered_at: datetime
    body: bytes
    heard: list[str]


async def store(
    db: Connection, shop_id: UUID, delivery: Delivery, body: bytes, *, now: datetime
) -> bool:
    """Store a delivery; return whether it is new."""
    done = await db.execute(
        """
        INSERT INTO webhook_deliveries
            (shop_id, webhook_id, event_id, topic, triggered_at, received_at, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        shop_id,
        delivery.webhook_id,
        delivery.event_id,
        delivery.topic,
        delivery.triggered_at or now,
        now,
        body,
    )
    return done == "INSERT 0 1"


async def load(db: Connection, shop_id: UUID, webhook_id: str) -> Stored | None:
    """Load and lock a delivery; return None if it is done, or so old that its body was emptied."""
    row = await db.fetchrow(
        """
        SELECT topic, triggered_at, body, heard FROM webhook_deliveries
        WHERE shop_id = $1 AND webhook_id = $2 AND done_at IS NULL AND body IS NOT NULL
        FOR UPDATE
        """,
        shop_id,
        webhook_id,
    )
    return Stored(**dict(row)) if row is not None else None


async def note(
    db: Connection,
    shop_id: UUID,
    webhook_id: str,
    *,
    heard: Sequence[str],
    done_at: datetime | None,
    error: str | None,
) -> None:
    """Record which subscribers have handled a delivery, whether it is done, and its failures."""
    await db.execute(
        """
        UPDATE webhook_deliveries SET heard = $3, done_at = $4, error = $5
        WHERE shop_id = $1 AND webhook_id = $2
        """,
        shop_id,
        webhook_id,
        heard,
        done_at,
        error,
    )


async def empty_bodies(db: Connection, shop_id: UUID, most: int) -> int:
    """Empty the bodies of up to `most` week-old deliveries; return how many were emptied.

    Bodies may contain customers' addresses. Deliveries that could not be processed are included,
    and can no longer be processed afterwards.
    """
    emptied: int = await db.fetchval(
        """
        WITH emptied AS (
            UPDATE webhook_deliveries SET body = NULL
            WHERE shop_id = $1 AND webhook_id IN (
                SELECT webhook_id FROM webhook_deliveries
                WHERE shop_id = $1 AND received_at < now() - interval '7 days' AND body IS NOT NULL
                LIMIT $2)
            RETURNING 1
        )
        SELECT count(*) FROM emptied
        """,
        shop_id,
        most,
    )
    return emptied


async def forget(db: Connection, shop_id: UUID, most: int) -> int:
    """Delete up to `most` deliveries older than 30 days, processed or not; return how many."""
    forgotten: int = await db.fetchval(
        """
        WITH forgotten AS (
            DELETE FROM webhook_deliveries WHERE shop_id = $1 AND webhook_id IN (
                SELECT webhook_id FROM webhook_deliveries
                WHERE shop_id = $1 AND received_at < now() - interval '30 days' LIMIT $2)
            RETURNING 1
        )
        SELECT count(*) FROM forgotten
        """,
        shop_id,
        most,
    )
    return forgotten
