"""The markets of a shop, as last read from it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from uuid import UUID

from openstoq.commerce.orders import Market
from openstoq.db.pool import Connection


async def market_of(db: Connection, shop_id: UUID, country: str | None) -> int | None:
    """Return the id of the active market that sells to a country, or None if no market does.

    If several markets sell to it, the one with the fewest countries is returned.
    """
    found: int | None = await db.fetchval(
        """
        SELECT id FROM markets WHERE shop_id = $1 AND active AND $2 = ANY(countries)
        ORDER BY cardinality(countries), id LIMIT 1
        """,
        shop_id,
        country,
    )
    return found


async def save_markets(
    db: Connection, shop_id: UUID, markets: Sequence[Market], unreadable: Collection[int]
) -> None:
    """Replace the shop's stored markets, except those that could not be read."""
    await db.execute(
        "DELETE FROM markets WHERE shop_id = $1 AND id <> ALL($2)",
        shop_id,
        [*(market.id for market in markets), *unreadable],
    )
    await db.execute(
        """
        INSERT INTO markets (shop_id, id, name, active, countries)
        SELECT $1, id, name, active, countries FROM jsonb_to_recordset($2)
            AS t(id bigint, name text, active boolean, countries text[])
        ON CONFLICT (shop_id, id) DO UPDATE
        SET name = excluded.name, active = excluded.active, countries = excluded.countries
        """,
        shop_id,
        [asdict(market) for market in {market.id: market for market in markets}.values()],
    )
