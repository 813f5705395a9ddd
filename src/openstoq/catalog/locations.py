"""Locations in PostgreSQL.

When a location changes, the totals of all items that have stock there are recalculated.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from openstoq.catalog import stock
from openstoq.catalog.model import StockChanged, newest
from openstoq.commerce.port import Location
from openstoq.db.pool import Connection


async def save(
    db: Connection, shop_id: UUID, locations: Sequence[Location], *, changed_at: datetime
) -> list[StockChanged]:
    """Save locations, and recalculate the stock of items at the saved locations.

    A webhook does not say whether its location sells online; the stored value is kept in that case.
    """
    found = newest(locations, changed_at)
    rows = await db.fetch(
        """
        INSERT INTO locations AS l (shop_id, id, name, active, changed_at, sells_online)
        SELECT $1, t.* FROM unnest($2::bigint[], $3::text[], $4::boolean[], $5::timestamptz[],
                                   $6::boolean[]) AS t
        ON CONFLICT (shop_id, id) DO UPDATE SET
            name = excluded.name, active = excluded.active, changed_at = excluded.changed_at,
            sells_online = coalesce(excluded.sells_online, l.sells_online),
            sells_online_assumed = l.sells_online_assumed AND excluded.sells_online IS NULL,
            deleted_at = NULL
        WHERE l.changed_at <= excluded.changed_at
        RETURNING id
        """,
        shop_id,
        [location.id for location in found],
        [location.name for location in found],
        [location.active for location in found],
        [location.updated_at or changed_at for location in found],
        [location.sells_online for location in found],
    )
    return await _total_of_locations(db, shop_id, [row["id"] for row in rows], changed_at)


async def _total_of_locations(
    db: Connection, shop_id: UUID, location_ids: Sequence[int], now: datetime
) -> list[StockChanged]:
    stocked = await db.fetch(
        """
        SELECT DISTINCT inventory_item_id FROM inventory_levels
        WHERE shop_id = $1 AND location_id = ANY($2)
        """,
        shop_id,
        location_ids,
    )
    items = [row["inventory_item_id"] for row in stocked]
    await stock.lock_items(db, shop_id, items)
    return await stock.total(db, shop_id, items, now)


async def is_new(db: Connection, shop_id: UUID, location_id: int) -> bool:
    """Return whether a location is new, and store the new location.

    A location is new if other locations of the shop are stored and this one is not. News of its
    stock may arrive before news of the location itself. Its stock does not count until the
    locations have been read from the shop, because only then do we know whether it sells online.
    """
    return bool(
        await db.fetchval(
            """
            INSERT INTO locations (shop_id, id, name, active, changed_at, sells_online)
            SELECT $1, $2, '', true, '-infinity', NULL
            WHERE EXISTS (SELECT FROM locations WHERE shop_id = $1)
            ON CONFLICT DO NOTHING RETURNING true
            """,
            shop_id,
            location_id,
        )
    )


async def delete(
    db: Connection, shop_id: UUID, location_id: int, at: datetime
) -> list[StockChanged]:
    """Record that a location was deleted; return the changed totals of its items."""
    await db.execute(
        """
        INSERT INTO locations AS l
            (shop_id, id, name, active, changed_at, sells_online, deleted_at)
        VALUES ($1, $2, '', false, $3, NULL, $3)
        ON CONFLICT (shop_id, id) DO UPDATE SET active = false, changed_at = $3, deleted_at = $3
        WHERE l.changed_at <= $3
        """,
        shop_id,
        location_id,
        at,
    )
    return await _total_of_locations(db, shop_id, [location_id], at)
