"""How far the shop agrees with our offers, in PostgreSQL: what is behind, and marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers import store
from openstoq.preorders.offers.storefront import Selling


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A variant whose metafields may have to be written."""

    revision: int
    is_reset: bool
    written: Mapping[str, str]
    selling: Selling


async def save_group(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID,
    *,
    group_id: int,
    plan_ids: Mapping[str, int],
    digest: bytes,
) -> None:
    """Note what the offer is in Shopify; in another group than before, no variant is in it.

    Its plans are kept for good, so that orders placed with one find the offer later.
    """
    await db.execute(
        """
        UPDATE offer_variants m SET in_group = false FROM offers o
        WHERE m.shop_id = $1 AND m.offer_id = $2 AND m.in_group AND o.shop_id = $1 AND o.id = $2
          AND o.plan_group_id IS DISTINCT FROM $3
        """,
        shop_id,
        offer_id,
        group_id,
    )
    await db.execute(
        """
        UPDATE offers SET plan_group_id = $3, full_plan_id = $4, partial_plan_id = $5,
            plan_group_digest = $6
        WHERE shop_id = $1 AND id = $2
        """,
        shop_id,
        offer_id,
        group_id,
        plan_ids.get("full"),
        plan_ids.get("partial"),
        digest,
    )
    await db.execute(
        """
        INSERT INTO offer_plans (shop_id, plan_id, offer_id, option)
        SELECT $1, t.plan_id, $2, t.option
        FROM unnest($3::bigint[], $4::text[]) AS t(plan_id, option)
        ON CONFLICT (shop_id, plan_id) DO UPDATE SET
            offer_id = excluded.offer_id, option = excluded.option
        """,
        shop_id,
        offer_id,
        list(plan_ids.values()),
        list(plan_ids),
    )


async def lose_group(db: Connection, shop_id: UUID, offer_id: UUID) -> None:
    """Note that the shop has lost the offer's group, and with it who was in it."""
    await db.execute(
        """
        UPDATE offers SET plan_group_id = NULL, full_plan_id = NULL, partial_plan_id = NULL,
            plan_group_digest = NULL, synced_revision = 0
        WHERE shop_id = $1 AND id = $2
        """,
        shop_id,
        offer_id,
    )
    await db.execute(
        "UPDATE offer_variants SET in_group = false WHERE shop_id = $1 AND offer_id = $2",
        shop_id,
        offer_id,
    )


async def to_add(db: Connection, shop_id: UUID, offer_id: UUID, limit: int) -> list[int]:
    """Return attached variants that are not in the group yet."""
    rows = await db.fetch(
        """
        SELECT variant_id FROM offer_variants
        WHERE shop_id = $1 AND offer_id = $2 AND detached_at IS NULL AND NOT in_group
          AND sync_error IS NULL
        ORDER BY variant_id LIMIT $3
        """,
        shop_id,
        offer_id,
        limit,
    )
    return [row["variant_id"] for row in rows]


async def to_remove(
    db: Connection, shop_id: UUID, offer_id: UUID, limit: int, *, everything: bool
) -> list[int]:
    """Return variants in the group that are detached, or all that are in it."""
    rows = await db.fetch(
        """
        SELECT variant_id FROM offer_variants
        WHERE shop_id = $1 AND offer_id = $2 AND in_group AND ($4 OR detached_at IS NOT NULL)
        ORDER BY variant_id LIMIT $3
        """,
        shop_id,
        offer_id,
        limit,
        everything,
    )
    return [row["variant_id"] for row in rows]


async def mark_members(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID,
    variant_ids: Sequence[int],
    *,
    in_group: bool,
    failures: Mapping[int, str],
) -> None:
    """Note which variants the shop has in the group now, and which it would not take."""
    await db.execute(
        """
        UPDATE offer_variants m SET in_group = $4 AND f.error IS NULL, sync_error = f.error
        FROM unnest($3::bigint[], $5::text[]) AS f(id, error)
        WHERE m.shop_id = $1 AND m.offer_id = $2 AND m.variant_id = f.id
        """,
        shop_id,
        offer_id,
        variant_ids,
        in_group,
        [failures.get(one) for one in variant_ids],
    )


async def drop_detached(db: Connection, shop_id: UUID, offer_id: UUID) -> None:
    """Forget the detached variants that the shop does not have in the group any more."""
    await db.execute(
        """
        DELETE FROM offer_variants
        WHERE shop_id = $1 AND offer_id = $2 AND detached_at IS NOT NULL AND NOT in_group
        """,
        shop_id,
        offer_id,
    )


async def try_again(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int] | None = None
) -> list[UUID]:
    """Have the groups that refused these variants, or any, asked once more; return the offers."""
    rows = await db.fetch(
        """
        WITH cleared AS (
            UPDATE offer_variants SET sync_error = NULL
            WHERE shop_id = $1 AND sync_error IS NOT NULL
              AND ($2::bigint[] IS NULL OR variant_id = ANY($2))
            RETURNING offer_id
        )
        UPDATE offers SET revision = revision + 1
        WHERE shop_id = $1 AND id IN (SELECT offer_id FROM cleared) RETURNING id
        """,
        shop_id,
        variant_ids,
    )
    return [row["id"] for row in rows]


async def failures(db: Connection, shop_id: UUID, offer_id: UUID) -> int:
    """Count the variants that the shop would not take."""
    count: int = await db.fetchval(
        """
        SELECT count(*) FROM offer_variants
        WHERE shop_id = $1 AND offer_id = $2 AND sync_error IS NOT NULL
        """,
        shop_id,
        offer_id,
    )
    return count


async def written_on_shop(db: Connection, shop_id: UUID) -> dict[str, str]:
    """Return the digests of what was last written on the shop, by key."""
    written: dict[str, str] | None = await db.fetchval(
        "SELECT written FROM preorder_shops WHERE shop_id = $1", shop_id
    )
    return written or {}


async def mark_shop(db: Connection, shop_id: UUID, written: Mapping[str, str]) -> None:
    """Note what is written on the shop now."""
    await db.execute("UPDATE preorder_shops SET written = $2 WHERE shop_id = $1", shop_id, written)


async def fail_live(db: Connection, shop_id: UUID, error: str) -> None:
    """Note on the offers that the storefront shows that it was not told of them."""
    await db.execute(
        """
        UPDATE offers SET sync_error = $2
        WHERE shop_id = $1 AND enabled AND discarded_at IS NULL
        """,
        shop_id,
        error,
    )


async def behind(
    db: Connection, shop_id: UUID, limit: int, variant_ids: Sequence[int] | None = None
) -> list[Behind]:
    """Return variants of which something has changed, or these, with the offers they are in."""
    rows = await db.fetch(
        """
        SELECT p.variant_id, p.revision, p.is_reset, p.written, p.preorder_count, p.market_counts,
               coalesce((SELECT jsonb_agg(jsonb_build_object(
                    'offer_id', m.offer_id, 'shipping_text', m.shipping_text,
                    'max_count', m.max_count, 'market_overrides', m.market_overrides))
                FROM offer_variants m WHERE m.shop_id = p.shop_id
                AND m.variant_id = p.variant_id AND m.detached_at IS NULL), '[]') AS members
        FROM preorder_variants p
        WHERE p.shop_id = $1 AND CASE WHEN $3::bigint[] IS NULL
            THEN p.revision > p.synced_revision ELSE p.variant_id = ANY($3) END
        ORDER BY p.variant_id LIMIT $2
        """,
        shop_id,
        limit,
        variant_ids,
    )
    ids = {UUID(member["offer_id"]) for row in rows for member in row["members"]}
    offers = {offer.id: offer for offer in await store.all_of(db, shop_id, sorted(ids))}
    return [
        Behind(
            revision=row["revision"],
            is_reset=row["is_reset"],
            written=row["written"],
            selling=Selling(
                variant_id=row["variant_id"],
                preorder_count=row["preorder_count"],
                market_counts=row["market_counts"],
                offers=[(offers[UUID(member["offer_id"])], member) for member in row["members"]],
            ),
        )
        for row in rows
    ]


async def mark_variants(
    db: Connection, shop_id: UUID, done: Sequence[tuple[Behind, Mapping[str, str], str | None]]
) -> None:
    """Note what is written on variants now, and what failed; a failure waits for a change."""
    await db.execute(
        """
        UPDATE preorder_variants p SET synced_revision = t.revision, written = t.written,
            sync_error = t.error, drift = '{}', synced_at = now()
        FROM unnest($2::bigint[], $3::bigint[], $4::jsonb[], $5::text[])
             AS t(id, revision, written, error)
        WHERE p.shop_id = $1 AND p.variant_id = t.id
        """,
        shop_id,
        [one.selling.variant_id for one, _, _ in done],
        [one.revision for one, _, _ in done],
        [dict(written) for _, written, _ in done],
        [error for _, _, error in done],
    )


async def forget_shop(db: Connection, shop_id: UUID) -> None:
    """Forget what was written on the shop, so that all of it is written again."""
    await db.execute("UPDATE preorder_shops SET written = '{}' WHERE shop_id = $1", shop_id)


async def believe_members(
    db: Connection, shop_id: UUID, offer_id: UUID, members: Sequence[int]
) -> None:
    """Take over who is in the offer's group in the shop."""
    await db.execute(
        """
        UPDATE offer_variants SET in_group = variant_id = ANY($3)
        WHERE shop_id = $1 AND offer_id = $2 AND in_group <> (variant_id = ANY($3))
        """,
        shop_id,
        offer_id,
        members,
    )
    await db.execute(
        """
        UPDATE offers SET plan_group_digest = NULL, revision = revision + 1
        WHERE shop_id = $1 AND id = $2
        """,
        shop_id,
        offer_id,
    )
