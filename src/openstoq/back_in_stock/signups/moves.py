"""Move signups from one variant to another in PostgreSQL.

A contact has at most one pending signup for a variant, channel and market. A signup that would
repeat a pending signup of the target is dropped instead of moved. The target's signup then counts
as confirmed if either of the two was, so that a shopper who has confirmed is not asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg

from openstoq.back_in_stock.signups.model import Target, Transferred
from openstoq.back_in_stock.signups.projections import STATUS
from openstoq.db.pool import Connection
from openstoq.errors import Conflict

Scope = Literal["pending", "notified", "all"]

# A replacement is known from a webhook, whose transaction must stay short.
MOST_FOLLOWED = 500


@dataclass(frozen=True, slots=True)
class Followed:
    """The variants to which signups moved, and whether more signups still have to move."""

    variant_ids: list[int]
    has_more: bool


def _movable(signup: str) -> str:
    return f"""{signup}.wave_id IS NULL AND {signup}.notified_at IS NULL
        AND {signup}.unsubscribed_at IS NULL AND {signup}.blocked_at IS NULL"""


def _consented(signup: str) -> str:
    return f"(NOT {signup}.optin_required OR {signup}.optin_confirmed_at IS NOT NULL)"


# The signups of a move that may be dropped, with their target.
_TRANSFERRED = f"""
    SELECT s.*, $4::bigint AS to_variant_id, $5::bigint AS to_product_id FROM signups s
    WHERE s.shop_id = $1 AND s.variant_id = $2 AND ($3::bigint IS NULL OR s.product_id = $3)
      AND {_movable("s")}
"""  # noqa: S608 - constants
_FOLLOWING = f"""
    SELECT s.*, n.id AS to_variant_id, n.product_id AS to_product_id FROM signups s
    JOIN variants v ON v.shop_id = $1 AND v.id = s.variant_id AND v.deleted_at IS NOT NULL
    JOIN variants n ON n.shop_id = $1 AND n.id = v.replaced_by AND n.deleted_at IS NULL
    WHERE s.shop_id = $1 AND s.id = ANY($2) AND {_movable("s")}
"""  # noqa: S608 - constants
_REPEATED = """
    t.shop_id = $1 AND t.variant_id = m.to_variant_id AND t.contact = m.contact
    AND t.channel = m.channel AND coalesce(t.market_id, 0) = coalesce(m.market_id, 0)
    AND t.notified_at IS NULL AND t.unsubscribed_at IS NULL AND t.blocked_at IS NULL
"""
# The statements that follow see what was committed while this one waited for a lock.
_LOCK = f"""
    WITH moving AS ({{moving}})
    SELECT FROM signups s WHERE s.shop_id = $1 AND s.id IN (
        SELECT id FROM moving UNION ALL
        SELECT t.id FROM moving m JOIN signups t ON {_REPEATED})
    ORDER BY s.id FOR UPDATE
"""  # noqa: S608 - constants
_DROP_REPEATS = f"""
    WITH moving AS ({{moving}}), ranked AS (
        SELECT m.*, {_consented("m")} AS has_consented, row_number() OVER (
            PARTITION BY m.to_variant_id, m.contact, m.channel, coalesce(m.market_id, 0)
            ORDER BY {_consented("m")} DESC, m.created_at, m.id) AS place
        FROM moving m
    ), repeating AS (
        SELECT m.id, m.has_consented, m.place, m.created_at, m.optin_confirmed_at, t.id AS kept_id
        FROM ranked m LEFT JOIN signups t ON {_REPEATED}
        WHERE m.place > 1 OR t.id IS NOT NULL
    ), consented AS (
        UPDATE signups t SET updated_at = {{now}},
            optin_confirmed_at = coalesce(m.optin_confirmed_at, m.created_at)
        FROM repeating m
        WHERE t.shop_id = $1 AND t.id = m.kept_id AND m.place = 1 AND m.has_consented
          AND NOT {_consented("t")} AND {_movable("t")}
    ), dropped AS (
        DELETE FROM signups s USING repeating m
        WHERE s.shop_id = $1 AND s.id = m.id AND {_movable("s")} RETURNING s.id
    )
    SELECT count(*) FROM dropped
"""  # noqa: S608 - constants


async def transfer(
    db: Connection,
    shop_id: UUID,
    *,
    from_variant_id: int,
    from_product_id: int | None,
    to_variant_id: int,
    to_product_id: int,
    scope: Scope,
    now: datetime,
) -> Transferred:
    """Move signups to another variant.

    A pending signup is dropped instead if the other variant has an equivalent pending signup.
    Signups whose message is under way are not moved. Raises Conflict if a shopper signs up for the
    target at the same moment.
    """
    parameters = (from_variant_id, from_product_id, to_variant_id, to_product_id)
    dropped = 0
    if scope != "notified":
        await db.execute(_LOCK.format(moving=_TRANSFERRED), shop_id, *parameters)
        dropped = await db.fetchval(
            _DROP_REPEATS.format(moving=_TRANSFERRED, now="$6"), shop_id, *parameters, now
        )
    try:
        moved = await db.fetchval(
            f"""
            WITH moved AS (
                UPDATE signups s SET variant_id = $4, product_id = $5, updated_at = $6
                WHERE shop_id = $1 AND variant_id = $2 AND wave_id IS NULL
                  AND ($3::bigint IS NULL OR product_id = $3)
                  AND ($7 = 'all' OR {STATUS} = $7)
                RETURNING id
            )
            SELECT count(*) FROM moved
            """,  # noqa: S608 - a constant
            shop_id,
            *parameters,
            now,
            scope,
        )
    except asyncpg.UniqueViolationError as error:
        raise Conflict(
            "a shopper is signing up for the target variant right now; transfer again"
        ) from error
    return Transferred(transferred_count=moved, dropped_count=dropped)


async def target(db: Connection, shop_id: UUID, variant_id: int) -> Target:
    """Return what the catalogue knows of a variant to which signups are to move."""
    row = await db.fetchrow(
        """
        SELECT v.product_id, v.deleted_at IS NOT NULL OR (v.id IS NULL AND EXISTS (
                   SELECT FROM catalog_pulls WHERE shop_id = $1 AND complete)) AS is_missing
        FROM (SELECT $2::bigint AS id) t
        LEFT JOIN variants v ON v.shop_id = $1 AND v.id = t.id
        """,
        shop_id,
        variant_id,
    )
    return Target(**dict(row)) if row is not None else Target(None, is_missing=True)


async def follow(
    db: Connection,
    shop_id: UUID,
    now: datetime,
    *,
    variant_ids: Sequence[int] | None = None,
    most: int = MOST_FOLLOWED,
) -> Followed:
    """Move up to `most` waiting signups of deleted variants to the variants that replace them.

    Several of these signups may have the same contact, channel, market and new variant. One of them
    is kept: the oldest that is confirmed or needs no confirmation or, if there is none, the oldest.
    A signup whose message is under way is left for a later call. `variant_ids` limits the deleted
    variants.
    """
    rows = await db.fetch(
        f"""
        SELECT s.id FROM variants v
        JOIN variants n ON n.shop_id = $1 AND n.id = v.replaced_by AND n.deleted_at IS NULL
        JOIN signups s ON s.shop_id = $1 AND s.variant_id = v.id AND {_movable("s")}
        WHERE v.shop_id = $1 AND v.deleted_at IS NOT NULL
          AND ($2::bigint[] IS NULL OR v.id = ANY($2))
        ORDER BY s.variant_id, s.created_at, s.id LIMIT $3
        """,  # noqa: S608 - constants
        shop_id,
        variant_ids,
        most + 1,
    )
    chosen = [row["id"] for row in rows[:most]]
    if not chosen:
        return Followed([], has_more=False)
    await db.execute(_LOCK.format(moving=_FOLLOWING), shop_id, chosen)
    await db.execute(_DROP_REPEATS.format(moving=_FOLLOWING, now="$3"), shop_id, chosen, now)
    moved = await db.fetch(
        f"""
        WITH moving AS ({_FOLLOWING}), moved AS (
            UPDATE signups s SET variant_id = m.to_variant_id, product_id = m.to_product_id,
                updated_at = $3
            FROM moving m WHERE s.shop_id = $1 AND s.id = m.id AND {_movable("s")}
            RETURNING s.variant_id
        )
        SELECT DISTINCT variant_id FROM moved ORDER BY variant_id
        """,  # noqa: S608 - constants
        shop_id,
        chosen,
        now,
    )
    return Followed([row["variant_id"] for row in moved], has_more=len(rows) > most)
