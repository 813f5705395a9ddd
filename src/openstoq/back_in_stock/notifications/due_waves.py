"""Due waves in PostgreSQL: for variants that are for sale while shoppers still wait for them.

Most waves start when stock comes. But a shopper may also be waiting for a variant that is already
in stock: because its product was published after its stock came, because the shopper confirmed the
signup later, because the signup was moved to this variant, or because the e-mail channel was off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.back_in_stock.notifications.eligibility import (
    WAITED_FOR,
    eligible,
    first_of_contact,
)
from openstoq.catalog import stock
from openstoq.catalog.conditions import is_open, is_read
from openstoq.db.pool import Connection
from openstoq.kernel.ids import new_id

# A sweep starts at most so many waves, so that its transaction stays short.
MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A variant that is for sale and that shoppers wait for, with its last wave."""

    variant_id: int
    available: int
    is_restocked: bool
    """True if the variant was sold out since its last wave."""
    wave_id: UUID | None


async def start(
    db: Connection,
    shop_id: UUID,
    *,
    threshold: int,
    now: datetime,
    variant_ids: Sequence[int] | None = None,
    product_ids: Sequence[int] | None = None,
) -> list[UUID]:
    """Start or reopen the waves that are due; return their ids.

    A wave is due if shoppers wait for a variant that is for sale. `variant_ids` or `product_ids`
    limit the variants; without either, all variants are considered.

    If the variant was sold out since its last wave, a new wave is started. Otherwise the last wave
    is reopened for the shoppers who became ready since then, because one restock must not notify
    anybody twice. A variant whose publication or stock was only assumed by a migration has no due
    wave until both have been read from the shop.
    """
    if variant_ids is not None:
        found = await _find(db, shop_id, threshold, now, _NAMED, variant_ids)
    elif product_ids is not None:
        found = await _find(db, shop_id, threshold, now, _OF_PRODUCTS, product_ids)
    else:
        found = await _find(db, shop_id, threshold, now, WAITED_FOR)
    if not found:
        return []
    # Another transaction may start the wave of a variant while this one waits for the lock. Only a
    # statement that begins after the wait sees that wave, so the variants are looked up again.
    variants = [one.variant_id for one in found]
    await stock.lock(db, shop_id, variants)
    due = await _find(db, shop_id, threshold, now, _NAMED, variants)
    reopened = [one.wave_id for one in due if one.wave_id is not None and not one.is_restocked]
    started = [one for one in due if one.wave_id is None or one.is_restocked]
    await db.execute(
        """
        UPDATE waves SET finished_at = NULL, ended_by = NULL, listed_until = $3
        WHERE shop_id = $1 AND id = ANY($2)
        """,
        shop_id,
        reopened,
        now,
    )
    ids = await _insert(db, shop_id, started, now)
    return [*reopened, *ids]


async def _find(
    db: Connection, shop_id: UUID, threshold: int, now: datetime, among: str, *ids: Sequence[int]
) -> list[_Due]:
    """Return the variants for which a wave is due, among those that the subquery `among` finds.

    `ids` is the parameter of the subquery, if it has one.
    """
    rows = await db.fetch(due_among(among), shop_id, threshold, now, MOST_AT_ONCE, *ids)
    return [_Due(**dict(row)) for row in rows]


_NAMED = "(SELECT DISTINCT id FROM unnest($5::bigint[]) AS t(id))"
_OF_PRODUCTS = "(SELECT id FROM variants WHERE shop_id = $1 AND product_id = ANY($5))"
_STARTED_AT = "CASE WHEN v.sold_out_at IS NULL THEN coalesce(w.started_at, $3) ELSE $3 END"
# OFFSET 0 forces look-ups by key for each row, even before the tables have been analysed.
_DUE = f"""
SELECT v.id AS variant_id, v.available, v.sold_out_at IS NOT NULL AS is_restocked, w.id AS wave_id
FROM {{among}} among
CROSS JOIN LATERAL (
    SELECT v.* FROM variants v JOIN products p ON p.shop_id = $1 AND p.id = v.product_id
    WHERE v.shop_id = $1 AND v.id = among.id AND v.deleted_at IS NULL AND v.available >= $2
      AND {is_open("p")} AND {is_read("v", "p")} OFFSET 0) v
LEFT JOIN LATERAL (
    SELECT id, started_at, finished_at FROM waves w
    WHERE w.shop_id = $1 AND w.variant_id = v.id AND w.kind = 'restock'
    ORDER BY started_at DESC, id DESC LIMIT 1) w ON true
WHERE (w.id IS NULL OR w.finished_at IS NOT NULL)
  AND EXISTS (
    SELECT FROM signups s
    WHERE {eligible("s", variant="v.id", started_at=_STARTED_AT, listed_until="$3::timestamptz")}
      AND {first_of_contact("s", variant="v.id", started_at=_STARTED_AT)} OFFSET 0)
ORDER BY v.id LIMIT $4
"""  # noqa: S608 - constant fragments


def due_among(among: str) -> str:
    """Return the statement that finds the variants for which a wave is due.

    Only variants that the subquery `among` finds are considered.
    """
    return _DUE.format(among=among)


async def _insert(
    db: Connection, shop_id: UUID, started: Sequence[_Due], now: datetime
) -> list[UUID]:
    variants = [one.variant_id for one in started]
    await stock.answer_sold_out(db, shop_id, variants)
    rows = await db.fetch(
        """
        INSERT INTO waves (shop_id, id, kind, variant_id, quantity, started_at)
        SELECT $1, t.id, 'restock', t.variant_id, t.quantity, $5
        FROM unnest($2::uuid[], $3::bigint[], $4::integer[]) AS t(id, variant_id, quantity)
        ON CONFLICT DO NOTHING RETURNING id
        """,
        shop_id,
        [new_id() for _ in started],
        variants,
        [one.available for one in started],
        now,
    )
    return [row["id"] for row in rows]
