"""The variants that offers sell, in PostgreSQL: lists, settings and inventory policies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.db.statement import Statement
from openstoq.kernel.paging import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A variant attached to an offer; where its own setting is None, the offer's value applies."""

    variant_id: int
    product_id: int
    product_title: str | None
    variant_title: str | None
    sku: str | None
    inventory_policy: str | None
    shipping_text: str | None
    max_count: int | None
    market_overrides: dict[str, Any]
    preorder_count: int
    attached_at: datetime
    in_group: bool | None
    is_behind: bool
    sync_error: str | None


async def touch(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID,
    variant_ids: Sequence[int] | None = None,
    *,
    reset_only: bool = False,
) -> None:
    """Mark variants of an offer as changed, so that the next sync checks their metafields again.

    Without `variant_ids`, all variants are marked. With `reset_only`, only variants whose
    metafields were reset are marked.
    """
    statement = touching(shop_id, offer_id, variant_ids, reset_only=reset_only)
    await db.execute(statement.text, *statement.parameters)


def touching(
    shop_id: UUID,
    offer_id: UUID,
    variant_ids: Sequence[int] | None = None,
    *,
    reset_only: bool = False,
) -> Statement:
    """Return the statement that `touch` runs, for callers that run it with another statement."""
    return Statement(
        """
        WITH locked AS (
            SELECT variant_id FROM preorder_variants
            WHERE shop_id = $1 AND (is_reset OR NOT $4) AND variant_id IN (
                SELECT variant_id FROM offer_variants WHERE shop_id = $1 AND offer_id = $2
                AND ($3::bigint[] IS NULL OR variant_id = ANY($3)))
            ORDER BY variant_id FOR UPDATE
        )
        UPDATE preorder_variants p SET revision = p.revision + 1, is_reset = false,
            sync_error = NULL
        FROM locked WHERE p.shop_id = $1 AND p.variant_id = locked.variant_id
        """,
        (shop_id, offer_id, variant_ids, reset_only),
    )


async def want_policy(
    db: Connection, shop_id: UUID, policy: str, variant_ids: Sequence[int]
) -> None:
    """Request an inventory policy for variants on behalf of a caller.

    If we had stopped the sale of a variant, it no longer counts as stopped by us. So we do not
    resume the sale automatically after such an explicit request.
    """
    await db.execute(
        """
        WITH locked AS (
            SELECT variant_id FROM preorder_variants
            WHERE shop_id = $1 AND variant_id = ANY($3)
            ORDER BY variant_id FOR UPDATE
        )
        UPDATE preorder_variants p SET policy_wanted = $2, stopped = false
        FROM locked WHERE p.shop_id = $1 AND p.variant_id = locked.variant_id
        """,
        shop_id,
        policy,
        variant_ids,
    )


async def attached_ids(
    db: Connection,
    shop_id: UUID,
    offer_ids: Sequence[UUID],
    variant_ids: Sequence[int] | None = None,
) -> dict[UUID, list[int]]:
    """Return the ids of the variants attached to each offer, in order.

    With `variant_ids`, only these are returned.
    """
    rows = await db.fetch(
        """
        SELECT offer_id, array_agg(variant_id ORDER BY variant_id) AS ids FROM offer_variants
        WHERE shop_id = $1 AND offer_id = ANY($2) AND detached_at IS NULL
          AND ($3::bigint[] IS NULL OR variant_id = ANY($3))
        GROUP BY offer_id
        """,
        shop_id,
        offer_ids,
        variant_ids,
    )
    found = {row["offer_id"]: list(row["ids"]) for row in rows}
    return {offer_id: found.get(offer_id, []) for offer_id in offer_ids}


_MEMBER = """
    m.variant_id, m.product_id, pr.title AS product_title, v.title AS variant_title, v.sku,
    v.inventory_policy, m.shipping_text, m.max_count, m.market_overrides,
    coalesce(p.preorder_count, 0) AS preorder_count, m.attached_at, m.in_group,
    coalesce(p.revision > p.synced_revision OR p.policy_wanted IS NOT NULL, false) AS is_behind,
    coalesce(m.sync_error, p.sync_error) AS sync_error
    FROM offer_variants m
    LEFT JOIN preorder_variants p ON p.shop_id = $1 AND p.variant_id = m.variant_id
    LEFT JOIN variants v ON v.shop_id = $1 AND v.id = m.variant_id
    LEFT JOIN products pr ON pr.shop_id = $1 AND pr.id = m.product_id
"""


async def page(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID,
    page: Page | None,
    *,
    product_id: int | None = None,
    variant_id: int | None = None,
) -> list[Member]:
    """Return attached variants in the order of their ids: a page, or all if the page is None."""
    rows = await db.fetch(
        f"""
        SELECT {_MEMBER}
        WHERE m.shop_id = $1 AND m.offer_id = $2 AND m.detached_at IS NULL
          AND ($3::bigint IS NULL OR m.product_id = $3)
          AND ($4::bigint IS NULL OR m.variant_id = $4)
        ORDER BY m.variant_id LIMIT $5 OFFSET $6
        """,
        shop_id,
        offer_id,
        product_id,
        variant_id,
        page.size if page else None,
        page.offset if page else 0,
    )
    return [Member(**dict(row)) for row in rows]


async def override(
    db: Connection,
    shop_id: UUID,
    offer_id: UUID,
    variant_id: int,
    *,
    shipping_text: str | None,
    max_count: int | None,
    market_overrides: dict[str, Any],
) -> None:
    """Write an attached variant's own settings; None means that the offer's value applies."""
    await db.execute(
        """
        UPDATE offer_variants SET shipping_text = $4, max_count = $5, market_overrides = $6
        WHERE shop_id = $1 AND offer_id = $2 AND variant_id = $3
        """,
        shop_id,
        offer_id,
        variant_id,
        shipping_text,
        max_count,
        market_overrides,
    )
