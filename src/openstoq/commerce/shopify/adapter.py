"""A Shopify shop as the application sees it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import httpx
from typing_extensions import override

from openstoq.commerce.port import (
    Commerce,
    InventoryLevel,
    Location,
    Product,
    ProductPage,
    ShopCredentials,
    ShopFacts,
    Variant,
    WebhookChange,
)
from openstoq.commerce.shopify import catalog, stock, subscriptions
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.throttle import Patience, Throttle


class ShopifyShop(Commerce):
    """One Shopify shop: the port's Commerce."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @override
    async def shop(self) -> ShopFacts:
        return await catalog.shop(self._client)

    @override
    async def locations(self) -> list[Location]:
        return await catalog.locations(self._client)

    @override
    async def products(
        self, *, after: str | None = None, updated_since: datetime | None = None
    ) -> AsyncIterator[ProductPage]:
        pages = catalog.product_pages(self._client, after=after, updated_since=updated_since)
        async for page in pages:
            yield page

    @override
    async def product(self, product_id: int) -> Product | None:
        return await catalog.product(self._client, product_id)

    @override
    async def variants(self, variant_ids: Sequence[int]) -> list[Variant]:
        return await catalog.variants(self._client, variant_ids)

    @override
    async def inventory_levels(self, inventory_item_ids: Sequence[int]) -> list[InventoryLevel]:
        return await stock.levels(self._client, inventory_item_ids)

    @override
    async def ensure_webhooks(self, topics: Sequence[str], uri: str) -> list[WebhookChange]:
        return await subscriptions.ensure(self._client, topics, uri)


class ShopifyConnector:
    """Opens shops over one connection pool, and remembers the points each has granted."""

    def __init__(self, http: httpx.AsyncClient, patience: Patience | None = None) -> None:
        self._http = http
        self._patience = patience or Patience()
        self._throttles: dict[str, Throttle] = {}

    def __call__(self, credentials: ShopCredentials) -> ShopifyShop:
        """Return the shop; nothing is sent yet. Raises ValueError if its address is wrong."""
        throttle = self._throttles.setdefault(credentials.domain, Throttle())
        return ShopifyShop(Client(self._http, credentials, throttle, self._patience))
