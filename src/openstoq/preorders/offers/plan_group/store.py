"""The selling plan groups of offers and the variants in them, as last known, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers import store


async def save_group(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID,
    *,
    group_id: int,
    plan_ids: Mapping[str, int],
    digest: bytes,
) -> None:
    """Store the offer's selling plan group and its plans.

    If the group is not the one stored before, all variants are marked as not in it. A plan stays
    linked for good to the offer and the option with which it was first stored, so that orders
    placed with the plan can be matched later.
    """
    await store.lock_offers(db, shop_id, [offer_id])
    await db.execute(
        """
        UPDATE offer_variants m SET in_group = false FROM offers o
        WHERE m.shop_id = $1 AND m.offer_id = $2 AND m.in_group IS DISTINCT FROM false
          AND o.shop_id = $1 AND o.id = $2 AND o.plan_group_id IS DISTINCT FROM $3
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
        ON CONFLICT (shop_id, plan_id) DO NOTHING
        """,
        shop_id,
        offer_id,
        list(plan_ids.values()),
        list(plan_ids),
    )


async def lose_group(db: Connection, shop_id: UUID, offer_id: UUID) -> None:
    """Record that the offer's group no longer exists in the shop, and that no variant is in it."""
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


async def ask_group(db: Connection, shop_id: UUID, offer_id: UUID) -> None:
    """Record that the offer's group is about to be written.

    If the write is lost, the next sync therefore writes the group again.
    """
    await db.execute(
        "UPDATE offers SET plan_group_digest = NULL WHERE shop_id = $1 AND id = $2",
        shop_id,
        offer_id,
    )


async def ask_to_add(db: Connection, shop_id: UUID, offer_id: UUID, limit: int) -> list[int]:
    """Return up to `limit` attached variants that are not known to be in the group.

    Variants that the shop has refused are left out. The membership of the returned variants is
    marked as unknown until `mark_members` records it. A request whose response was lost is
    therefore sent again.
    """
    return await _ask(
        db,
        shop_id,
        offer_id,
        limit,
        "detached_at IS NULL AND in_group IS NOT TRUE AND sync_error IS NULL",
    )


async def ask_to_remove(
    db: Connection, shop_id: UUID, offer_id: UUID, limit: int, *, everything: bool
) -> list[int]:
    """Return up to `limit` variants of the offer that are, or may be, in its group.

    Only detached variants are returned, unless `everything` is set. The membership of the returned
    variants is marked as unknown until `mark_members` records it.
    """
    leaving = "in_group IS DISTINCT FROM false"
    return await _ask(
        db,
        shop_id,
        offer_id,
        limit,
        leaving if everything else f"{leaving} AND detached_at IS NOT NULL",
    )


async def _ask(
    db: Connection, shop_id: UUID, offer_id: UUID, limit: int, condition: str
) -> list[int]:
    await store.lock_offers(db, shop_id, [offer_id])
    rows = await db.fetch(
        f"""
        UPDATE offer_variants SET in_group = NULL
        WHERE shop_id = $1 AND offer_id = $2 AND variant_id IN (
            SELECT variant_id FROM offer_variants
            WHERE shop_id = $1 AND offer_id = $2 AND {condition}
            ORDER BY variant_id LIMIT $3)
        RETURNING variant_id
        """,  # noqa: S608 - a constant
        shop_id,
        offer_id,
        limit,
    )
    return sorted(row["variant_id"] for row in rows)


async def mark_members(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID,
    variant_ids: Sequence[int],
    *,
    in_group: bool,
    failures: Mapping[int, str],
) -> None:
    """Record that variants are now in the offer's group in the shop, or no longer in it.

    `failures` contains the variants that the shop refused, with the reason for each.
    """
    await store.lock_offers(db, shop_id, [offer_id])
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
    """Delete the rows of detached variants that are no longer in the offer's group in the shop."""
    await store.lock_offers(db, shop_id, [offer_id])
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
    """Forget that the shop refused to put variants into groups; return the offers to sync again.

    If `variant_ids` is None, the refusals of all variants are forgotten.
    """
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
    """Return the number of variants that the shop refused to put into the offer's group."""
    count: int = await db.fetchval(
        """
        SELECT count(*) FROM offer_variants
        WHERE shop_id = $1 AND offer_id = $2 AND sync_error IS NOT NULL
        """,
        shop_id,
        offer_id,
    )
    return count


async def believe_members(
    db: Connection, shop_id: UUID, offer_id: UUID, members: Sequence[int]
) -> None:
    """Store the group's members as read from the shop.

    Also marks the group itself to be written again.
    """
    await store.lock_offers(db, shop_id, [offer_id])
    await db.execute(
        """
        UPDATE offer_variants SET in_group = variant_id = ANY($3)
        WHERE shop_id = $1 AND offer_id = $2 AND in_group IS DISTINCT FROM (variant_id = ANY($3))
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
