"""Claims in PostgreSQL: the messages that a run has reserved for itself.

The statement that claims a message also checks whether its shopper may be notified. A claim has a
lease: once the lease has ended, another run may claim the message. Only PostgreSQL's clock decides
when a lease ends and when a message is due, because the clocks of the hosts may differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from openstoq.back_in_stock.notifications.eligibility import eligible, first_of_contact
from openstoq.back_in_stock.notifications.waves import Wave
from openstoq.back_in_stock.settings.conditions import EMAIL_IS_ON
from openstoq.catalog.conditions import is_closed, is_for_sale
from openstoq.db.pool import Connection
from openstoq.kernel.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A claimed message, which this run may now hand over to the relay."""

    id: UUID
    signup_id: UUID
    variant_id: int
    contact: str
    name: str | None
    locale: str | None
    attempts: int
    singled_out: bool = False
    """True if the relay accepted other messages in an earlier run, but not this one."""


@dataclass(frozen=True, slots=True)
class Place:
    """The last signup on a waitlist that the run has claimed.

    The run's next claim starts after this signup. PostgreSQL then does not read again the dead
    index entries of the signups before it, which were already notified.
    """

    created_at: datetime
    signup_id: UUID


async def claim_new(
    db: Connection,
    shop_id: UUID,
    wave: Wave,
    *,
    run_id: UUID,
    after: Place | None,
    limit: int,
    now: datetime,
    lease: timedelta,
    untried: bool = False,
) -> tuple[list[Claimed], Place | None]:
    """Claim a restock's next waiting signups; return their messages and the last signup's place.

    The oldest signups are claimed first; those up to and including the place `after` are skipped.
    If there is nothing to claim, the list is empty and the returned place is `after`. If
    `untried` is true, signups whose message failed in an earlier wave are skipped too.
    """
    rows = await db.fetch(
        _CLAIM_NEW,
        shop_id,
        wave.id,
        wave.variant_id,
        wave.started_at,
        after.created_at if after else None,
        after.signup_id if after else None,
        [new_id() for _ in range(limit)],
        run_id,
        now,
        lease,
        limit,
        wave.until,
        untried,
    )
    place = Place(rows[-1]["signed_up_at"], rows[-1]["signup_id"]) if rows else after
    return [_claimed(row) for row in rows], place


async def claim_anywhere(
    db: Connection,
    shop_id: UUID,
    wave: Wave,
    *,
    run_id: UUID,
    limit: int,
    now: datetime,
    lease: timedelta,
) -> list[Claimed]:
    """Claim up to `limit` waiting signups of a restock, at random from the 100,000 oldest."""
    rows = await db.fetch(
        _CLAIM_ANYWHERE,
        shop_id,
        wave.id,
        wave.variant_id,
        wave.started_at,
        None,
        uuid4(),
        [new_id() for _ in range(limit)],
        run_id,
        now,
        lease,
        limit,
        wave.until,
    )
    return [_claimed(row) for row in rows]


_ELIGIBLE = eligible("s", variant="$3", started_at="$4", listed_until="$12")
_FIRST = first_of_contact("s", variant="$3", started_at="$4")
_CLAIM = """
WITH next AS (
    SELECT s.*, row_number() OVER () AS position FROM (
        SELECT s.id, s.created_at FROM signups s
        WHERE {eligible} AND {which} AND {first}
          AND {for_sale} AND {email_is_on}
        ORDER BY s.created_at, s.id LIMIT $11
        FOR UPDATE SKIP LOCKED
    ) s
), held AS (
    UPDATE signups s SET wave_id = $2 FROM next
    WHERE s.shop_id = $1 AND s.id = ANY(ARRAY(SELECT id FROM next)) AND s.id = next.id
    RETURNING s.*, next.position
), claimed AS (
    INSERT INTO notifications (shop_id, id, wave_id, signup_id, channel, contact, variant_id,
                               product_id, status, attempts, next_attempt_at, sender, lease_until,
                               created_at)
    SELECT $1, ($7::uuid[])[held.position], $2, held.id, held.channel, held.contact, held.variant_id,
           held.product_id, 'sending', 1, now(), $8, now() + $10::interval, $9
    FROM held
    ON CONFLICT (shop_id, wave_id, signup_id) DO UPDATE SET
        status = 'sending', attempts = notifications.attempts + 1, sender = excluded.sender,
        lease_until = excluded.lease_until
    RETURNING id, signup_id, attempts, singled_out
)
SELECT claimed.id, claimed.signup_id, claimed.attempts, claimed.singled_out, held.contact,
       held.variant_id, held.created_at AS signed_up_at, coalesce(held.name, c.name) AS name,
       coalesce(held.locale, c.locale) AS locale
-- Both have the same rows. A full join is never a nested loop, which a planner without statistics of
-- its own intermediate results would choose here.
FROM claimed FULL JOIN held ON held.id = claimed.signup_id
-- OFFSET 0 keeps this a look-up by key for each row, also before the tables were analysed.
JOIN LATERAL (SELECT name, locale FROM customers c
              WHERE c.shop_id = $1 AND c.id = held.customer_id OFFSET 0) c ON true
ORDER BY held.position
"""
_CLAIM_NEW = _CLAIM.format(
    eligible=_ELIGIBLE,
    for_sale=is_for_sale("$3"),
    email_is_on=EMAIL_IS_ON,
    first=_FIRST,
    which="""($5::timestamptz IS NULL OR (s.created_at, s.id) > ($5, $6::uuid))
          AND (NOT $13::boolean OR s.failed_wave_at IS NULL)""",
)
# The random order is a hash of the id and of a random $6, because Citus refuses a volatile function
# here. The signups are sorted before their contacts are looked up, so that only the contacts of
# drawn signups are looked up. The array is computed once; a subquery might be computed for every
# row.
_CLAIM_ANYWHERE = _CLAIM.format(
    eligible=_ELIGIBLE,
    for_sale=is_for_sale("$3"),
    email_is_on=EMAIL_IS_ON,
    first=_FIRST,
    which=f"""s.created_at >= coalesce($5::timestamptz, '-infinity') AND s.id = ANY(ARRAY(
            SELECT d.id FROM (
                SELECT w.* FROM (
                    SELECT w.id, w.contact, w.channel, w.created_at FROM signups w
                    WHERE {eligible("w", variant="$3", started_at="$4", listed_until="$12")}
                    ORDER BY w.created_at, w.id LIMIT 100000) w
                ORDER BY md5(w.id::text || $6::uuid::text) OFFSET 0) d
            WHERE {first_of_contact("d", variant="$3", started_at="$4")} LIMIT $11))""",  # noqa: S608 - constant fragments
)


async def claim_due(
    db: Connection,
    shop_id: UUID,
    wave: Wave,
    *,
    run_id: UUID,
    limit: int,
    now: datetime,
    lease: timedelta,
) -> list[Claimed]:
    """Claim messages whose next attempt is due, and messages that a dead run left behind.

    A message is blocked, and not claimed, if its shopper may no longer be notified. A restock's
    messages are claimed only while the variant is for sale. A manual wave does not depend on stock,
    but its messages are blocked too if nobody can open the product any more. A dead run may or may
    not have sent its messages. If the shop chose to hold such messages, they are not claimed: they
    get the status "unknown".
    """
    rows = await db.fetch(
        _CLAIM_DUE, shop_id, wave.id, now, run_id, lease, limit, wave.kind == "manual"
    )
    return [_claimed(row) for row in rows if row["status"] == "sending"]


_CLAIM_DUE = f"""
WITH choice AS (
    SELECT coalesce((SELECT delivery->>'unknown_outcome' FROM back_in_stock_settings
                     WHERE shop_id = $1), 'resend') AS unknown_outcome
), due AS (
    SELECT n.id, {is_closed("n.variant_id")} AS is_closed FROM notifications n
    WHERE n.shop_id = $1 AND n.wave_id = $2 AND {EMAIL_IS_ON}
      AND ((n.status = 'queued' AND n.next_attempt_at <= now())
           OR (n.status = 'sending' AND n.lease_until < now()))
      AND ($7 OR {is_for_sale("n.variant_id")})
    ORDER BY n.next_attempt_at, n.id LIMIT $6
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE notifications n SET
        status = CASE WHEN s.unsubscribed_at IS NOT NULL OR s.blocked_at IS NOT NULL
                        OR due.is_closed THEN 'blocked'
                      WHEN n.status = 'sending' AND choice.unknown_outcome = 'hold' THEN 'unknown'
                      ELSE 'sending' END,
        blocked_reason = CASE WHEN s.unsubscribed_at IS NOT NULL THEN 'unsubscribed'
                              WHEN s.blocked_at IS NOT NULL THEN 'contact blocked'
                              WHEN due.is_closed THEN 'nobody can open the product' END,
        error = CASE WHEN n.status = 'sending' AND choice.unknown_outcome = 'hold'
                     THEN 'its sender died; the relay may have taken it' ELSE n.error END,
        attempts = n.attempts + 1, sender = $4,
        lease_until = now() + $5::interval
    FROM due, choice, signups s
    WHERE n.shop_id = $1 AND n.id = due.id AND s.shop_id = $1 AND s.id = n.signup_id
    RETURNING n.*
), freed AS (
    UPDATE signups s SET
        wave_id = NULL,
        notified_at = CASE WHEN taken.status = 'unknown' THEN $3 ELSE s.notified_at END,
        blocked_reason = CASE WHEN taken.status = 'unknown' THEN taken.error
                              ELSE s.blocked_reason END
    FROM taken
    WHERE taken.status <> 'sending' AND s.shop_id = $1 AND s.id = taken.signup_id
)
SELECT taken.id, taken.signup_id, taken.attempts, taken.singled_out, taken.status,
       taken.contact, taken.variant_id, coalesce(s.name, c.name) AS name,
       coalesce(s.locale, c.locale) AS locale
FROM taken JOIN signups s ON s.shop_id = $1 AND s.id = taken.signup_id
JOIN customers c ON c.shop_id = $1 AND c.id = s.customer_id
ORDER BY taken.id
"""  # noqa: S608 - constant fragments


async def renew(
    db: Connection, shop_id: UUID, wave_id: UUID, run_id: UUID, lease: timedelta
) -> None:
    """Extend the lease on all messages claimed by this run, so that it lasts `lease` from now."""
    await db.execute(
        """
        UPDATE notifications SET lease_until = now() + $4::interval
        WHERE shop_id = $1 AND wave_id = $2 AND status = 'sending' AND sender = $3
        """,
        shop_id,
        wave_id,
        run_id,
        lease,
    )


async def give_back(db: Connection, shop_id: UUID, run_id: UUID, ids: Sequence[UUID]) -> None:
    """Requeue claimed messages that were not handed over; this does not count as an attempt."""
    await db.execute(
        """
        UPDATE notifications SET status = 'queued', attempts = attempts - 1, sender = NULL,
            lease_until = NULL, next_attempt_at = now()
        WHERE shop_id = $1 AND id = ANY($2) AND sender = $3
        """,
        shop_id,
        ids,
        run_id,
    )


def _claimed(row: object) -> Claimed:
    fields = dict(row)  # type: ignore[call-overload]  # asyncpg's Record is a mapping
    return Claimed(**{name: fields[name] for name in Claimed.__dataclass_fields__})
