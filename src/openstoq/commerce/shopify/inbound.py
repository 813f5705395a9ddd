"""Shopify's webhooks as the application hears them."""

from collections.abc import Callable, Mapping, Sequence

from typing_extensions import override

from openstoq.commerce.inbound import (
    Change,
    CustomerRedacted,
    DataRequested,
    Delivery,
    Inbound,
    ItemChanged,
    ItemDeleted,
    LevelChanged,
    LocationChanged,
    LocationDeleted,
    ProductDeleted,
    ShopChanged,
    ShopRedacted,
    Uninstalled,
)
from openstoq.commerce.shopify import webhooks
from openstoq.commerce.shopify.subscriptions import TOPICS

_READERS: dict[str, Callable[[bytes], Change]] = {
    "app/uninstalled": lambda _: Uninstalled(),
    "customers/data_request": lambda body: DataRequested(webhooks.privacy_request(body)),
    "customers/redact": lambda body: CustomerRedacted(webhooks.privacy_request(body)),
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
    "products/create": webhooks.product,
    "products/delete": lambda body: ProductDeleted(webhooks.deleted_id(body)),
    "products/update": webhooks.product,
    "shop/redact": lambda body: ShopRedacted(webhooks.privacy_request(body)),
    "shop/update": lambda _: ShopChanged(),
}


class ShopifyInbound(Inbound):
    """Reads Shopify's deliveries."""

    @property
    @override
    def topics(self) -> Sequence[str]:
        return TOPICS

    @override
    def delivery(self, headers: Mapping[str, str]) -> Delivery:
        return webhooks.delivery(headers)

    @override
    def is_genuine(
        self, raw_body: bytes, headers: Mapping[str, str], secrets: Sequence[str]
    ) -> bool:
        lowered = {name.lower(): value for name, value in headers.items()}
        return webhooks.verify(raw_body, lowered.get("x-shopify-hmac-sha256"), secrets)

    @override
    def change(self, topic: str, body: bytes) -> Change | None:
        reader = _READERS.get(topic)
        return reader(body) if reader is not None else None
