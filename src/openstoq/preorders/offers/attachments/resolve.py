"""Attach variants to offers, and detach them, in PostgreSQL.

A detached variant's row is kept, marked as detached, until the variant is no longer in the offer's
selling plan group in the shop. Every change here raises the revisions of the offer and of the
variant, so that a sync under way does not count the change as synced.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers.model import Offer


async def attach(
    db: Connection, shop_id: UUID, offer: Offer, variant_ids: Sequence[int], now: datetime
) -> list[int]:
    """Attach variants to an offer; return the ids that are not in the catalogue."""
    known = await db.fetch(
        """
        SELECT id FROM variants
        WHERE shop_id = $1 AND id = ANY($2) AND deleted_at IS NULL
        """,
        shop_id,
        variant_ids,
    )
    ids = {row["id"] for row in known}
    await _attach(db, shop_id, offer, "v.id = ANY($4)", now, sorted(ids))
    return [one for one in variant_ids if one not in ids]


async def attach_products(
    db: Connection, shop_id: UUID, offer: Offer, product_ids: Sequence[int], now: datetime
) -> int:
    """Attach all variants of these products that the offer does not exclude.

    Returns how many were not attached before.
    """
    condition = "v.product_id = ANY($4) AND v.id <> ALL($5)"
    excluded = offer.excluded_variant_ids
    return await _attach(db, shop_id, offer, condition, now, product_ids, excluded)


async def attach_all(db: Connection, shop_id: UUID, offer: Offer, now: datetime) -> int:
    """Attach all variants of the shop that the offer does not exclude.

    Returns how many were not attached before.
    """
    return await _attach(db, shop_id, offer, _NOT_EXCLUDED, now, *_exclusions(offer))


async def count_all(db: Connection, shop_id: UUID, offer: Offer) -> int:
    """Return the number of the shop's variants that the offer does not exclude."""
    count: int = await db.fetchval(
        f"""
        SELECT count(*) {_SOLD} AND {_EXCEPT.format(ids="$2", tag="$3::text")}
        """,
        shop_id,
        *_exclusions(offer),
    )
    return count


async def out_of_step(db: Connection, shop_id: UUID) -> set[UUID]:
    """Return the ids of the offers with the source `all` whose attached variants are out of date.

    Such an offer lacks a variant that it should sell, or has one attached that it should not sell.
    """
    rows = await db.fetch(
        f"""
        SELECT o.id FROM offers o
        WHERE o.shop_id = $1 AND o.source = 'all' AND o.discarded_at IS NULL AND EXISTS (
            SELECT FROM (SELECT v.id {_SOLD} AND {_OF_OFFER}) sold
            FULL JOIN (SELECT variant_id AS id FROM offer_variants m
                       WHERE m.shop_id = $1 AND m.offer_id = o.id AND m.detached_at IS NULL) known
            USING (id) WHERE sold.id IS NULL OR known.id IS NULL)
        """,  # noqa: S608 - constants
        shop_id,
    )
    return {row["id"] for row in rows}


async def detach_excluded(db: Connection, shop_id: UUID, offer: Offer, now: datetime) -> None:
    """Detach variants that the offer now excludes, or that the shop has deleted."""
    await _detach(
        db,
        shop_id,
        offer.id,
        f"NOT EXISTS (SELECT {_SOLD} AND v.id = m.variant_id AND {_NOT_EXCLUDED})",
        now,
        *_exclusions(offer),
    )


async def detach_deleted(db: Connection, shop_id: UUID, now: datetime) -> set[UUID]:
    """Detach all variants that the shop has deleted; return the offers that sold them."""
    gone = """EXISTS (SELECT FROM variants v WHERE v.shop_id = $1 AND v.id = m.variant_id
                      AND v.deleted_at IS NOT NULL)"""
    return set(await _detach(db, shop_id, None, gone, now))


async def detach_everywhere(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int], now: datetime
) -> set[UUID]:
    """Detach variants from every offer; return the offers that sold them."""
    return set(await _detach(db, shop_id, None, "m.variant_id = ANY($4)", now, variant_ids))


async def detach_other_products(
    db: Connection, shop_id: UUID, offer: Offer, product_ids: Sequence[int], now: datetime
) -> None:
    """Detach an offer's variants that are not of these products, or that the offer excludes."""
    condition = "(m.product_id <> ALL($4) OR m.variant_id = ANY($5))"
    excluded = offer.excluded_variant_ids
    await _detach(db, shop_id, offer.id, condition, now, product_ids, excluded)


async def detach(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID,
    variant_ids: Sequence[int] | None,
    now: datetime,
) -> int:
    """Detach variants from an offer; return how many were detached.

    If `variant_ids` is None, all variants of the offer are detached.
    """
    if variant_ids is None:
        gone = await _detach(db, shop_id, offer_id, "true", now)
    else:
        gone = await _detach(db, shop_id, offer_id, "m.variant_id = ANY($4)", now, variant_ids)
    return gone.total()


# The variants in the shop: neither the variant nor its product is deleted.
_SOLD = """FROM variants v JOIN products p ON p.shop_id = $1 AND p.id = v.product_id
    WHERE v.shop_id = $1 AND v.deleted_at IS NULL AND p.deleted_at IS NULL"""

# A detached variant that is attached again starts without its old settings. A variant that is
# stopped because of its other offers is only marked here; `policies.follow` resumes it once it finds
# that it may go on.
_ATTACH = """
WITH attached AS (
    INSERT INTO offer_variants AS m (shop_id, offer_id, variant_id, product_id, attached_at)
    SELECT $1, $2, v.id, v.product_id, $3 {sold} AND {condition}
    ON CONFLICT (shop_id, offer_id, variant_id) DO UPDATE SET
        attached_at = $3, detached_at = NULL, sync_error = NULL, product_id = excluded.product_id,
        shipping_text = NULL, max_count = NULL, market_overrides = '{{}}'
    WHERE m.detached_at IS NOT NULL
    RETURNING variant_id
), touched AS (
    INSERT INTO preorder_variants AS p (shop_id, variant_id, policy_wanted)
    SELECT $1, variant_id, {policy} FROM attached ORDER BY variant_id
    ON CONFLICT (shop_id, variant_id) DO UPDATE SET
        revision = p.revision + 1, is_reset = false, sync_error = NULL,
        stopped = p.stopped
            OR (p.sold_out OR p.by_stock) AND excluded.policy_wanted IS NOT NULL,
        policy_wanted = CASE WHEN p.sold_out OR p.by_stock THEN p.policy_wanted
            ELSE coalesce(excluded.policy_wanted, p.policy_wanted) END
), changed AS (
    UPDATE offers SET revision = revision + 1
    WHERE shop_id = $1 AND id = $2 AND EXISTS (SELECT FROM attached)
)
SELECT count(*) FROM attached
"""

_DETACH = """
WITH detached AS (
    UPDATE offer_variants m SET detached_at = $3
    WHERE m.shop_id = $1 AND {whose} AND m.detached_at IS NULL AND {condition}
    RETURNING offer_id, variant_id
), locked AS (
    SELECT variant_id FROM preorder_variants
    WHERE shop_id = $1 AND variant_id IN (SELECT variant_id FROM detached)
    ORDER BY variant_id FOR UPDATE
), touched AS (
    UPDATE preorder_variants p SET revision = p.revision + 1, is_reset = false, sync_error = NULL
    FROM locked WHERE p.shop_id = $1 AND p.variant_id = locked.variant_id
), changed AS (
    UPDATE offers SET revision = revision + 1
    WHERE shop_id = $1 AND id IN (SELECT offer_id FROM detached)
)
SELECT offer_id, count(*) FROM detached GROUP BY offer_id
"""

# Shopify ignores the case of a tag.
_EXCEPT = """v.id <> ALL({ids}) AND NOT EXISTS (
    SELECT FROM unnest(p.tags) AS tag WHERE lower(tag) = lower({tag}))"""
_NOT_EXCLUDED = _EXCEPT.format(ids="$4", tag="$5::text")
_OF_OFFER = _EXCEPT.format(ids="o.excluded_variant_ids", tag="o.exclusion_tag")


def _exclusions(offer: Offer) -> tuple[list[int], str | None]:
    return offer.excluded_variant_ids, offer.exclusion_tag


async def _attach(
    db: Connection, shop_id: UUID, offer: Offer, condition: str, now: datetime, *values: Any
) -> int:
    oversells = offer.inventory.continue_selling.enabled and not offer.goes_by_stock
    policy = "'continue'" if oversells else "NULL::text"
    statement = _ATTACH.format(sold=_SOLD, condition=condition, policy=policy)
    count: int = await db.fetchval(statement, shop_id, offer.id, now, *values)
    return count


async def _detach(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID | None,
    condition: str,
    now: datetime,
    *values: Any,
) -> Counter[UUID]:
    """Detach the variants that meet a condition; return how many were detached from each offer.

    If `offer_id` is None, they are detached from every offer of the shop.
    """
    whose = "($2::uuid IS NULL OR m.offer_id = $2)" if offer_id is None else "m.offer_id = $2"
    statement = _DETACH.format(whose=whose, condition=condition)
    rows = await db.fetch(statement, shop_id, offer_id, now, *values)
    return Counter({row["offer_id"]: row["count"] for row in rows})
