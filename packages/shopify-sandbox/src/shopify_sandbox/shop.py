"""One shop's state, and the announcement of every event in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from shopify_sandbox.clock import Clock, utc_now
from shopify_sandbox.config import ShopConfig
from shopify_sandbox.ids import gid, shopify_id
from shopify_sandbox.records.catalogue import InventoryItem, Level, Location, Product, Variant
from shopify_sandbox.records.charges import Charge
from shopify_sandbox.records.customers import Customer
from shopify_sandbox.records.markets import Market
from shopify_sandbox.records.metafields import Metafields
from shopify_sandbox.records.orders import Fulfillment, FulfillmentOrder, Order
from shopify_sandbox.records.plans import Collection, SellingPlan, SellingPlanGroup
from shopify_sandbox.records.subscriptions import Subscription
from shopify_sandbox.work import Work

Payload = dict[str, Any]
Announce = Callable[["Shop", str, "MerchantAction", Callable[[], Payload]], None]


@dataclass(frozen=True, slots=True)
class MerchantAction:
    """An action of somebody in the shop; all webhooks that it causes share its event id."""

    triggered_at: datetime
    event_id: str = field(default_factory=lambda: str(uuid4()))


class Shop:
    """The state of one shop, kept in memory and changed by one thread only.

    Every event is announced with a function that returns the webhook's body. So no body is made for
    an event without subscribers.
    """

    def __init__(
        self,
        config: ShopConfig,
        *,
        number: int,
        url: str,
        announce: Announce,
        clock: Clock = utc_now,
    ) -> None:
        self.config = config
        self.url = url
        self.number = number
        self.id = 60_000_000_000 + number
        self.name = config.name
        self.email = config.email
        self.installed = True
        self._clock = clock
        self._ahead = timedelta()
        self.created_at = self.updated_at = self.moment()
        self._announce = announce
        # Shopify's ids are unique over all shops, so each shop counts in a range of its own.
        self.ids: Iterator[int] = count(7_900_000_000_000 + number * 100_000_000_000, 32_768)
        self.products: dict[int, Product] = {}
        self.variants: dict[int, Variant] = {}
        self.items: dict[int, InventoryItem] = {}
        self.locations: dict[int, Location] = {}
        self.metafields = Metafields()
        self.subscriptions: dict[int, Subscription] = {}
        self.plan_groups: dict[int, SellingPlanGroup] = {}
        self.collections: dict[int, Collection] = {}
        self.orders: dict[int, Order] = {}
        self.customers: dict[int, Customer] = {}
        self.markets: dict[int, Market] = {}
        self.charges: dict[str, Charge] = {}
        # The few hundred ids after a market's own are those of its countries.
        self.market_ids: Iterator[int] = count(188_000_000 + number * 1_000_000, 500)
        self.order_numbers: Iterator[int] = count(1001)
        self.work = Work()
        self.fulfillment_orders: dict[int, FulfillmentOrder] = {}
        self.fulfillments: dict[int, Fulfillment] = {}

    def clock(self) -> datetime:
        """Return the shop's current time, which `advance` can move ahead of the real time."""
        return self._clock() + self._ahead

    def advance(self, ahead: timedelta) -> None:
        """Move the shop's time ahead."""
        self._ahead += ahead

    def moment(self) -> datetime:
        """Return the current time to the second, which is how precisely Shopify dates records."""
        return self.clock().replace(microsecond=0)

    def action(self) -> MerchantAction:
        """Return a new action, triggered now, with a new event id."""
        return MerchantAction(self.clock())

    def announce(self, topic: str, action: MerchantAction, body: Callable[[], Payload]) -> None:
        """Send an event to the subscribers of `topic`."""
        self._announce(self, topic, action, body)

    def product_url(self, product: Product) -> str:
        """Return the address of a product's page."""
        return f"{self.url}/products/{product.handle}"

    def order_url(self, order: Order) -> str:
        """Return the address of an order's status page."""
        return f"{self.url}/orders/{order.token}"

    def picture_url(self, product: Product) -> str:
        """Return the address of a product's picture."""
        return f"{self.url}/files/{product.handle}.png"

    def plan(self, plan_id: int) -> SellingPlan | None:
        """Return the selling plan with this id, or None if no group contains it."""
        groups = self.plan_groups.values()
        return next((each.plans[plan_id] for each in groups if plan_id in each.plans), None)

    @property
    def gid(self) -> str:
        """Return the shop's own global id."""
        return gid("Shop", self.id)

    def find(self, global_id: str) -> Any:
        """Return the record with a global id, or None if the shop has no such record.

        Raises ValueError when the text is not a global id.
        """
        number = shopify_id(global_id)
        kind = global_id.split("/")[3] if global_id.startswith("gid://shopify/") else ""
        tables: dict[str, dict[int, Any]] = {
            "Product": self.products,
            "ProductVariant": self.variants,
            "InventoryItem": self.items,
            "Location": self.locations,
            "WebhookSubscription": self.subscriptions,
            "SellingPlanGroup": self.plan_groups,
            "Collection": self.collections,
            "Order": self.orders,
            "Customer": self.customers,
            "Market": self.markets,
            "FulfillmentOrder": self.fulfillment_orders,
            "Fulfillment": self.fulfillments,
            "Shop": {self.id: self},
        }
        if kind == "InventoryLevel":
            return self._level(number, global_id)
        if kind == "Metafield":
            return next((each for each in self.metafields if each.id == number), None)
        if kind == "SellingPlan":
            return self.plan(number)
        return tables.get(kind, {}).get(number)

    def _level(self, location_id: int, global_id: str) -> Level | None:
        item = self.items.get(shopify_id(global_id.partition("?inventory_item_id=")[2]))
        return item.levels.get(location_id) if item else None
