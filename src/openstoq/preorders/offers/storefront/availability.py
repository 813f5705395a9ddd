"""The availability of a variant to the shoppers of a market, from PostgreSQL."""

from datetime import datetime
from uuid import UUID

from openstoq.catalog import stock
from openstoq.db.pool import Connection
from openstoq.preorders.offers.offered_variants import OfferedVariant
from openstoq.preorders.offers.storefront.sold_out import is_full_in_market, offers_in_market
from openstoq.preorders.offers.storefront.sold_units import SoldUnits


async def is_sold_out(
    db: Connection,
    shop_id: UUID,
    selling: OfferedVariant,
    market_id: int | None,
    now: datetime,
    *,
    sold_units: SoldUnits,
) -> bool:
    """Return whether no units of a variant are left to preorder in a market.

    If the offer that applies goes by Shopify's stock, that stock decides. Otherwise our own counts
    and limits decide. A variant to which no offer applies is not sold out. Only the data that
    decides is read, because every visit to a product page may call this function.
    """
    offers = offers_in_market(selling, now, market_id)
    if not offers:
        return False
    first, _ = offers[0]
    if first.goes_by_stock:
        left = await stock.available(db, shop_id, [selling.variant_id])
        return selling.variant_id in left and left[selling.variant_id] <= 0
    limited = [first.id] if first.limits.total.max is not None else []
    units = await sold_units(db, shop_id, limited)
    return is_full_in_market(offers, selling, units, market_id)
