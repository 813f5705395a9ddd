"""Variants with the offers that they are attached to: the input of all rules about variants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers import rules, store
from openstoq.preorders.offers.model import Offer

ELSEWHERE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedVariant:
    """A variant with the offers that it is attached to, and its own settings in each offer."""

    variant_id: int
    preorder_count: int = 0
    market_counts: Mapping[str, int] = field(default_factory=dict)
    offers: Sequence[tuple[Offer, Mapping[str, Any]]] = ()


def markets_of(offer: Offer) -> list[str]:
    """Return the keys that metafields use for the markets that an offer applies to.

    The keys are the ids of these markets, or only ELSEWHERE if the offer applies to all markets.
    """
    if offer.markets.applies_to_all_markets:
        return [ELSEWHERE]
    return [str(market) for market in offer.markets.market_ids]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedVariant:
    """A variant with a row in `preorder_variants`, and the metafields last written on it.

    With `is_reset`, the variant should have no metafields until its offers or counts change.
    """

    revision: int
    is_reset: bool
    written: Mapping[str, str]
    selling: OfferedVariant


async def load_variants(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int]
) -> list[SyncedVariant]:
    """Load these variants with the offers that sell them, in the order of the variants' ids.

    Variants without a row in `preorder_variants` are left out.
    """
    rows = await db.fetch(
        """
        SELECT p.variant_id, p.revision, p.is_reset, p.written, p.preorder_count, p.market_counts,
               coalesce((SELECT jsonb_agg(jsonb_build_object(
                    'offer_id', m.offer_id, 'shipping_text', m.shipping_text,
                    'max_count', m.max_count, 'market_overrides', m.market_overrides))
                FROM offer_variants m WHERE m.shop_id = $1
                AND m.variant_id = p.variant_id AND m.detached_at IS NULL), '[]') AS members
        FROM preorder_variants p
        WHERE p.shop_id = $1 AND p.variant_id = ANY($2)
        ORDER BY p.variant_id
        """,
        shop_id,
        variant_ids,
    )
    ids = {UUID(member["offer_id"]) for row in rows for member in row["members"]}
    offers = {offer.id: offer for offer in await store.all_of(db, shop_id, sorted(ids))}
    return [
        SyncedVariant(
            revision=row["revision"],
            is_reset=row["is_reset"],
            written=row["written"],
            selling=OfferedVariant(
                variant_id=row["variant_id"],
                preorder_count=row["preorder_count"],
                market_counts=row["market_counts"],
                offers=[
                    (
                        offers[UUID(member["offer_id"])],
                        {
                            **member,
                            "market_overrides": rules.by_number(member["market_overrides"]),
                        },
                    )
                    for member in row["members"]
                ],
            ),
        )
        for row in rows
    ]
