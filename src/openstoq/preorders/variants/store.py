"""Variants across offers, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from openstoq.db.conditions import Conditions
from openstoq.db.pool import Connection
from openstoq.kernel.paging import Page
from openstoq.preorders.offers import rules, views
from openstoq.preorders.offers import store as offer_store
from openstoq.preorders.offers.model import Sync
from openstoq.preorders.offers.storefront.policies import DRIFTED, EXPECTED
from openstoq.preorders.offers.storefront.store import UNKNOWN
from openstoq.preorders.variants.model import (
    Drift,
    VariantContext,
    VariantOffer,
    VariantSummary,
)

_ATTACHED = """EXISTS (SELECT FROM offer_variants m WHERE m.shop_id = $1
    AND m.variant_id = p.variant_id AND m.detached_at IS NULL"""

_SUMMARY = f"""
    p.variant_id, v.product_id, pr.title AS product_title, v.title AS variant_title, v.sku,
    v.inventory_policy, p.preorder_count, p.market_counts, p.written, p.drift, p.revision,
    p.synced_revision, p.policy_wanted, p.sync_error, p.synced_at,
    {EXPECTED} AS policy_expected, {DRIFTED} AS policy_drifted,
    ARRAY(SELECT m.offer_id FROM offer_variants m WHERE m.shop_id = $1
          AND m.variant_id = p.variant_id AND m.detached_at IS NULL ORDER BY m.attached_at)
        AS offer_ids
    FROM preorder_variants p
    LEFT JOIN variants v ON v.shop_id = $1 AND v.id = p.variant_id
    LEFT JOIN products pr ON pr.shop_id = $1 AND pr.id = v.product_id
"""  # noqa: S608 - a constant


async def page(
    db: Connection,
    shop_id: UUID,
    page: Page,
    *,
    offer_id: UUID | None,
    product_id: int | None,
    variant_ids: Sequence[int] | None,
) -> tuple[list[VariantSummary], int]:
    """Return a page of variants that at least one offer sells, and the number on all pages."""
    where = Conditions()
    where.add("p.shop_id = {}", shop_id)
    if offer_id is None:
        where.add(f"{_ATTACHED})")
    else:
        where.add(f"{_ATTACHED} AND m.offer_id = {{}})", offer_id)
    where.add_unless_none(
        "EXISTS (SELECT FROM variants w WHERE w.shop_id = $1 AND w.id = p.variant_id "
        "AND w.product_id = {})",
        product_id,
    )
    where.add_unless_none("p.variant_id = ANY({})", variant_ids)
    total = await db.fetchval(
        f"SELECT count(*) FROM preorder_variants p WHERE {where}",  # noqa: S608 - constant fragments
        *where.parameters,
    )
    rows = await db.fetch(
        f"""
        SELECT {_SUMMARY} WHERE {where} ORDER BY p.variant_id
        LIMIT {where.bind(page.size)} OFFSET {where.bind(page.offset)}
        """,
        *where.parameters,
    )
    return [VariantSummary(**_summary(row)) for row in rows], total


async def context(
    db: Connection, shop_id: UUID, variant_id: int, now: datetime
) -> VariantContext | None:
    """Return a variant with its offers, counts and metafields; None if no offer ever sold it."""
    row = await db.fetchrow(
        f"SELECT {_SUMMARY} WHERE p.shop_id = $1 AND p.variant_id = $2",
        shop_id,
        variant_id,
    )
    if row is None:
        return None
    drift = {key: Drift(**told) for key, told in row["drift"].items()}
    if row["policy_drifted"]:
        expected, found = row["policy_expected"].upper(), row["inventory_policy"].upper()
        drift["inventory_policy"] = Drift(expected=expected, found=found)
    return VariantContext(
        **_summary(row),
        offers=await offers(db, shop_id, variant_id, now),
        market_preorder_counts=row["market_counts"],
        metafields={key: value for key, value in row["written"].items() if value != UNKNOWN},
        has_drifted=bool(drift),
        drift=drift,
        synced_at=row["synced_at"],
    )


async def offers(
    db: Connection, shop_id: UUID, variant_id: int, now: datetime
) -> list[VariantOffer]:
    """Return the offers that a variant is attached to, in the order in which they apply.

    Offers that do not sell come last, in the order in which the variant was attached to them.
    """
    rows = await db.fetch(
        """
        SELECT offer_id, shipping_text, max_count, market_overrides, attached_at
        FROM offer_variants WHERE shop_id = $1 AND variant_id = $2 AND detached_at IS NULL
        ORDER BY attached_at, offer_id
        """,
        shop_id,
        variant_id,
    )
    own = {row["offer_id"]: row for row in rows}
    found = {offer.id: offer for offer in await offer_store.all_of(db, shop_id, list(own))}
    live = rules.all_by_precedence(found.values(), now)
    sold = {offer.id for offer in live}
    idle = [found[offer_id] for offer_id in own if offer_id not in sold]
    return [
        VariantOffer(
            id=offer.id,
            name=offer.name,
            status=offer.status,
            schedule=views.schedule(offer, now),
            **{name: value for name, value in own[offer.id].items() if name != "offer_id"},
        )
        for offer in (*live, *idle)
    ]


async def lock(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> list[int]:
    """Lock the offers that sell variants, then the variants; return the ids of the locked variants.

    Variants that no offer has ever sold have no row to lock.
    """
    await offer_store.lock_sellers(db, shop_id, variant_ids)
    return await offer_store.lock_variants(db, shop_id, variant_ids)


async def set_counts(
    db: Connection, shop_id: UUID, counts: Mapping[int, tuple[int, Mapping[str, int]]]
) -> None:
    """Write the number of preordered units of each variant, in total and by market."""
    values: list[Any] = [
        list(counts),
        [count for count, _ in counts.values()],
        [dict(by_market) for _, by_market in counts.values()],
    ]
    await db.execute(
        """
        UPDATE preorder_variants p SET preorder_count = t.count, market_counts = t.by_market,
            revision = p.revision + 1, is_reset = false
        FROM unnest($2::bigint[], $3::integer[], $4::jsonb[]) AS t(id, count, by_market)
        WHERE p.shop_id = $1 AND p.variant_id = t.id
        """,
        shop_id,
        *values,
    )


def _summary(row: Any) -> dict[str, Any]:
    behind = row["revision"] > row["synced_revision"] or row["policy_wanted"] is not None
    error = row["sync_error"]
    policy = row["inventory_policy"]
    return {
        "shopify_variant_id": row["variant_id"],
        "shopify_product_id": row["product_id"],
        "product_title": row["product_title"],
        "variant_title": row["variant_title"],
        "sku": row["sku"],
        "inventory_policy": policy.upper() if policy else None,
        "offer_ids": row["offer_ids"],
        "preorder_count": row["preorder_count"],
        "sync": Sync(state="failed" if error else "pending" if behind else "synced", error=error),
    }
