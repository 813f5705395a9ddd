"""Count the units sold of offers and variants, under locks, in PostgreSQL.

A transaction that judges an order against limits keeps the rows of its offers and variants locked
until the order is counted, so that two orders never both get the last unit.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers import rules
from openstoq.preorders.offers import store as offers
from openstoq.preorders.offers.capabilities.limits import Limits
from openstoq.preorders.orders.limits.rules import CountedUnits, Demand
from openstoq.preorders.orders.model import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """The customer whose limits apply.

    Stored orders with the same customer id or e-mail address count as the customer's earlier
    orders. `order_id` is the order being judged, which does not count. If neither a customer id nor
    an e-mail address is known, no earlier order counts.
    """

    customer_id: int | None = None
    email: str | None = None
    order_id: int | None = None


async def lock(db: Connection, shop_id: UUID, lines: Iterable[Line]) -> None:
    """Lock the offers and variants of lines until the transaction ends.

    Another transaction that is about to count units of the same offers or variants has to wait.
    """
    wanted = list(lines)
    await offers.lock_offers(db, shop_id, list({line.offer_id for line in wanted}))
    variant_ids = sorted({line.variant_id for line in wanted})
    await db.execute(
        """
        INSERT INTO preorder_variants (shop_id, variant_id)
        SELECT $1, id FROM unnest($2::bigint[]) AS t(id) ORDER BY id ON CONFLICT DO NOTHING
        """,
        shop_id,
        variant_ids,
    )
    await offers.lock_variants(db, shop_id, variant_ids)


async def count_units(
    db: Connection,
    shop_id: UUID,
    demands: Sequence[Demand],
    limits: Mapping[UUID, Limits],
    buyer: Buyer,
    *,
    by_stock: AbstractSet[UUID] = frozenset(),
) -> CountedUnits:
    """Count the units already sold of the demanded offers and variants.

    The maximums of the variants are loaded too. The units of an offer are counted only if it has a
    total limit. The customer's units of an offer are counted only if it has a limit per customer.
    """
    variant_ids = sorted({one.variant_id for one in demands})
    rows = await db.fetch(
        """
        SELECT p.variant_id, p.preorder_count, p.market_counts,
               m.offer_id, m.max_count, m.market_overrides
        FROM preorder_variants p
        LEFT JOIN offer_variants m
            ON m.shop_id = $1 AND m.variant_id = p.variant_id AND m.offer_id = ANY($3)
        WHERE p.shop_id = $1 AND p.variant_id = ANY($2)
        """,
        shop_id,
        variant_ids,
        list(limits),
    )
    own = {
        (row["offer_id"], row["variant_id"]): row
        for row in rows
        if row["offer_id"] is not None and row["offer_id"] not in by_stock
    }
    totals = [one for one, limit in limits.items() if limit.total.max is not None]
    per_customer = [one for one, limit in limits.items() if limit.per_customer.max is not None]
    return CountedUnits(
        of_offer=await sold_units(db, shop_id, totals, buyer.order_id),
        of_customer=await _of_customer(db, shop_id, per_customer, buyer),
        of_variant={row["variant_id"]: row["preorder_count"] for row in rows},
        of_market={
            (row["variant_id"], int(market)): count
            for row in rows
            for market, count in row["market_counts"].items()
        },
        variant_most={
            key: row["max_count"] for key, row in own.items() if row["max_count"] is not None
        },
        market_most={
            (*key, int(market)): override["max_count"]
            for key, row in own.items()
            for market, override in rules.by_number(row["market_overrides"]).items()
            if override.get("max_count") is not None
        },
    )


async def sold_units(
    db: Connection, shop_id: UUID, offer_ids: Sequence[UUID], but_order: int | None = None
) -> dict[UUID, int]:
    """Return the counted units of each offer, leaving out those of the order `but_order`.

    Offers without any lines are missing from the result.
    """
    if not offer_ids:
        return {}
    rows = await db.fetch(
        """
        SELECT offer_id, sum(counted)::integer AS units FROM preorder_lines
        WHERE shop_id = $1 AND offer_id = ANY($2) AND order_id IS DISTINCT FROM $3
        GROUP BY offer_id
        """,
        shop_id,
        offer_ids,
        but_order,
    )
    return {row["offer_id"]: row["units"] for row in rows}


async def add(db: Connection, shop_id: UUID, before: Iterable[Line], after: Iterable[Line]) -> bool:
    """Adjust the counts of variants by the difference between the lines before and after.

    Returns whether a count changed.
    """
    changes: Counter[tuple[int, int | None]] = Counter()
    for line in after:
        changes[line.variant_id, line.market_id] += line.counted
    for line in before:
        changes[line.variant_id, line.market_id] -= line.counted
    by_variant: dict[int, int] = defaultdict(int)
    by_market: dict[int, dict[str, int]] = defaultdict(dict)
    for (variant_id, market_id), change in changes.items():
        if change:
            by_variant[variant_id] += change
            if market_id is not None:
                by_market[variant_id][str(market_id)] = change
    if not by_variant:
        return False
    await db.execute(
        """
        WITH locked AS (
            SELECT p.variant_id, p.market_counts, t.change, t.markets
            FROM jsonb_to_recordset($2) AS t(id bigint, change integer, markets jsonb)
            JOIN preorder_variants p ON p.shop_id = $1 AND p.variant_id = t.id
            ORDER BY p.variant_id FOR UPDATE OF p
        ), changed AS (
            SELECT l.variant_id, l.change, coalesce(jsonb_object_agg(m.key, greatest(
                    coalesce((l.market_counts->>m.key)::integer, 0) + m.value::integer, 0))
                FILTER (WHERE m.key IS NOT NULL), '{}') AS market_counts
            FROM locked l LEFT JOIN LATERAL jsonb_each_text(l.markets) AS m ON true
            GROUP BY l.variant_id, l.change
        )
        UPDATE preorder_variants p SET
            preorder_count = greatest(p.preorder_count + changed.change, 0),
            market_counts = p.market_counts || changed.market_counts,
            revision = p.revision + 1, is_reset = false
        FROM changed WHERE p.shop_id = $1 AND p.variant_id = changed.variant_id
        """,
        shop_id,
        [
            {"id": variant_id, "change": change, "markets": by_market.get(variant_id, {})}
            for variant_id, change in by_variant.items()
        ],
    )
    return True


async def variant_counts(
    db: Connection, shop_id: UUID, variant_ids: Sequence[int]
) -> dict[int, tuple[int, dict[str, int]]]:
    """Count the preordered units of variants, in all and by market, from the lines of orders."""
    rows = await db.fetch(
        """
        SELECT t.id, coalesce(sum(l.counted), 0)::integer AS total,
               coalesce((SELECT jsonb_object_agg(market_id, counted) FROM (
                    SELECT market_id, sum(counted) AS counted FROM preorder_lines b
                    WHERE b.shop_id = $1 AND b.variant_id = t.id AND b.market_id IS NOT NULL
                    GROUP BY market_id) by_market), '{}') AS by_market
        FROM unnest($2::bigint[]) AS t(id)
        LEFT JOIN preorder_lines l ON l.shop_id = $1 AND l.variant_id = t.id
        GROUP BY t.id
        """,
        shop_id,
        variant_ids,
    )
    return {row["id"]: (row["total"], row["by_market"]) for row in rows}


async def _of_customer(
    db: Connection,
    shop_id: UUID,
    offer_ids: Sequence[UUID],
    buyer: Buyer,
) -> dict[UUID, int]:
    if not offer_ids or (buyer.customer_id is None and buyer.email is None):
        return {}
    rows = await db.fetch(
        """
        SELECT l.offer_id, sum(l.counted)::integer AS units
        FROM preorder_orders o
        JOIN preorder_lines l ON l.shop_id = $1 AND l.order_id = o.order_id
        WHERE o.shop_id = $1 AND (o.customer_id = $3 OR lower(o.email) = lower($4))
          AND l.offer_id = ANY($2) AND l.order_id IS DISTINCT FROM $5
        GROUP BY l.offer_id
        """,
        shop_id,
        offer_ids,
        buyer.customer_id,
        buyer.email,
        buyer.order_id,
    )
    return {row["offer_id"]: row["units"] for row in rows}
