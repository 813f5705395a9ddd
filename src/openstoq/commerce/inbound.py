"""Messages that a shop's platform sends by itself: deliveries, and the changes they carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openstoq.commerce.port import InventoryItem, InventoryLevel, Location, Product


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery, as its headers describe it.

    `webhook_id` is the same when this delivery is repeated; `event_id` is shared by all
    deliveries that one action of the merchant caused. The signature covers the body only.
    """

    topic: str
    shop_domain: str
    webhook_id: str
    event_id: str | None
    triggered_at: datetime | None
    api_version: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """A product as a webhook has it: full variants for the first 100, the others' ids only."""

    product: Product
    further_variant_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProductDeleted:
    """A product is gone."""

    product_id: int


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """The stock of an item at one location changed, or is no longer kept there."""

    level: InventoryLevel


@dataclass(frozen=True, slots=True)
class ItemChanged:
    """A stock item changed, such as whether its stock is tracked."""

    item: InventoryItem


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    """A stock item is gone."""

    item_id: int


@dataclass(frozen=True, slots=True)
class LocationChanged:
    """A location was created, renamed, activated or deactivated."""

    location: Location


@dataclass(frozen=True, slots=True)
class LocationDeleted:
    """A location is gone."""

    location_id: int


@dataclass(frozen=True, slots=True)
class ShopChanged:
    """The shop's settings changed; read them again."""


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order changed; read it again, because a webhook carries only part of it."""

    order_id: int


@dataclass(frozen=True, slots=True)
class OrderDeleted:
    """An order is gone."""

    order_id: int


@dataclass(frozen=True, slots=True)
class FulfillmentOrderChanged:
    """A fulfillment order changed or is new; its order has to be looked up."""

    fulfillment_order_id: int


@dataclass(frozen=True, slots=True)
class PaymentScheduleDue:
    """A part of an order's price is due now; the webhook does not name the order."""

    schedule_id: int
    payment_terms_id: int | None


@dataclass(frozen=True, slots=True)
class MarketsChanged:
    """The shop's markets changed; read them again."""


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The merchant removed the app; its token is void."""


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """The subject of one of the three privacy topics: a customer, or the whole shop."""

    shop_id: int
    shop_domain: str
    customer_id: int | None
    email: str | None
    phone: str | None
    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DataRequested:
    """A customer asks for the data stored about them; the merchant must get it."""

    request: PrivacyRequest


@dataclass(frozen=True, slots=True)
class CustomerRedacted:
    """The data of a customer must be deleted."""

    request: PrivacyRequest


@dataclass(frozen=True, slots=True)
class ShopRedacted:
    """The data of a shop that uninstalled 48 hours ago must be deleted."""

    request: PrivacyRequest


Change = (
    ProductChanged
    | ProductDeleted
    | LevelChanged
    | ItemChanged
    | ItemDeleted
    | LocationChanged
    | LocationDeleted
    | ShopChanged
    | OrderChanged
    | OrderDeleted
    | FulfillmentOrderChanged
    | PaymentScheduleDue
    | MarketsChanged
    | Uninstalled
    | DataRequested
    | CustomerRedacted
    | ShopRedacted
)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The facts that the platform vouches for in a request forwarded from a shop's pages."""

    shop_domain: str
    customer_id: int | None
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class NamedShop:
    """The shop that a body names, as far as it does."""

    domain: str | None
    shopify_id: int | None


class Inbound(Protocol):
    """Reads what the platform posts to us, or forwards."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics that the app subscribes to."""
        ...

    def delivery(self, headers: Mapping[str, str]) -> Delivery:
        """Read the headers. Raises BadRequest that names every problem."""
        ...

    def is_signed(self, headers: Mapping[str, str]) -> bool:
        """Return whether there is a signature at all, valid or not."""
        ...

    def is_genuine(
        self, raw_body: bytes, headers: Mapping[str, str], secrets: Sequence[str]
    ) -> bool:
        """Return, in constant time, whether one of the app's secrets signed the body."""
        ...

    def change(self, topic: str, body: bytes) -> Change | None:
        """Read the change in a body; None for a topic that is of no concern to us.

        Raises ValueError with a sentence that names the field when it is malformed.
        """
        ...

    def named_shop(self, topic: str, body: bytes) -> NamedShop:
        """Read the shop that a body names: the signature covers the body, and no header.

        Raises ValueError when the body is not a JSON object.
        """
        ...

    def forwarded(
        self, query: Sequence[tuple[str, str]], secrets: Sequence[str]
    ) -> Forwarded | None:
        """Read a forwarded request's query, unless none of the app's secrets signed it."""
        ...
