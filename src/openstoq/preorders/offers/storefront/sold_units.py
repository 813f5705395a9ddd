"""The port to the number of units that offers have sold.

The room `preorders.orders` counts these units in its own table. The room `preorders.offers` stands
below it and must not import it, so `bootstrap` plugs the count in.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from openstoq.db.pool import Connection


class SoldUnits(Protocol):
    """A count of the units that offers have sold."""

    async def __call__(
        self, db: Connection, shop_id: UUID, offer_ids: Sequence[UUID]
    ) -> Mapping[UUID, int]:
        """Return the number of units that each offer has sold, over all its variants.

        Offers that have sold none may be missing from the result.
        """
        ...
