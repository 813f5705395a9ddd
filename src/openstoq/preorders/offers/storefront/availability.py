"""The availability of a variant to the shoppers of a market, from PostgreSQL."""

from datetime import datetime
from uuid import UUID

from openstoq.catalog import stock
from openstoq.db.pool import Connection
from openstoq.preorders.offers.offered_variants import OfferedVariant
from openstoq.preorders.offers.storefront.sold_out import is_sold_out_there
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

    Our own counts and limits decide, or Shopify's stock where an offer goes by it.
    """
    limited = [one.id for one, _ in selling.offers if one.own_limits.total.max is not None]
    units = await sold_units(db, shop_id, limited)
    left = await stock.available(db, shop_id, [selling.variant_id])
    return is_sold_out_there(selling, units, now, market_id, left.get(selling.variant_id))
