"""All data stored about a customer's preorders in PostgreSQL, to be exported or erased."""

from typing import Any
from uuid import UUID

from openstoq.commerce.inbound import PrivacyRequest
from openstoq.db.pool import Connection
from openstoq.kernel.contacts import email_forms


async def orders_of(db: Connection, shop_id: UUID, request: PrivacyRequest) -> list[int]:
    """Return the ids of a customer's preorders, by customer id, order ids or e-mail address."""
    rows = await db.fetch(
        """
        SELECT order_id FROM preorder_orders
        WHERE shop_id = $1
          AND (customer_id = $2 OR order_id = ANY($3) OR lower(email) = ANY($4))
        ORDER BY order_id
        """,
        shop_id,
        request.customer_id,
        list(request.order_ids),
        email_forms(request.email),
    )
    return [row["order_id"] for row in rows]


async def export(db: Connection, shop_id: UUID, order_ids: list[int]) -> dict[str, Any]:
    """Return everything that is stored about these orders."""
    row = await db.fetchrow(
        """
        SELECT
            (SELECT coalesce(jsonb_agg(to_jsonb(o) - 'shop_id' ORDER BY o.placed_at), '[]')
             FROM preorder_orders o WHERE o.shop_id = $1 AND o.order_id = ANY($2)) AS orders,
            (SELECT coalesce(jsonb_agg(to_jsonb(l) - 'shop_id' ORDER BY l.line_id), '[]')
             FROM preorder_lines l WHERE l.shop_id = $1 AND l.order_id = ANY($2)) AS lines,
            (SELECT coalesce(jsonb_agg(to_jsonb(p) - 'shop_id' ORDER BY p.created_at), '[]')
             FROM preorder_payments p WHERE p.shop_id = $1 AND p.order_id = ANY($2)) AS payments
        """,
        shop_id,
        order_ids,
    )
    return dict(row) if row is not None else {}


async def forget(db: Connection, shop_id: UUID, order_ids: list[int]) -> None:
    """Erase from these orders the customer's identity, links, payment methods and free texts.

    The free texts are the merchant's, such as the reason of a cancellation. They may name the
    customer.
    """
    await db.execute(
        """
        UPDATE preorder_orders SET customer_id = NULL, customer_name = NULL, email = NULL,
            phone = NULL, locale = NULL, cancel_reason = NULL,
            snapshot = snapshot || '{"status_url": null, "collection_url": null, "mandates": []}'
        WHERE shop_id = $1 AND order_id = ANY($2)
        """,
        shop_id,
        order_ids,
    )
    await db.execute(
        """
        UPDATE preorder_payments SET note = NULL
        WHERE shop_id = $1 AND order_id = ANY($2) AND note IS NOT NULL
        """,
        shop_id,
        order_ids,
    )
