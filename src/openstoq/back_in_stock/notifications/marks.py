"""Marks in PostgreSQL: the outcomes of messages, written together with their signups' states."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from openstoq.back_in_stock.notifications.eligibility import pending
from openstoq.back_in_stock.notifications.waves import Wave
from openstoq.back_in_stock.settings.conditions import EMAIL_IS_ON
from openstoq.catalog.conditions import is_for_sale
from openstoq.db.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The states that a message and its signup get after an attempt to send the message.

    `pause` is the time until the next attempt of a message that is queued again. `is_attempt` is
    false if the attempt does not count, for instance because the relay could not be reached.
    `blocks` is true if the message failed because nobody can be reached at its address; its signup
    is then blocked.
    """

    id: UUID
    signup_id: UUID
    status: str
    error: str | None = None
    pause: timedelta | None = None
    is_attempt: bool = True
    blocks: bool = False
    singled_out: bool = False


async def write(
    db: Connection, shop_id: UUID, wave: Wave, run_id: UUID, marks: Sequence[Mark], *, now: datetime
) -> bool:
    """Write the outcomes of messages, together with the states of their signups.

    Returns whether the wave may go on after that.

    If a message failed, this wave does not notify its signup again, even if the signup is not
    blocked. When a restock notifies one signup of a contact, the contact's other signups for the
    variant, for instance for other markets, count as notified too. A message that a merchant sent
    by hand may stand for several signups, which then all count as notified.
    """
    may_go_on: bool = await db.fetchval(
        _MARK,
        shop_id,
        [mark.id for mark in marks],
        [mark.signup_id for mark in marks],
        [mark.status for mark in marks],
        [mark.error for mark in marks],
        [mark.pause for mark in marks],
        run_id,
        now,
        [mark.is_attempt for mark in marks],
        [mark.blocks for mark in marks],
        [mark.singled_out for mark in marks],
        wave.started_at,
        wave.kind == "restock",
        wave.until,
        wave.variant_id,
    )
    return may_go_on


# The arrays are named twice so that both tables are looked up by key, even if the planner's
# statistics of tables that have just grown are out of date. The signup of a message that is held
# back because the relay may have accepted it counts as notified: only the merchant decides to send
# the message again.
_MARK = f"""
WITH marked AS (
    UPDATE notifications n SET
        status = t.status, error = t.error, lease_until = NULL, sender = NULL,
        sent_at = CASE WHEN t.status = 'sent' THEN $8::timestamptz END,
        next_attempt_at = coalesce(t.due_at, n.next_attempt_at),
        attempts = n.attempts - (NOT t.is_attempt)::integer,
        singled_out = n.singled_out OR t.singled_out
    FROM (SELECT *, now() + pause AS due_at
          FROM unnest($2::uuid[], $4::text[], $5::text[], $6::interval[], $9::boolean[],
                      $10::boolean[], $11::boolean[])
               AS marks (id, status, error, pause, is_attempt, blocks, singled_out)) t
    WHERE n.shop_id = $1 AND n.id = ANY($2) AND n.id = t.id AND n.sender = $7
    RETURNING n.signup_id, n.status, n.error, n.contact, n.channel, n.variant_id, n.stands_for,
              t.blocks
), duplicates AS (
    UPDATE signups s SET notified_at = $8, updated_at = $8
    WHERE s.shop_id = $1 AND s.wave_id IS NULL AND s.notified_at IS NULL AND s.id = ANY(ARRAY(
        SELECT o.id FROM marked, LATERAL (
            SELECT o.id FROM signups o
            WHERE o.shop_id = $1 AND o.contact = marked.contact AND o.channel = marked.channel
              AND o.variant_id = marked.variant_id AND o.id <> marked.signup_id
              AND o.created_at <= $14::timestamptz AND {pending("o")} OFFSET 0) o
        WHERE $13::boolean AND marked.status IN ('sent', 'unknown')
        UNION ALL
        SELECT unnest(marked.stands_for) FROM marked WHERE marked.status IN ('sent', 'unknown')))
), settled AS (
UPDATE signups s SET
    wave_id = CASE WHEN m.status = 'queued' THEN s.wave_id END,
    notified_at = CASE WHEN m.status IN ('sent', 'unknown') THEN $8 ELSE s.notified_at END,
    last_notified_at = CASE WHEN m.status = 'sent' THEN $8 ELSE s.last_notified_at END,
    notifications_sent = s.notifications_sent + (m.status = 'sent')::integer,
    failed_wave_at = CASE WHEN m.status = 'failed' THEN $12::timestamptz
                          ELSE s.failed_wave_at END,
    blocked_at = CASE WHEN m.blocks THEN $8 ELSE s.blocked_at END,
    blocked_reason = CASE WHEN m.status IN ('failed', 'unknown') THEN m.error
                          WHEN m.status = 'sent' THEN NULL ELSE s.blocked_reason END,
    updated_at = $8
FROM marked m
WHERE s.shop_id = $1 AND s.id = ANY($3) AND s.id = m.signup_id
)
SELECT {EMAIL_IS_ON} AND (NOT $13::boolean OR {is_for_sale("$15::bigint")})
"""  # noqa: S608 - constant fragments
