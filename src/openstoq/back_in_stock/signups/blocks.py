"""Blocked signups in PostgreSQL, and the statement that makes them pending again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from openstoq.db.conditions import Conditions, containing
from openstoq.db.pool import Connection
from openstoq.errors import Conflict

MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFilter:
    """Conditions on blocked signups; a field that is None is not checked."""

    signup_ids: Sequence[UUID] | None = None
    reason: str | None = None
    since: datetime | None = None
    before: datetime | None = None


async def lift(db: Connection, shop_id: UUID, wanted: BlockFilter, *, now: datetime) -> int:
    """Unblock up to MOST_AT_ONCE signups, newest first; return the number of unblocked signups.

    Several blocked signups that were never notified may share a contact, variant and market. Only
    the newest of them becomes pending. If there is already a pending signup for the same contact,
    variant and market, none of them does. Raises Conflict if a shopper signs up again at the same
    moment.
    """
    where = Conditions()
    where.add("s.shop_id = {}", shop_id)
    where.add_unless_none("s.id = ANY({})", wanted.signup_ids)
    reason = containing(wanted.reason) if wanted.reason is not None else None
    where.add_unless_none("s.blocked_reason ILIKE {}", reason)
    where.add_unless_none("s.blocked_at >= {}", wanted.since)
    where.add_unless_none("s.blocked_at < {}", wanted.before)
    shop, moment, limit = where.bind(shop_id), where.bind(now), where.bind(MOST_AT_ONCE)
    try:
        unblocked: int = await db.fetchval(
            f"""
            WITH blocked AS (
                SELECT s.id, s.created_at, s.notified_at IS NULL AS waits, row_number() OVER (
                    PARTITION BY s.variant_id, s.contact, s.channel, coalesce(s.market_id, 0),
                                 s.notified_at IS NULL
                    ORDER BY s.created_at DESC, s.id DESC) AS place
                FROM signups s
                WHERE {where} AND s.blocked_at IS NOT NULL AND s.unsubscribed_at IS NULL
                  AND NOT (s.notified_at IS NULL AND EXISTS (
                    SELECT FROM signups o
                    WHERE o.shop_id = {shop} AND o.variant_id = s.variant_id
                      AND o.contact = s.contact AND o.channel = s.channel
                      AND coalesce(o.market_id, 0) = coalesce(s.market_id, 0)
                      AND o.notified_at IS NULL AND o.unsubscribed_at IS NULL
                      AND o.blocked_at IS NULL))
            ), chosen AS (
                SELECT id FROM blocked WHERE place = 1 OR NOT waits
                ORDER BY created_at DESC, id DESC LIMIT {limit}
            ), unblocked AS (
                UPDATE signups s SET blocked_at = NULL, blocked_reason = NULL, updated_at = {moment}
                FROM chosen
                WHERE s.shop_id = {shop} AND s.id = chosen.id AND s.blocked_at IS NOT NULL
                RETURNING s.id
            )
            SELECT count(*) FROM unblocked
            """,  # noqa: S608 - constant fragments; every value is a parameter
            *where.parameters,
        )
    except asyncpg.UniqueViolationError as error:
        raise Conflict("a shopper is signing up again right now; unblock again") from error
    return unblocked
