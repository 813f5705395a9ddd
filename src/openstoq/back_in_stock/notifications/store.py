"""Read the send log from PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.back_in_stock.notifications.model import Status
from openstoq.back_in_stock.signups.model import Channel
from openstoq.back_in_stock.signups.projections import moment
from openstoq.db.conditions import Conditions
from openstoq.db.pool import Connection
from openstoq.kernel.paging import Page

_NOTIFICATION = f"""json_build_object(
    'id', n.id,
    'signup_id', n.signup_id,
    'status', n.status,
    'channel', n.channel,
    'contact', n.contact,
    'variant', json_build_object(
        'shopify_variant_id', n.variant_id,
        'shopify_product_id', n.product_id,
        'title', v.title),
    'attempts', n.attempts,
    'error', n.error,
    'blocked_reason', n.blocked_reason,
    'sent_at', {moment("n.sent_at")},
    'created_at', {moment("n.created_at")}
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Conditions on the messages of a list; a field that is None is not checked."""

    channel: Channel | None = None
    status: Status | None = None
    variant_id: int | None = None
    product_id: int | None = None
    since: datetime | None = None
    before: datetime | None = None


async def page(db: Connection, shop_id: UUID, wanted: Filter, page: Page) -> tuple[str, int]:
    """Return a page of the `wanted` messages as JSON, newest first, and their total number."""
    where = Conditions()
    where.add("n.shop_id = {}", shop_id)
    where.add_unless_none("n.channel = {}", wanted.channel)
    where.add_unless_none("n.status = {}", wanted.status)
    where.add_unless_none("n.variant_id = {}", wanted.variant_id)
    where.add_unless_none("n.product_id = {}", wanted.product_id)
    where.add_unless_none("n.created_at >= {}", wanted.since)
    where.add_unless_none("n.created_at < {}", wanted.before)
    limit, offset = where.bind(page.size), where.bind(page.offset)
    (row,) = await db.fetch(
        f"""
        SELECT (SELECT count(*) FROM notifications n WHERE {where}) AS total, coalesce((
            SELECT json_agg({_NOTIFICATION} ORDER BY n.created_at DESC, n.id DESC)
            FROM (SELECT * FROM notifications n WHERE {where}
                  ORDER BY n.created_at DESC, n.id DESC LIMIT {limit} OFFSET {offset}) n
            LEFT JOIN variants v ON v.shop_id = n.shop_id AND v.id = n.variant_id
        )::text, '[]') AS json
        """,  # noqa: S608 - constant fragments; every value is a parameter
        *where.parameters,
    )
    return row["json"], row["total"]


async def view(db: Connection, shop_id: UUID, notification_id: UUID) -> str | None:
    """Return one message as JSON; None if the shop has no such message."""
    json: str | None = await db.fetchval(
        f"""
        SELECT {_NOTIFICATION}::text FROM notifications n
        LEFT JOIN variants v ON v.shop_id = n.shop_id AND v.id = n.variant_id
        WHERE n.shop_id = $1 AND n.id = $2
        """,  # noqa: S608 - a constant
        shop_id,
        notification_id,
    )
    return json
