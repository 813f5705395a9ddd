"""The facts of a signup that the pages behind the links in its mails show."""

from dataclasses import dataclass
from uuid import UUID

from openstoq.catalog.conditions import is_closed
from openstoq.db.pool import Connection
from openstoq.shops.model import Shop


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A signup's locale, and its product if the catalogue knows it."""

    locale: str | None
    product: str | None
    url: str | None
    handle: str | None
    is_closed: bool

    def way_back(self, shop: Shop) -> str:
        """Return the address of the product's page, or the storefront's if nobody can open it."""
        if self.is_closed or self.product is None:
            return shop.storefront
        return self.url or (
            f"{shop.storefront}/products/{self.handle}" if self.handle else shop.storefront
        )


async def load(db: Connection, shop_id: UUID, signup_id: UUID) -> PageFacts | None:
    """Load what a page shows of a signup; return None if there is no such signup."""
    row = await db.fetchrow(
        f"""
        SELECT coalesce(s.locale, c.locale) AS locale, p.title AS product, p.url, p.handle,
               {is_closed("s.variant_id")} AS is_closed
        FROM signups s JOIN customers c ON c.shop_id = $1 AND c.id = s.customer_id
        LEFT JOIN products p ON p.shop_id = $1 AND p.id = s.product_id
        WHERE s.shop_id = $1 AND s.id = $2
        """,  # noqa: S608 - a constant
        shop_id,
        signup_id,
    )
    return PageFacts(**dict(row)) if row is not None else None
