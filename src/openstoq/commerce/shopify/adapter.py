"""The adapter that implements the application's commerce port for a Shopify shop."""

from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from datetime import datetime

import httpx
from typing_extensions import override

from openstoq.commerce.orders import (
    Market,
    Order,
    OrderPage,
    PaymentStatus,
    Refund,
    RefundPart,
)
from openstoq.commerce.plans import PlanGroup, SavedPlanGroup
from openstoq.commerce.port import (
    Commerce,
    InventoryLevel,
    InventoryPolicy,
    Location,
    Metafield,
    Product,
    ProductPage,
    ShopCredentials,
    ShopFacts,
    Variant,
    WebhookChange,
)
from openstoq.commerce.shopify import (
    catalog,
    fulfillment,
    orders,
    payments,
    selling_plans,
    stock,
    subscriptions,
)
from openstoq.commerce.shopify import markets as market_calls
from openstoq.commerce.shopify import metafields as metafield_calls
from openstoq.commerce.shopify import policies as policy_calls
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.throttle import Patience, Reach, Throttle
from openstoq.kernel.money import Money


class ShopifyShop(Commerce):
    """The port to one Shopify shop; its methods call the modules of this package."""

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
    async def inventory_levels(
        self, inventory_item_ids: Sequence[int], unreadable: MutableMapping[int, str]
    ) -> list[InventoryLevel]:
        return await stock.levels(self._client, inventory_item_ids, unreadable)

    @override
    async def save_plan_group(
        self, group: PlanGroup, known: SavedPlanGroup | None
    ) -> SavedPlanGroup:
        return await selling_plans.save(self._client, group, known)

    @override
    async def add_to_plan_group(self, group_id: int, variant_ids: Sequence[int]) -> dict[int, str]:
        return await selling_plans.add(self._client, group_id, variant_ids)

    @override
    async def remove_from_plan_group(self, group_id: int, variant_ids: Sequence[int]) -> None:
        await selling_plans.remove(self._client, group_id, variant_ids)

    @override
    async def plan_group_members(self, group_id: int) -> set[int] | None:
        return await selling_plans.members(self._client, group_id)

    @override
    async def set_metafields(
        self, namespace: str, metafields: Sequence[Metafield]
    ) -> dict[tuple[int | None, str], str]:
        return await metafield_calls.write(self._client, namespace, metafields)

    @override
    async def delete_metafields(
        self, namespace: str, keys: Sequence[tuple[int | None, str]]
    ) -> None:
        await metafield_calls.delete(self._client, namespace, keys)

    @override
    async def metafields(
        self, namespace: str, variant_ids: Sequence[int]
    ) -> dict[int, dict[str, str]]:
        return await metafield_calls.read(self._client, namespace, variant_ids)

    @override
    async def set_inventory_policies(
        self, product_id: int, policies: Mapping[int, InventoryPolicy]
    ) -> dict[int, str]:
        return await policy_calls.set_policies(self._client, product_id, policies)

    @override
    async def collection_products(self, collection_id: int) -> AsyncIterator[list[int]]:
        async for ids in policy_calls.collection_products(self._client, collection_id):
            yield ids

    @override
    async def ensure_webhooks(self, topics: Sequence[str], uri: str) -> list[WebhookChange]:
        return await subscriptions.ensure(self._client, topics, uri)

    @override
    async def order(self, order_id: int) -> Order | None:
        return await orders.order(self._client, order_id)

    @override
    async def orders_updated(
        self, since: datetime, *, after: str | None = None
    ) -> AsyncIterator[OrderPage]:
        async for page in orders.updated(self._client, since, after=after):
            yield page

    @override
    async def markets(self, unreadable: MutableMapping[int, str]) -> list[Market]:
        return await market_calls.markets(self._client, unreadable)

    @override
    async def tag_order(self, order_id: int, tags: Sequence[str]) -> None:
        await orders.tag(self._client, order_id, tags)

    @override
    async def untag_order(self, order_id: int, tags: Sequence[str]) -> None:
        await orders.untag(self._client, order_id, tags)

    @override
    async def hold(
        self,
        fulfillment_order_id: int,
        *,
        handle: str,
        note: str | None,
        lines: Mapping[int, int] | None = None,
    ) -> None:
        await fulfillment.hold(
            self._client, fulfillment_order_id, handle=handle, note=note, lines=lines
        )

    @override
    async def release_holds(self, fulfillment_order_id: int, hold_ids: Sequence[int]) -> None:
        await fulfillment.release(self._client, fulfillment_order_id, hold_ids)

    @override
    async def split_fulfillment_order(
        self, fulfillment_order_id: int, lines: Mapping[int, int]
    ) -> None:
        await fulfillment.split(self._client, fulfillment_order_id, lines)

    @override
    async def charge_mandate(
        self,
        order_id: int,
        mandate_id: str,
        *,
        key: str,
        schedule_id: int | None = None,
        amount: Money | None = None,
    ) -> str:
        return await payments.charge(
            self._client, order_id, mandate_id, key=key, schedule_id=schedule_id, amount=amount
        )

    @override
    async def payment_status(self, order_id: int, reference: str) -> PaymentStatus:
        return await payments.status(self._client, order_id, reference)

    @override
    async def mark_paid(self, order_id: int) -> None:
        await payments.mark_paid(self._client, order_id)

    @override
    async def refund(
        self,
        order_id: int,
        parts: Sequence[RefundPart],
        *,
        key: str,
        note: str | None,
        notify: bool,
    ) -> Refund:
        return await payments.refund(
            self._client, order_id, parts, key=key, note=note, notify=notify
        )

    @override
    async def cancel_order(
        self, order_id: int, *, reason: str, note: str | None, notify: bool, restock: bool
    ) -> None:
        await payments.cancel(
            self._client, order_id, reason=reason, note=note, notify=notify, restock=restock
        )


class ShopifyConnector:
    """A connector to shops, all of which share one connection pool.

    For each shop it remembers how many of Shopify's points are left, and whether the shop responds.
    """

    def __init__(self, http: httpx.AsyncClient, patience: Patience | None = None) -> None:
        self._http = http
        self._patience = patience or Patience()
        self._throttles: dict[str, Throttle] = {}
        self._reaches: dict[str, Reach] = {}

    def __call__(self, credentials: ShopCredentials) -> ShopifyShop:
        """Return the port to a shop without sending a request.

        Raises ValueError if the shop's address is invalid.
        """
        throttle = self._throttles.setdefault(credentials.domain, Throttle())
        reach = self._reaches.setdefault(credentials.domain, Reach())
        return ShopifyShop(Client(self._http, credentials, throttle, self._patience, reach))
