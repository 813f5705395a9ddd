"""Read the send log from PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args
from uuid import UUID

from openstoq.back_in_stock.notifications.model import Status
from openstoq.back_in_stock.signups.model import Channel
from openstoq.back_in_stock.signups.projections import moment
from openstoq.db.conditions import Conditions
from openstoq.db.long_lists import Chosen, LongList
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


_NOTIFICATIONS = LongList("notifications", "n", "created_at")


async def page(db: Connection, shop_id: UUID, wanted: Filter, page: Page) -> tuple[str, int]:
    """Return a page of the `wanted` messages as JSON, newest first, and their total number."""
    where = Conditions()
    where.add("n.shop_id = {}", shop_id)
    where.add_unless_none("n.channel = {}", wanted.channel)
    where.add_unless_none("n.status = {}", wanted.status)
    where.add_unless_none("n.variant_id = {}", wanted.variant_id)
    where.add_unless_none("n.product_id = {}", wanted.product_id)
    chosen = Chosen(
        where=where,
        kinds=_kinds(wanted),
        variant_id=wanted.variant_id,
        product_id=wanted.product_id,
        since=wanted.since,
        before=wanted.before,
        is_counted=wanted.variant_id is None or wanted.product_id is None,
    )
    shown = f"""
        SELECT coalesce(json_agg({_NOTIFICATION} ORDER BY n.created_at DESC, n.id DESC), '[]')::text
        FROM {{rows}} n
        LEFT JOIN variants v ON v.shop_id = $1 AND v.id = n.variant_id"""  # noqa: S608 - constant fragments
    return await _NOTIFICATIONS.page(db, chosen, page, shown=shown)


def _kinds(wanted: Filter) -> list[str] | None:
    """Return the pairs of channel and status that match a filter, such as "email sent".

    Returns None if the filter limits neither the channel nor the status.
    """
    if wanted.channel is None and wanted.status is None:
        return None
    return [
        f"{channel} {status}"
        for channel in get_args(Channel)
        for status in get_args(Status)
        if wanted.channel in (None, channel) and wanted.status in (None, status)
    ]


async def view(db: Connection, shop_id: UUID, notification_id: UUID) -> str | None:
    """Return one message as JSON; None if the shop has no such message."""
    json: str | None = await db.fetchval(
        f"""
        SELECT {_NOTIFICATION}::text FROM notifications n
        LEFT JOIN variants v ON v.shop_id = $1 AND v.id = n.variant_id
        WHERE n.shop_id = $1 AND n.id = $2
        """,  # noqa: S608 - a constant
        shop_id,
        notification_id,
    )
    return json
