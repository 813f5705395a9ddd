"""Inventory policies that the shop has otherwise than it was asked to, in PostgreSQL.

The catalogue says what the shop has. A policy is watched while it matters to a preorder: as long
as a live offer with continue_selling sells the variant, or since the variant reached its most.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from openstoq.db.pool import Connection

# Of `preorder_variants p` and `variants v`.
_WATCHED = """(
    p.policy_asked IS NOT NULL AND p.policy_wanted IS NULL AND v.deleted_at IS NULL
    AND (EXISTS (
            SELECT FROM offer_variants m
            JOIN offers o ON o.shop_id = m.shop_id AND o.id = m.offer_id
            WHERE m.shop_id = p.shop_id AND m.variant_id = p.variant_id AND m.detached_at IS NULL
              AND o.enabled AND o.discarded_at IS NULL
              AND (o.inventory->'continue_selling'->>'enabled')::boolean)
        OR p.policy_asked = 'deny' AND p.preorder_count >= (
            SELECT min(m.max_count) FROM offer_variants m
            WHERE m.shop_id = p.shop_id AND m.variant_id = p.variant_id
              AND m.detached_at IS NULL)))"""
DRIFTED = f"(v.inventory_policy <> p.policy_asked AND {_WATCHED})"


async def watched(db: Connection, shop_id: UUID, after: int, limit: int) -> list[int]:
    """Return the next variants in the order of ids whose policies are watched."""
    rows = await db.fetch(
        f"""
        SELECT p.variant_id FROM preorder_variants p
        JOIN variants v ON v.shop_id = p.shop_id AND v.id = p.variant_id
        WHERE p.shop_id = $1 AND p.variant_id > $2 AND {_WATCHED}
        ORDER BY p.variant_id LIMIT $3
        """,  # noqa: S608 - a constant
        shop_id,
        after,
        limit,
    )
    return [row["variant_id"] for row in rows]


async def believe(db: Connection, shop_id: UUID, found: Mapping[int, str]) -> None:
    """Take over which policies the shop was found to have."""
    await db.execute(
        """
        UPDATE variants v SET inventory_policy = t.policy
        FROM unnest($2::bigint[], $3::text[]) AS t(id, policy)
        WHERE v.shop_id = $1 AND v.id = t.id AND v.inventory_policy <> t.policy
        """,
        shop_id,
        list(found),
        list(found.values()),
    )


async def repair(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> int:
    """Want the policies back that somebody changed by hand; return how many."""
    count: int = await db.fetchval(
        f"""
        WITH wanted AS (
            UPDATE preorder_variants p SET policy_wanted = p.policy_asked FROM variants v
            WHERE p.shop_id = $1 AND p.variant_id = ANY($2)
              AND v.shop_id = $1 AND v.id = p.variant_id AND {DRIFTED}
            RETURNING p.variant_id
        )
        SELECT count(*) FROM wanted
        """,  # noqa: S608 - a constant
        shop_id,
        variant_ids,
    )
    return count
