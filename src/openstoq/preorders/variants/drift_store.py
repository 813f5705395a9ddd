"""Metafields written on variants, and their drift in the shop, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers import store
from openstoq.preorders.offers.storefront.store import UNKNOWN
from openstoq.preorders.variants.model import LastWrite


async def want_again(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int], *, is_reset: bool | None = None
) -> None:
    """Mark all metafields of variants as to be written again, or as to be cleared.

    They are cleared if `is_reset` is true, and stay clear until a later change. They are written if
    it is false. If it is None, variants that were cleared are cleared again, and all others are
    written.
    """
    await db.execute(
        """
        UPDATE preorder_variants SET revision = revision + 1, sync_error = NULL,
            is_reset = coalesce($3, is_reset),
            written = (SELECT jsonb_object_agg(key, $4::text) FROM
                       jsonb_object_keys(written || drift || '{"preorder_count": ""}') AS key)
        WHERE shop_id = $1 AND variant_id = ANY($2)
        """,
        shop_id,
        variant_ids,
        is_reset,
        UNKNOWN,
    )


async def unsettled(db: Connection, shop_id: UUID) -> list[int]:
    """Return the ids of variants with a write that the shop refused or that is still pending."""
    rows = await db.fetch(
        """
        SELECT variant_id FROM preorder_variants
        WHERE shop_id = $1 AND (sync_error IS NOT NULL OR revision > synced_revision)
        """,
        shop_id,
    )
    return [row["variant_id"] for row in rows]


async def note_drift(
    db: Connection,
    shop_id: UUID,
    expected: Mapping[int, LastWrite],
    drift: Mapping[int, Mapping[str, Mapping[str, str | None]]],
) -> None:
    """Record which metafields in the shop differ from the expected values.

    If no metafield of a variant differs, that is recorded too. A variant whose revision has changed
    since the comparison is skipped, because the comparison is out of date.
    """
    await store.lock_variants(db, shop_id, list(expected))
    await db.execute(
        """
        UPDATE preorder_variants p SET drift = t.drift
        FROM unnest($2::bigint[], $3::bigint[], $4::jsonb[]) AS t(id, revision, drift)
        WHERE p.shop_id = $1 AND p.variant_id = t.id AND p.revision = t.revision
        """,
        shop_id,
        list(expected),
        [one.revision for one in expected.values()],
        [dict(drift.get(one, {})) for one in expected],
    )


async def after(db: Connection, shop_id: UUID, variant_id: int, limit: int) -> dict[int, LastWrite]:
    """Return the last writes of up to `limit` synced variants after `variant_id`, sorted by id."""
    rows = await db.fetch(
        """
        SELECT variant_id, revision, written FROM preorder_variants
        WHERE shop_id = $1 AND variant_id > $2 AND revision = synced_revision
        ORDER BY variant_id LIMIT $3
        """,
        shop_id,
        variant_id,
        limit,
    )
    return {row["variant_id"]: LastWrite(row["revision"], row["written"]) for row in rows}


async def looked_up_to(db: Connection, shop_id: UUID) -> int:
    """Return the id of the last variant that the search for drift has checked, or 0 at first."""
    reached: int | None = await db.fetchval(
        "SELECT looked_up_to FROM preorder_shops WHERE shop_id = $1", shop_id
    )
    return reached or 0


async def note_looked_up_to(db: Connection, shop_id: UUID, variant_id: int) -> None:
    """Record the last variant that the search for drift has checked; 0 restarts the search."""
    await db.execute(
        "UPDATE preorder_shops SET looked_up_to = $2 WHERE shop_id = $1", shop_id, variant_id
    )
