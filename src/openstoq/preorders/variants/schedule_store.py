"""The moments at which offers change by themselves, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers import store as offer_store
from openstoq.preorders.offers.model import Offer


async def follow(db: Connection, shop_id: UUID, now: datetime) -> tuple[int, list[UUID]]:
    """Mark variants and offers to be synced because a window opened or closed, or a due day passed.

    Returns the number of marked variants, and the ids of the offers whose due day has passed. Only
    these offers are marked. If a window of an offer opened or closed, but no due day passed, the
    variants that no other live offer sells are not marked: for them the same offer applies first in
    any case.
    """
    await offer_store.lock_offers(db, shop_id, None)
    row = await db.fetchrow(
        """
        WITH turned AS (
            SELECT o.id, coalesce(o.deposit_ends_at <= $2 AND
                o.deposit_ends_at > coalesce(o.schedule_followed_to, '-infinity'), false) AS ended
            FROM offers o
            WHERE o.shop_id = $1 AND o.enabled AND o.discarded_at IS NULL AND EXISTS (
                SELECT FROM (VALUES (o.schedule_start), (o.schedule_end), (o.deposit_ends_at))
                    AS turn (at)
                WHERE turn.at <= $2 AND turn.at > coalesce(o.schedule_followed_to, '-infinity'))
        ), followed AS (
            UPDATE offers o SET schedule_followed_to = $2,
                revision = o.revision + turned.ended::integer
            FROM turned WHERE o.shop_id = $1 AND o.id = turned.id
        ), locked AS (
            SELECT variant_id FROM preorder_variants
            WHERE shop_id = $1 AND NOT is_reset AND variant_id IN (
                SELECT m.variant_id FROM offer_variants m JOIN turned ON turned.id = m.offer_id
                WHERE m.shop_id = $1 AND m.detached_at IS NULL AND (turned.ended OR EXISTS (
                    SELECT FROM offer_variants n
                    JOIN offers o ON o.shop_id = $1 AND o.id = n.offer_id
                    WHERE n.shop_id = $1 AND n.variant_id = m.variant_id
                      AND n.offer_id <> m.offer_id AND n.detached_at IS NULL
                      AND o.enabled AND o.discarded_at IS NULL)))
            ORDER BY variant_id FOR UPDATE
        ), touched AS (
            UPDATE preorder_variants p SET revision = p.revision + 1
            FROM locked WHERE p.shop_id = $1 AND p.variant_id = locked.variant_id
            RETURNING p.variant_id
        )
        SELECT (SELECT count(*) FROM touched) AS variants,
               ARRAY(SELECT id FROM turned WHERE ended ORDER BY id) AS ended
        """,
        shop_id,
        now,
    )
    if row is None:
        raise RuntimeError("a query of two counts must return one row")
    return row["variants"], list(row["ended"])


async def save_moments(
    db: Connection, shop_id: UUID, offers: Sequence[Offer], *, everything: bool
) -> list[UUID]:
    """Store the moments of those locked offers whose stored moments differ; return their ids.

    With `everything`, the moments of all given offers are stored. Each offer whose moments are
    stored gets a new revision, as do its variants, so that they are synced. `follow` then handles
    the past moments of the offer again.
    """
    rows = await db.fetch(
        """
        WITH moved AS (
            UPDATE offers o SET schedule_start = t.opens_at, schedule_end = t.closes_at,
                deposit_ends_at = t.deposit_ends_at, schedule_followed_to = NULL,
                revision = o.revision + 1
            FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
                 AS t(id, opens_at, closes_at, deposit_ends_at)
            WHERE o.shop_id = $1 AND o.id = t.id AND ($6
                OR o.schedule_start IS DISTINCT FROM t.opens_at
                OR o.schedule_end IS DISTINCT FROM t.closes_at
                OR o.deposit_ends_at IS DISTINCT FROM t.deposit_ends_at)
            RETURNING o.id
        ), locked AS (
            SELECT variant_id FROM preorder_variants
            WHERE shop_id = $1 AND NOT is_reset AND variant_id IN (
                SELECT m.variant_id FROM offer_variants m JOIN moved ON moved.id = m.offer_id
                WHERE m.shop_id = $1)
            ORDER BY variant_id FOR UPDATE
        ), touched AS (
            UPDATE preorder_variants p SET revision = p.revision + 1
            FROM locked WHERE p.shop_id = $1 AND p.variant_id = locked.variant_id
        )
        SELECT id FROM moved ORDER BY id
        """,
        shop_id,
        [one.id for one in offers],
        [one.opens_at for one in offers],
        [one.closes_at for one in offers],
        [one.deposit_ends_at for one in offers],
        everything,
    )
    return [row["id"] for row in rows]
