"""Stock by location in PostgreSQL, and each variant's total, which is computed from it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from openstoq.catalog.conditions import is_open
from openstoq.catalog.model import UNLIMITED, StockChanged
from openstoq.commerce.port import InventoryItem, InventoryLevel
from openstoq.db.pool import Connection


async def record(
    db: Connection,
    shop_id: UUID,
    levels: Sequence[InventoryLevel],
    *,
    triggered_at: datetime,
    now: datetime,
    complete_items: Sequence[int] = (),
) -> list[StockChanged]:
    """Save inventory levels that are newer than the stored ones; return the changed totals.

    Shopify's times are whole seconds. Of two changes within the same second, the newer is the one
    with the later `triggered_at`, the time at which its news was triggered. For each of
    `complete_items`, `levels` contains every level of the item, so any other level that is stored
    no longer exists.
    """
    items = sorted({level.inventory_item_id for level in levels} | set(complete_items))
    await lock_items(db, shop_id, items)
    # A level without a time gets a whole second too. With a more exact time, it would win over
    # later levels of the same second.
    fallback = triggered_at.replace(microsecond=0)
    in_time = sorted(levels, key=lambda level: level.updated_at or fallback)
    latest = {(level.inventory_item_id, level.location_id): level for level in in_time}
    await db.execute(
        """
        INSERT INTO inventory_levels AS l
            (shop_id, inventory_item_id, location_id, available, updated_at, triggered_at)
        SELECT $1, t.*, $6
        FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::timestamptz[]) AS t
        ON CONFLICT (shop_id, inventory_item_id, location_id) DO UPDATE SET
            available = excluded.available, updated_at = excluded.updated_at,
            triggered_at = excluded.triggered_at
        WHERE (l.updated_at, l.triggered_at) < (excluded.updated_at, excluded.triggered_at)
        """,
        shop_id,
        [item for item, _ in latest],
        [location for _, location in latest],
        [level.available if level.active else None for level in latest.values()],
        [level.updated_at or fallback for level in latest.values()],
        triggered_at,
    )
    if complete_items:
        await _drop_missing(db, shop_id, list(latest), complete_items, triggered_at)
    return await total(db, shop_id, items, now, complete_items=complete_items)


async def lock_items(db: Connection, shop_id: UUID, items: Sequence[int]) -> None:
    """Lock the variants of items before writing the levels that make up their totals.

    Two transactions that change the same item then run one after the other, and the total that the
    later one calculates includes both changes.
    """
    await db.execute(
        """
        SELECT FROM variants WHERE shop_id = $1 AND inventory_item_id = ANY($2)
        ORDER BY id FOR UPDATE
        """,
        shop_id,
        items,
    )


async def _drop_missing(
    db: Connection,
    shop_id: UUID,
    present: Sequence[tuple[int, int]],
    complete_items: Sequence[int],
    read_at: datetime,
) -> None:
    await db.execute(
        """
        UPDATE inventory_levels SET available = NULL, triggered_at = $5,
            updated_at = greatest(updated_at, date_trunc('second', $5))
        WHERE shop_id = $1 AND inventory_item_id = ANY($2) AND triggered_at < $5
          AND NOT EXISTS (
              SELECT FROM unnest($3::bigint[], $4::bigint[]) AS present (item_id, location_id)
              WHERE present.item_id = inventory_levels.inventory_item_id
                AND present.location_id = inventory_levels.location_id)
        """,
        shop_id,
        complete_items,
        [item for item, _ in present],
        [location for _, location in present],
        read_at,
    )


async def total(
    db: Connection,
    shop_id: UUID,
    items: Sequence[int],
    now: datetime,
    *,
    complete_items: Sequence[int] = (),
) -> list[StockChanged]:
    """Recalculate the items' totals over locations that sell online; return those that changed.

    A total that becomes unknown is stored, but not returned. All levels of the `complete_items` have
    been read, so the total of such an item without a level is 0; the total of any other item without
    a level is unknown. A variant whose stock is not tracked can always be sold. When its stock is
    tracked again, its total is unknown until a level is known. The stock at a location that we do
    not know yet counts. The stock at a location that we know counts once we have read that the
    location sells online.
    """
    rows = await db.fetch(
        """
        WITH known AS (
            SELECT v.id, v.available AS before, CASE
                WHEN NOT v.tracked THEN $5
                WHEN count(i.location_id) > 0 OR v.inventory_item_id = ANY($4) THEN least(coalesce(
                    sum(i.available) FILTER (WHERE l.id IS NULL OR (l.active AND l.sells_online)),
                    0), $5) END::integer AS after
            FROM variants v
            LEFT JOIN inventory_levels i
              ON i.shop_id = $1 AND i.inventory_item_id = v.inventory_item_id
            LEFT JOIN locations l ON l.shop_id = $1 AND l.id = i.location_id
            WHERE v.shop_id = $1 AND v.inventory_item_id = ANY($2)
            GROUP BY v.id, v.available, v.tracked, v.inventory_item_id
            HAVING count(i.location_id) > 0 OR v.inventory_item_id = ANY($4) OR NOT v.tracked
                OR v.available = $5
        )
        UPDATE variants v SET
            available = known.after,
            sold_out_at = CASE
                WHEN known.after <= 0 AND coalesce(known.before, 1) > 0 THEN $3
                ELSE v.sold_out_at END
        FROM known
        WHERE v.shop_id = $1 AND v.id = known.id
          AND known.before IS DISTINCT FROM known.after
        RETURNING v.id, v.product_id, known.before, v.available AS after
        """,
        shop_id,
        items,
        now,
        complete_items,
        UNLIMITED,
    )
    return [
        StockChanged(row["id"], row["product_id"], row["before"], row["after"])
        for row in sorted(rows, key=lambda row: row["id"])
        if row["after"] is not None
    ]


async def available(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> dict[int, int]:
    """Return, for each of these variants, the stock that can be sold online, by variant id.

    A variant whose stock is not known is missing from the result.
    """
    rows = await db.fetch(
        """
        SELECT id, available FROM variants
        WHERE shop_id = $1 AND id = ANY($2) AND available IS NOT NULL
        """,
        shop_id,
        variant_ids,
    )
    return {row["id"]: row["available"] for row in rows}


async def forget_item(
    db: Connection, shop_id: UUID, item_id: int, at: datetime
) -> list[StockChanged]:
    """Record that an inventory item was deleted; return the totals that changed.

    Afterwards, the item has no stock at any location.
    """
    await lock_items(db, shop_id, [item_id])
    await db.execute(
        """
        UPDATE inventory_levels SET available = NULL, updated_at = $3, triggered_at = $3
        WHERE shop_id = $1 AND inventory_item_id = $2
        """,
        shop_id,
        item_id,
        at,
    )
    return await total(db, shop_id, [item_id], at)


async def save_item(
    db: Connection,
    shop_id: UUID,
    item: InventoryItem,
    *,
    triggered_at: datetime,
    now: datetime,
) -> list[StockChanged]:
    """Save an item's SKU, and whether its stock is tracked, unless the news is outdated.

    As in `record`, of two changes within the same second, the one that was triggered later is the
    newer. Returns the changed totals of variants whose tracking was turned on or off.
    """
    await lock_items(db, shop_id, [item.id])
    await db.execute(
        """
        UPDATE variants SET tracked = coalesce($3, tracked), sku = coalesce($4, sku),
            item_updated_at = $5, item_triggered_at = $6
        WHERE shop_id = $1 AND inventory_item_id = $2
          AND (coalesce(item_updated_at, '-infinity'), coalesce(item_triggered_at, '-infinity'))
              < ($5, $6)
        """,
        shop_id,
        item.id,
        item.tracked,
        item.sku,
        item.updated_at or triggered_at.replace(microsecond=0),
        triggered_at,
    )
    return await total(db, shop_id, [item.id], now)


async def lock(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> None:
    """Lock variants until the transaction ends.

    They are locked in the order of their ids. Every transaction that changes several variants must
    lock them in this order; otherwise two transactions can deadlock.
    """
    await db.execute(
        "SELECT FROM variants WHERE shop_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE",
        shop_id,
        variant_ids,
    )


async def note_policies(db: Connection, shop_id: UUID, policies: Mapping[int, str]) -> None:
    """Store the inventory policies, keyed by variant id, that variants now have in Shopify."""
    await lock(db, shop_id, list(policies))
    await db.execute(
        """
        UPDATE variants v SET inventory_policy = t.policy
        FROM unnest($2::bigint[], $3::text[]) AS t(id, policy)
        WHERE v.shop_id = $1 AND v.id = t.id AND v.inventory_policy <> t.policy
        """,
        shop_id,
        list(policies),
        list(policies.values()),
    )


async def answer_sold_out(db: Connection, shop_id: UUID, variant_ids: Sequence[int]) -> set[int]:
    """Clear the sold-out marks of restocked variants; return the variants that had one.

    A mark (`sold_out_at`) means that the variant was sold out since its last wave. Because it is
    cleared for each wave, no times of two hosts, whose clocks may differ, are compared. While
    nobody can open the variant's product, the mark is kept for the wave that starts once the
    product is published.
    """
    rows = await db.fetch(
        f"""
        UPDATE variants v SET sold_out_at = NULL FROM products p
        WHERE v.shop_id = $1 AND v.id = ANY($2) AND v.sold_out_at IS NOT NULL
          AND p.shop_id = $1 AND p.id = v.product_id AND {is_open("p")} RETURNING v.id
        """,  # noqa: S608 - a constant
        shop_id,
        variant_ids,
    )
    return {row["id"] for row in rows}
