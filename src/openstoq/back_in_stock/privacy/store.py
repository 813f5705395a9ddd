"""All data stored about one customer in PostgreSQL, to be exported or deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.kernel.ids import new_id


async def note(db: Connection, shop_id: UUID, topic: str, now: datetime) -> UUID:
    """Record that a privacy request was received, and return the record's id."""
    request_id = new_id()
    await db.execute(
        "INSERT INTO privacy_requests (shop_id, id, topic, received_at) VALUES ($1, $2, $3, $4)",
        shop_id,
        request_id,
        topic,
        now,
    )
    return request_id


async def complete(
    db: Connection, shop_id: UUID, request_id: UUID, outcome: dict[str, Any], now: datetime
) -> None:
    """Record the outcome of a privacy request; `outcome` holds counts, never contacts."""
    await db.execute(
        """
        UPDATE privacy_requests SET completed_at = $3, outcome = $4
        WHERE shop_id = $1 AND id = $2
        """,
        shop_id,
        request_id,
        now,
        outcome,
    )


async def customers(
    db: Connection, shop_id: UUID, *, shopify_id: int | None = None, identities: Sequence[str]
) -> dict[UUID, str | None]:
    """Find the customers with this Shopify id or one of `identities`.

    Returns each customer's country, which may be None, by the customer's id.
    """
    rows = await db.fetch(
        """
        SELECT id, country FROM customers
        WHERE shop_id = $1 AND (shopify_id = $2 OR identity = ANY($3))
        """,
        shop_id,
        shopify_id,
        identities,
    )
    return {row["id"]: row["country"] for row in rows}


async def export(
    db: Connection, shop_id: UUID, customer_ids: Sequence[UUID], *, shopify_id: int | None
) -> dict[str, Any]:
    """Return all data of these customers.

    Signups that a Shopify customer made with the id `shopify_id` are included with their messages,
    even if they belong to other customers.
    """
    (row,) = await db.fetch(
        """
        SELECT
            (SELECT coalesce(jsonb_agg(to_jsonb(c) - 'shop_id'), '[]') FROM customers c
             WHERE c.shop_id = $1 AND c.id = ANY($2)) AS customers,
            (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'shop_id' ORDER BY s.created_at), '[]')
             FROM signups s WHERE s.shop_id = $1
             AND (s.customer_id = ANY($2) OR s.shopify_customer_id = $3)) AS signups,
            (SELECT coalesce(jsonb_agg(to_jsonb(n) - 'shop_id' ORDER BY n.created_at), '[]')
             FROM notifications n JOIN signups s ON s.shop_id = $1 AND s.id = n.signup_id
             WHERE n.shop_id = $1
             AND (s.customer_id = ANY($2) OR s.shopify_customer_id = $3)) AS notifications
        """,
        shop_id,
        customer_ids,
        shopify_id,
    )
    return dict(row)


async def forget(db: Connection, shop_id: UUID, customer_ids: Sequence[UUID]) -> int:
    """Delete customers with their signups and messages; return the number of customers."""
    done = await db.execute(
        "DELETE FROM customers WHERE shop_id = $1 AND id = ANY($2)", shop_id, customer_ids
    )
    return int(done.removeprefix("DELETE "))


async def forget_signups(db: Connection, shop_id: UUID, shopify_id: int) -> None:
    """Delete the signups made under a Shopify customer's id.

    The Shopify customer may have typed somebody else's address, so a signup may belong to another
    customer of ours. That customer is deleted only if nothing else is known about them.
    """
    customer_ids = await db.fetch(
        """
        DELETE FROM signups WHERE shop_id = $1 AND shopify_customer_id = $2
        RETURNING customer_id
        """,
        shop_id,
        shopify_id,
    )
    await db.execute(
        """
        DELETE FROM customers c
        WHERE c.shop_id = $1 AND c.id = ANY($2) AND NOT c.vouched
          AND c.unsubscribed_at IS NULL AND c.shopify_id IS NULL AND c.accepts_marketing IS NULL
          AND NOT EXISTS (
            SELECT FROM signups s WHERE s.shop_id = $1 AND s.customer_id = c.id)
        """,
        shop_id,
        [row["customer_id"] for row in customer_ids],
    )
