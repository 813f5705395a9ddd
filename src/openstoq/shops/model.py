"""A shop, and a caller's remaining points."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from openstoq.kernel.documents import readable
from openstoq.messaging.brand import Brand

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A tenant: one Shopify shop that has installed the app.

    We write to the merchant at `email`; shoppers write to the shop at `contact_email`.
    """

    id: UUID
    shopify_id: int | None
    domain: str
    name: str
    email: str | None
    contact_email: str | None
    url: str | None
    currency: str
    timezone: str
    country: str | None
    locale: str
    api_url: str | None
    sealed_access_token: bytes | None
    sealed_client_secret: bytes | None
    installed_at: datetime
    uninstalled_at: datetime | None
    stored_brand: str = field(default="{}", repr=False)

    @classmethod
    def from_row(cls, row: Any) -> "Shop":
        """Create a Shop from a row of `shops`."""
        return cls(
            id=row["shop_id"],
            shopify_id=row["shopify_id"],
            domain=row["domain"],
            name=row["name"],
            email=row["email"],
            contact_email=row["contact_email"],
            url=row["url"],
            currency=row["currency"],
            timezone=row["timezone"],
            country=row["country"],
            locale=row["locale"],
            api_url=row["api_url"],
            sealed_access_token=row["access_token"],
            sealed_client_secret=row["client_secret"],
            installed_at=row["installed_at"],
            uninstalled_at=row["uninstalled_at"],
            stored_brand=row["brand"],
        )

    @property
    def brand(self) -> Brand:
        """The shop's brand, with the default for each value that cannot be read."""
        # Every request loads its shop, and few need the brand, so it is not read before.
        return readable(Brand, orjson.loads(self.stored_brand), "brand")[0]

    @property
    def storefront(self) -> str:
        """The web address of the shop's storefront, without a trailing slash."""
        return (self.url or f"https://{self.domain}").rstrip("/")


@dataclass(frozen=True, slots=True)
class Points:
    """A caller's points in the rolling window of 60 seconds, after a call was admitted or refused.

    `reset_at` is the time (in Unix seconds) at which all spent points are available again.
    `retry_after` is the number of seconds until the refused call can be repeated.
    """

    limit: int
    remaining: int
    reset_at: int
    retry_after: int
    allowed: bool

    @property
    def headers(self) -> dict[str, str]:
        """The documented rate-limit headers; Retry-After only if the call was refused."""
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }
        if not self.allowed:
            headers["Retry-After"] = str(self.retry_after)
        return headers
