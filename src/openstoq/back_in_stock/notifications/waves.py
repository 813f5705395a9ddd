"""Waves in PostgreSQL: each is a durable decision to notify shoppers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from openstoq.back_in_stock.notifications.eligibility import WAITED_FOR
from openstoq.back_in_stock.settings.conditions import EMAIL_IS_ON
from openstoq.back_in_stock.signups.model import Signup
from openstoq.catalog import stock
from openstoq.catalog.conditions import is_closed, is_for_sale
from openstoq.db.pool import Connection
from openstoq.kernel.ids import new_id

EndedBy = Literal["all_told", "sold_out", "closed", "uninstalled", "switched_off"]
# Why a message that was tried is given up when its wave ends.
_GIVEN_UP: dict[EndedBy, str] = {
    "sold_out": "sold out again",
    "closed": "nobody can open the product",
    "uninstalled": "the app was removed",
    "switched_off": "the e-mail channel is off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A wave that has not ended."""

    id: UUID
    kind: Literal["restock", "manual"]
    variant_id: int | None
    started_at: datetime
    refusals: int = 0
    """The number of the wave's consecutive runs that the relay stopped."""
    listed_until: datetime | None = None
    """Set if the wave goes on for signups that became ready after its restock."""

    @property
    def until(self) -> datetime:
        """The time at which the wave's list ends: signups made later are left to another wave."""
        return self.listed_until or self.started_at


async def start_restock(
    db: Connection, shop_id: UUID, variant_id: int, *, quantity: int, now: datetime
) -> UUID | None:
    """Start a wave if the variant was sold out since its last wave; return the wave's id.

    Returns None if the variant was not sold out since, or if nobody can open its product. Starting
    a wave clears `sold_out_at`, so that the result does not depend on which of two hosts' clocks is
    ahead. If an earlier wave has not ended, no second wave is started beside it: the earlier wave
    is extended to the signups made since, and its id is returned.
    """
    if not await stock.answer_sold_out(db, shop_id, [variant_id]):
        return None
    wave_id: UUID = await db.fetchval(
        """
        INSERT INTO waves AS w (shop_id, id, kind, variant_id, quantity, started_at)
        VALUES ($1, $2, 'restock', $3, $4, $5)
        ON CONFLICT (shop_id, variant_id) WHERE kind = 'restock' AND finished_at IS NULL
        DO UPDATE SET started_at = excluded.started_at, quantity = excluded.quantity,
            listed_until = NULL
        RETURNING w.id
        """,
        shop_id,
        new_id(),
        variant_id,
        quantity,
        now,
    )
    return wave_id


async def start_manual(
    db: Connection, shop_id: UUID, signups: Sequence[Signup], *, now: datetime
) -> UUID:
    """Start a wave for exactly these signups, which the caller has locked.

    Several signups of a contact for one variant, for instance for several markets, get one message.
    """
    wave_id = new_id()
    groups: dict[tuple[str, str, int], list[UUID]] = {}
    for signup in sorted(signups, key=lambda one: one.id):
        groups.setdefault((signup.channel, signup.contact, signup.variant_id), []).append(signup.id)
    await db.execute(
        "INSERT INTO waves (shop_id, id, kind, started_at) VALUES ($1, $2, 'manual', $3)",
        shop_id,
        wave_id,
        now,
    )
    await db.execute(
        """
        WITH asked AS (
            SELECT t.id, (t.ids::uuid[])[1] AS signup_id, (t.ids::uuid[])[2:] AS others
            FROM unnest($3::uuid[], $4::text[]) AS t(id, ids)
        ), held AS (
            UPDATE signups s SET wave_id = $2, updated_at = $5 FROM asked
            WHERE s.shop_id = $1 AND s.id = asked.signup_id
            RETURNING s.*, asked.id AS notification_id, asked.others
        )
        INSERT INTO notifications (shop_id, id, wave_id, signup_id, channel, contact, variant_id,
                                   product_id, status, next_attempt_at, created_at, stands_for)
        SELECT $1, held.notification_id, $2, held.id, held.channel, held.contact, held.variant_id,
               held.product_id, 'queued', now(), $5, held.others
        FROM held
        """,
        shop_id,
        wave_id,
        [new_id() for _ in groups],
        # An array of arrays would have to be rectangular, so each group travels as one text.
        ["{" + ",".join(str(one) for one in ids) + "}" for ids in groups.values()],
        now,
    )
    return wave_id


async def load(db: Connection, shop_id: UUID, wave_id: UUID) -> Wave | None:
    """Read a wave; return None if it has ended or does not exist."""
    row = await db.fetchrow(
        """
        SELECT id, kind, variant_id, started_at, refusals, listed_until FROM waves
        WHERE shop_id = $1 AND id = $2 AND finished_at IS NULL
        """,
        shop_id,
        wave_id,
    )
    return Wave(**dict(row)) if row is not None else None


async def note_refusals(
    db: Connection, shop_id: UUID, wave_id: UUID, refusals: int, error: str | None
) -> None:
    """Record how many runs of a wave in a row the relay has stopped, and the latest reason."""
    await db.execute(
        "UPDATE waves SET refusals = $3, error = $4 WHERE shop_id = $1 AND id = $2",
        shop_id,
        wave_id,
        refusals,
        error,
    )


async def hold(db: Connection, shop_id: UUID, wave: Wave) -> bool:
    """Lock a wave in order to end it; return whether it may be ended.

    The caller may not end a wave that was ended or extended since `wave` was loaded.

    The lock waits for claims of the wave's messages that have not committed yet; the statements
    that follow see them. A concurrent restock waits for the lock. If this transaction ends the
    wave, the restock then starts a wave of its own.
    """
    return bool(
        await db.fetchval(
            """
            SELECT true FROM waves
            WHERE shop_id = $1 AND id = $2 AND started_at = $3 AND finished_at IS NULL
              AND listed_until IS NOT DISTINCT FROM $4 FOR UPDATE
            """,
            shop_id,
            wave.id,
            wave.started_at,
            wave.listed_until,
        )
    )


async def reason_to_end(db: Connection, shop_id: UUID, wave: Wave) -> EndedBy | None:
    """Return why a wave must end now; return None if it may go on.

    Any wave ends when the e-mail channel is off. A restock's wave also ends when the variant is
    sold out, or when nobody can open its product. A manual wave depends on neither.
    """
    row = await db.fetchrow(
        f"""SELECT {EMAIL_IS_ON} AS is_on, {is_for_sale("$2::bigint")} AS is_for_sale,
                   {is_closed("$2::bigint")} AS is_closed""",
        shop_id,
        wave.variant_id,
    )
    if row is None or not row["is_on"]:
        return "switched_off"
    if row["is_for_sale"] or wave.kind == "manual":
        return None
    return "closed" if row["is_closed"] else "sold_out"


async def next_due_in(db: Connection, shop_id: UUID, wave_id: UUID) -> timedelta | None:
    """Return the time until a queued message is due or a claimed message's lease ends.

    The earliest of these times counts; if it has already passed, the result is negative. Returns
    None if no message is queued or claimed.
    """
    pause: timedelta | None = await db.fetchval(
        """
        SELECT min(CASE WHEN status = 'sending' THEN lease_until ELSE next_attempt_at END) - now()
        FROM notifications
        WHERE shop_id = $1 AND wave_id = $2 AND status IN ('queued', 'sending')
        """,
        shop_id,
        wave_id,
    )
    return pause


async def in_flight_for(db: Connection, shop_id: UUID, wave_id: UUID) -> timedelta | None:
    """Return the time until all current leases on the wave's messages have ended.

    Returns None if no message is under a lease.
    """
    pause: timedelta | None = await db.fetchval(
        """
        SELECT max(lease_until) - now() FROM notifications
        WHERE shop_id = $1 AND wave_id = $2 AND status = 'sending' AND lease_until > now()
        """,
        shop_id,
        wave_id,
    )
    return pause


async def finish(
    db: Connection, shop_id: UUID, wave_id: UUID, *, ended_by: EndedBy, now: datetime
) -> None:
    """End a wave that no living run is sending.

    Signups that the wave has not reached wait for the next wave. If a run died, its messages may or
    may not have been sent. Their signups wait for the next wave too, unless the shop chose to hold
    messages of unknown outcome: then these signups count as notified.
    """
    await db.execute(
        """
        WITH choice AS (
            SELECT coalesce((SELECT delivery->>'unknown_outcome' FROM back_in_stock_settings
                             WHERE shop_id = $1), 'resend') AS unknown_outcome
        ), untold AS (
            DELETE FROM notifications
            WHERE shop_id = $1 AND wave_id = $2 AND status = 'queued' AND attempts = 0
            RETURNING signup_id
        ), given_up AS (
            UPDATE notifications SET status = 'failed', error = coalesce(error, $4)
            WHERE shop_id = $1 AND wave_id = $2 AND status = 'queued' AND attempts > 0
            RETURNING signup_id
        ), orphaned AS (
            UPDATE notifications SET status = 'unknown', sender = NULL, lease_until = NULL,
                error = 'its sender died; the relay may have taken it'
            WHERE shop_id = $1 AND wave_id = $2 AND status = 'sending'
            RETURNING signup_id
        )
        UPDATE signups s SET wave_id = NULL, updated_at = $3,
            notified_at = CASE WHEN ended.is_held THEN $3 ELSE s.notified_at END
        FROM (
            SELECT signup_id, false AS is_held FROM untold
            UNION ALL SELECT signup_id, false FROM given_up
            UNION ALL SELECT signup_id, choice.unknown_outcome = 'hold' FROM orphaned, choice
        ) ended
        WHERE s.shop_id = $1 AND s.id = ended.signup_id
        """,
        shop_id,
        wave_id,
        now,
        _GIVEN_UP.get(ended_by),
    )
    await db.execute(
        """
        UPDATE waves SET finished_at = $3, ended_by = $4
        WHERE shop_id = $1 AND id = $2 AND finished_at IS NULL
        """,
        shop_id,
        wave_id,
        now,
        ended_by,
    )


async def unfinished(db: Connection, shop_id: UUID) -> list[UUID]:
    """Return the ids of the waves that have not ended; each of them should have a job."""
    rows = await db.fetch(
        "SELECT id FROM waves WHERE shop_id = $1 AND finished_at IS NULL ORDER BY id", shop_id
    )
    return [row["id"] for row in rows]


async def waited_for_items(db: Connection, shop_id: UUID) -> list[int]:
    """Return the ids of the inventory items of sold-out variants with waiting shoppers."""
    rows = await db.fetch(
        f"""
        SELECT DISTINCT v.inventory_item_id FROM {WAITED_FOR} waited_for
        JOIN variants v ON v.shop_id = $1 AND v.id = waited_for.id
        WHERE v.deleted_at IS NULL AND v.inventory_item_id IS NOT NULL
          AND coalesce(v.available, 0) <= 0
        ORDER BY v.inventory_item_id
        """,  # noqa: S608 - a constant
        shop_id,
    )
    return [row["inventory_item_id"] for row in rows]
