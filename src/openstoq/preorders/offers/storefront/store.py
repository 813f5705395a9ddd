"""The metafields written on the shop and on variants, in PostgreSQL.

A metafield is recorded as unknown before the request to write it, and as written only once the shop
has responded. If a run is interrupted, the next run therefore writes the metafield again.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers import store
from openstoq.preorders.offers.offered_variants import SyncedVariant, load_variants

# The recorded value of a metafield between the request to write it and the shop's response.
UNKNOWN = ""


async def know_shop(db: Connection, shop_id: UUID) -> None:
    """Insert the shop's row in `preorder_shops` if it is missing."""
    await db.execute(
        "INSERT INTO preorder_shops (shop_id) VALUES ($1) ON CONFLICT DO NOTHING", shop_id
    )


async def written_on_shop(db: Connection, shop_id: UUID) -> dict[str, str]:
    """Return the digests of the metafields last written on the shop, by key."""
    written: dict[str, str] | None = await db.fetchval(
        "SELECT written FROM preorder_shops WHERE shop_id = $1", shop_id
    )
    return written or {}


async def mark_shop(
    db: Connection, shop_id: UUID, written: Mapping[str, str], gone: Sequence[str] = ()
) -> None:
    """Record the digests in `written` by key, and delete the keys in `gone`.

    The records of the shop's other metafields stay as they are.
    """
    await db.execute(
        "UPDATE preorder_shops SET written = (written || $2) - $3::text[] WHERE shop_id = $1",
        shop_id,
        written,
        gone,
    )


async def fail_live(db: Connection, shop_id: UUID, error: str) -> None:
    """Record an error on every live offer, because none could be written for the storefront."""
    await store.lock_offers(db, shop_id, None)
    await db.execute(
        """
        UPDATE offers SET sync_error = $2
        WHERE shop_id = $1 AND enabled AND discarded_at IS NULL
        """,
        shop_id,
        error,
    )


async def fail(db: Connection, shop_id: UUID, failures: Mapping[UUID, str]) -> None:
    """Record on each offer in `failures` why it could not be written for the storefront."""
    await store.lock_offers(db, shop_id, list(failures))
    await db.execute(
        """
        UPDATE offers o SET sync_error = t.error
        FROM unnest($2::uuid[], $3::text[]) AS t(id, error) WHERE o.shop_id = $1 AND o.id = t.id
        """,
        shop_id,
        list(failures),
        list(failures.values()),
    )


async def behind(db: Connection, shop_id: UUID, limit: int) -> list[SyncedVariant]:
    """Load up to `limit` variants that have changed since their metafields were last written."""
    variant_ids = await db.fetch(
        """
        SELECT variant_id FROM preorder_variants
        WHERE shop_id = $1 AND revision > synced_revision ORDER BY variant_id LIMIT $2
        """,
        shop_id,
        limit,
    )
    return await load_variants(db, shop_id, [row["variant_id"] for row in variant_ids])


async def ask_variants(
    db: Connection, shop_id: UUID, keys: Sequence[tuple[int | None, str]]
) -> None:
    """Mark metafields as unknown before they are written or deleted.

    Each of `keys` is the id of a variant and the key of one of its metafields.
    """
    await db.execute(
        """
        UPDATE preorder_variants p SET written = p.written || t.asked
        FROM (SELECT id, jsonb_object_agg(key, $4::text) AS asked
              FROM unnest($2::bigint[], $3::text[]) AS asked(id, key) GROUP BY id) t
        WHERE p.shop_id = $1 AND p.variant_id = t.id
        """,
        shop_id,
        [variant_id for variant_id, _ in keys],
        [key for _, key in keys],
        UNKNOWN,
    )


async def mark_variants(
    db: Connection,
    shop_id: UUID,
    done: Sequence[tuple[SyncedVariant, Mapping[str, str], str | None]],
) -> None:
    """Record which metafields each variant has now.

    Each entry of `done` has a variant, the variant's metafields, and an error, which is None if
    nothing failed. A failed variant is retried only once it changes. If a variant has changed
    meanwhile, the metafields requested for it stay unknown.
    """
    variant_ids = [one.selling.variant_id for one, _, _ in done]
    await store.lock_variants(db, shop_id, variant_ids)
    await db.execute(
        """
        UPDATE preorder_variants p SET synced_revision = t.revision,
            written = CASE WHEN p.revision = t.revision THEN t.written ELSE p.written END,
            sync_error = t.error, drift = '{}', synced_at = now()
        FROM unnest($2::bigint[], $3::bigint[], $4::jsonb[], $5::text[])
             AS t(id, revision, written, error)
        WHERE p.shop_id = $1 AND p.variant_id = t.id
        """,
        shop_id,
        variant_ids,
        [one.revision for one, _, _ in done],
        [dict(written) for _, written, _ in done],
        [error for _, _, error in done],
    )


async def forget_shop(db: Connection, shop_id: UUID) -> None:
    """Mark all metafields of the shop as unknown, so that each is written or deleted again."""
    await db.execute(
        """
        WITH locked AS (
            SELECT written FROM preorder_shops WHERE shop_id = $1 FOR UPDATE
        ), forgotten AS (
            SELECT coalesce(jsonb_object_agg(key, $2::text), '{}') AS written
            FROM locked CROSS JOIN LATERAL jsonb_object_keys(locked.written) AS key
        )
        UPDATE preorder_shops p SET written = forgotten.written
        FROM forgotten WHERE p.shop_id = $1
        """,
        shop_id,
        UNKNOWN,
    )
