"""Doing what Shopify's privacy webhooks require of preorders: telling and forgetting customers."""

from typing import Any
from uuid import UUID

from openstoq.commerce.inbound import CustomerRedacted, DataRequested, PrivacyRequest
from openstoq.db.pool import Connection
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run, Work
from openstoq.kernel.ids import new_id
from openstoq.shops import store as shops
from openstoq.shops.mails import send_customer_data
from openstoq.shops.webhooks import News

jobs = JobSet("preorders.privacy")


@jobs.job(attempts=30)
async def send_customer_orders(run: Run, *, notice_id: UUID, order_ids: list[int]) -> None:
    """Mail the merchant what is stored of a customer's preorders, who passes it on."""
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        data = await _export(work.db, work.shop_id, order_ids)
    await send_customer_data(run, shop, notice_id, subject_of="a customer's preorders", data=data)


async def on_news(work: Work, news: News) -> None:
    """Tell or forget a customer; the orders and their money stay for the books."""
    match news.change:
        case DataRequested(request):
            found = await _orders_of(work.db, work.shop_id, request)
            if found:
                work.enqueue(send_customer_orders, notice_id=new_id(), order_ids=found)
        case CustomerRedacted(request):
            found = await _orders_of(work.db, work.shop_id, request)
            await _forget(work.db, work.shop_id, found)
        case _:
            return


async def _orders_of(db: Connection, shop_id: UUID, request: PrivacyRequest) -> list[int]:
    rows = await db.fetch(
        """
        SELECT order_id FROM preorder_orders
        WHERE shop_id = $1
          AND (customer_id = $2 OR order_id = ANY($3) OR lower(email) = lower($4))
        ORDER BY order_id
        """,
        shop_id,
        request.customer_id,
        list(request.order_ids),
        request.email,
    )
    return [row["order_id"] for row in rows]


async def _export(db: Connection, shop_id: UUID, order_ids: list[int]) -> dict[str, Any]:
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


async def _forget(db: Connection, shop_id: UUID, order_ids: list[int]) -> None:
    await db.execute(
        """
        UPDATE preorder_orders SET customer_name = NULL, email = NULL, phone = NULL,
            snapshot = snapshot || '{"status_url": null, "collection_url": null, "mandates": []}'
        WHERE shop_id = $1 AND order_id = ANY($2)
        """,
        shop_id,
        order_ids,
    )
