"""Variants in demand: signups counted by variant, as API v1 reports them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from openstoq.back_in_stock.signups.projections import moment
from openstoq.db.pool import Connection
from openstoq.kernel.paging import Page

SortBy = Literal["pending", "total", "last_requested_at"]
Direction = Literal["asc", "desc"]

# sort_by and direction select one of these constants; no text of the request is put into the SQL.
_ORDERS = {
    (column, direction): f"{column} {direction}, variant_id"
    for column in ("pending", "total", "last_requested_at")
    for direction in ("asc", "desc")
}


async def by_variant(
    db: Connection,
    shop_id: UUID,
    *,
    since: datetime | None,
    before: datetime | None,
    sort_by: SortBy,
    direction: Direction,
    page: Page,
) -> tuple[str, bool]:
    """Return a page of variants in demand as a JSON array, and whether another page follows.

    A variant is left out if its latest signup was made earlier than `since`, or not earlier than
    `before`.
    """
    order = _ORDERS[sort_by, direction]
    (row,) = await db.fetch(
        f"""
        WITH demand AS (
            SELECT variant_id, max(product_id) AS product_id, count(*) AS total,
                   count(*) FILTER (WHERE notified_at IS NULL AND unsubscribed_at IS NULL
                                    AND blocked_at IS NULL) AS pending,
                   max(created_at) AS last_requested_at
            FROM signups WHERE shop_id = $1
            GROUP BY variant_id
            HAVING ($2::timestamptz IS NULL OR max(created_at) >= $2)
               AND ($3::timestamptz IS NULL OR max(created_at) < $3)
        ), counted AS (
            SELECT *, row_number() OVER (ORDER BY {order}) AS position FROM demand
        ), shown AS (
            SELECT * FROM counted ORDER BY position OFFSET $4 LIMIT $5
        )
        SELECT (SELECT count(*) FROM counted WHERE position > $4 + $5) > 0 AS more,
               coalesce(json_agg({_VARIANT} ORDER BY d.position), '[]')::text AS json
        FROM shown d
        LEFT JOIN variants v ON v.shop_id = $1 AND v.id = d.variant_id
        LEFT JOIN products p ON p.shop_id = $1 AND p.id = d.product_id
        """,  # noqa: S608 - constant fragments; every value is a parameter
        shop_id,
        since,
        before,
        page.offset,
        page.size,
    )
    return row["json"], row["more"]


_VARIANT = """json_build_object(
    'shopify_variant_id', d.variant_id,
    'shopify_product_id', d.product_id,
    'shopify_inventory_item_id', v.inventory_item_id,
    'total', d.total,
    'pending', d.pending,
    'last_requested_at', {last_requested_at},
    'variant_data', CASE WHEN v.id IS NOT NULL THEN
        json_build_object('id', v.id, 'title', v.title, 'sku', coalesce(v.sku, '')) END,
    'product_data', CASE WHEN p.id IS NOT NULL THEN json_build_object(
        'id', p.id, 'title', p.title, 'vendor', coalesce(p.vendor, ''),
        'variants', (
            SELECT coalesce(json_agg(
                json_build_object('id', o.id, 'title', o.title, 'sku', coalesce(o.sku, '')) ORDER BY o.position
            ), '[]') FROM variants o
            WHERE o.shop_id = $1 AND o.product_id = p.id AND o.deleted_at IS NULL)) END
)""".replace("{last_requested_at}", moment("d.last_requested_at"))
