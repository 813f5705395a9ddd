"""Translate Shopify's webhooks into the application's changes, by topic."""

from collections.abc import Callable, Mapping, Sequence

from typing_extensions import override

from openstoq.commerce.inbound import (
    Change,
    CustomerRedacted,
    DataRequested,
    Delivery,
    Forwarded,
    FulfillmentOrderChanged,
    Inbound,
    ItemChanged,
    ItemDeleted,
    LevelChanged,
    LocationChanged,
    LocationDeleted,
    MarketsChanged,
    NamedShop,
    OrderChanged,
    OrderDeleted,
    PaymentScheduleDue,
    ProductDeleted,
    ShopChanged,
    ShopRedacted,
    Uninstalled,
)
from openstoq.commerce.shopify import proxy, webhooks
from openstoq.commerce.shopify.subscriptions import TOPICS

_Reader = Callable[[bytes], Change]


def _order(*path: str) -> _Reader:
    return lambda body: OrderChanged(webhooks.id_at(body, *path))


def _fulfillment_order(*path: str) -> _Reader:
    # A webhook may name several, as after a split: all belong to one order, and this one exists.
    return lambda body: FulfillmentOrderChanged((webhooks.id_at(body, *path, "id"),))


_READERS: dict[str, _Reader] = {
    "app/uninstalled": lambda _: Uninstalled(),
    "customers/data_request": lambda body: DataRequested(webhooks.privacy_request(body)),
    "customers/redact": lambda body: CustomerRedacted(webhooks.privacy_request(body)),
    "fulfillment_holds/added": _fulfillment_order("fulfillment_order"),
    "fulfillment_holds/released": _fulfillment_order("fulfillment_order"),
    "fulfillment_orders/cancelled": _fulfillment_order("fulfillment_order"),
    "fulfillment_orders/hold_released": _fulfillment_order("fulfillment_order"),
    "fulfillment_orders/merged": lambda body: FulfillmentOrderChanged(
        webhooks.merged_fulfillment_orders(body)
    ),
    "fulfillment_orders/moved": lambda body: FulfillmentOrderChanged(
        webhooks.moved_fulfillment_orders(body)
    ),
    "fulfillment_orders/order_routing_complete": _fulfillment_order("fulfillment_order"),
    "fulfillment_orders/placed_on_hold": _fulfillment_order("fulfillment_order"),
    "fulfillment_orders/rescheduled": _fulfillment_order("fulfillment_order"),
    "fulfillment_orders/scheduled_fulfillment_order_ready": _fulfillment_order("fulfillment_order"),
    "fulfillment_orders/split": _fulfillment_order("fulfillment_order"),
    "fulfillments/create": _order("order_id"),
    "fulfillments/update": _order("order_id"),
    "inventory_items/delete": lambda body: ItemDeleted(webhooks.deleted_id(body)),
    "inventory_items/update": lambda body: ItemChanged(webhooks.inventory_item(body)),
    "inventory_levels/connect": lambda body: LevelChanged(webhooks.inventory_level(body)),
    "inventory_levels/disconnect": lambda body: LevelChanged(webhooks.disconnected_level(body)),
    "inventory_levels/update": lambda body: LevelChanged(webhooks.inventory_level(body)),
    "locations/activate": lambda body: LocationChanged(webhooks.location(body)),
    "locations/create": lambda body: LocationChanged(webhooks.location(body)),
    "locations/deactivate": lambda body: LocationChanged(webhooks.location(body)),
    "locations/delete": lambda body: LocationDeleted(webhooks.deleted_id(body)),
    "locations/update": lambda body: LocationChanged(webhooks.location(body)),
    "markets/create": lambda _: MarketsChanged(),
    "markets/delete": lambda _: MarketsChanged(),
    "markets/update": lambda _: MarketsChanged(),
    "order_transactions/create": _order("order_id"),
    "orders/cancelled": _order("id"),
    "orders/create": _order("id"),
    "orders/delete": lambda body: OrderDeleted(webhooks.deleted_id(body)),
    "orders/edited": _order("order_edit", "order_id"),
    "orders/fulfilled": _order("id"),
    "orders/paid": _order("id"),
    "orders/partially_fulfilled": _order("id"),
    "orders/updated": _order("id"),
    "payment_schedules/due": lambda body: PaymentScheduleDue(*webhooks.due_schedule(body)),
    "products/create": webhooks.product,
    "products/delete": lambda body: ProductDeleted(webhooks.deleted_id(body)),
    "products/update": webhooks.product,
    "refunds/create": _order("order_id"),
    "shop/redact": lambda body: ShopRedacted(webhooks.privacy_request(body)),
    "shop/update": lambda _: ShopChanged(),
}


class ShopifyInbound(Inbound):
    """Parser of Shopify's deliveries and forwarded requests."""

    @property
    @override
    def topics(self) -> Sequence[str]:
        return TOPICS

    @override
    def delivery(self, headers: Mapping[str, str]) -> Delivery:
        return webhooks.delivery(headers)

    @override
    def is_signed(self, headers: Mapping[str, str]) -> bool:
        return webhooks.is_signature(_signature(headers))

    @override
    def is_genuine(
        self, raw_body: bytes, headers: Mapping[str, str], secrets: Sequence[str]
    ) -> bool:
        return webhooks.verify(raw_body, _signature(headers), secrets)

    @override
    def change(self, topic: str, body: bytes) -> Change | None:
        reader = _READERS.get(topic)
        return reader(body) if reader is not None else None

    @override
    def named_shop(self, topic: str, body: bytes) -> NamedShop:
        return webhooks.named_shop(topic, body)

    @override
    def forwarded(
        self, query: Sequence[tuple[str, str]], secrets: Sequence[str]
    ) -> Forwarded | None:
        return proxy.forwarded(query, secrets)


def _signature(headers: Mapping[str, str]) -> str | None:
    return {name.lower(): value for name, value in headers.items()}.get("x-shopify-hmac-sha256")
