"""Requests that the platform sends to us: webhooks, and what it forwards from a shop's pages.

A delivery is one webhook as the platform sent it. A change is what the delivery reports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openstoq.commerce.port import InventoryItem, InventoryLevel, Location, Product


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook delivery, as its headers describe it.

    A repeated delivery has the same `webhook_id`. All deliveries that one action of the merchant
    caused have the same `event_id`. The signature covers the body only, and not these headers.
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
    """A product was created or changed; variants after the first 100 are only given as ids."""

    product: Product
    further_variant_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProductDeleted:
    """A product was deleted."""

    product_id: int


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """The stock of an item at a location changed, or the item is no longer stocked there."""

    level: InventoryLevel


@dataclass(frozen=True, slots=True)
class ItemChanged:
    """A stock item changed, for instance whether its stock is tracked."""

    item: InventoryItem


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    """A stock item was deleted."""

    item_id: int


@dataclass(frozen=True, slots=True)
class LocationChanged:
    """A location was created, renamed, activated or deactivated."""

    location: Location


@dataclass(frozen=True, slots=True)
class LocationDeleted:
    """A location was deleted."""

    location_id: int


@dataclass(frozen=True, slots=True)
class ShopChanged:
    """The shop's settings changed and must be read again."""


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order changed and must be read again, because a webhook contains only part of it."""

    order_id: int


@dataclass(frozen=True, slots=True)
class OrderDeleted:
    """An order was deleted."""

    order_id: int


@dataclass(frozen=True, slots=True)
class FulfillmentOrderChanged:
    """Fulfillment orders of one order were created or changed; the order has to be looked up.

    Some of these fulfillment orders may be new to us, and others may no longer exist, for
    instance after a merge.
    """

    fulfillment_order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PaymentScheduleDue:
    """A part of an order's price is now due; the webhook does not name the order."""

    schedule_id: int
    payment_terms_id: int | None


@dataclass(frozen=True, slots=True)
class MarketsChanged:
    """The shop's markets changed and must be read again."""


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """The merchant uninstalled the app; its token is no longer valid."""


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """The subject of a privacy webhook: a customer, or the whole shop."""

    shop_id: int
    shop_domain: str
    customer_id: int | None
    email: str | None
    phone: str | None
    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DataRequested:
    """A customer requests the data stored about them; the merchant must receive it."""

    request: PrivacyRequest


@dataclass(frozen=True, slots=True)
class CustomerRedacted:
    """A customer's data must be deleted."""

    request: PrivacyRequest


@dataclass(frozen=True, slots=True)
class ShopRedacted:
    """The data of a shop that uninstalled the app 48 hours ago must be deleted."""

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
    """The signed values of a request that the platform forwards from a shop's pages."""

    shop_domain: str
    customer_id: int | None
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class NamedShop:
    """The shop that a webhook's body names; a field is None if the body lacks it."""

    domain: str | None
    shopify_id: int | None


class Inbound(Protocol):
    """Parser of the requests that the platform sends or forwards to us."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics to which the app subscribes."""
        ...

    def delivery(self, headers: Mapping[str, str]) -> Delivery:
        """Parse the headers of a delivery. Raises BadRequest listing every problem."""
        ...

    def is_signed(self, headers: Mapping[str, str]) -> bool:
        """Return whether the request has a signature, valid or not."""
        ...

    def is_genuine(
        self, raw_body: bytes, headers: Mapping[str, str], secrets: Sequence[str]
    ) -> bool:
        """Return whether one of the app's secrets signed the body, comparing in constant time."""
        ...

    def change(self, topic: str, body: bytes) -> Change | None:
        """Return the change that a body reports, or None for a topic that does not concern us.

        Raises ValueError, with a sentence that names the field, if the body is malformed.
        """
        ...

    def named_shop(self, topic: str, body: bytes) -> NamedShop:
        """Return the shop that a body names; unlike the headers, the body is covered by the signature.

        Raises ValueError if the body is not a JSON object.
        """
        ...

    def forwarded(
        self, query: Sequence[tuple[str, str]], secrets: Sequence[str]
    ) -> Forwarded | None:
        """Parse a forwarded request's query; return None if it is malformed or no secret signed it."""
        ...
