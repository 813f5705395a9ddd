"""The port to a shop: its catalogue, stock, selling plan groups, metafields and webhooks.

The port to its orders is in `orders`, and the description of selling plans is in `plans`.

Ids are the platform's own integers, money is Decimal in the shop's currency, times are aware UTC.
"""

from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, Protocol

from openstoq.commerce.orders import Orders
from openstoq.commerce.plans import PlanGroup, SavedPlanGroup
from openstoq.errors import OperatorError, Systemic

InventoryPolicy = Literal["deny", "continue"]
# The publication of a product of which nothing is known but that it is published.
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ShopCredentials:
    """The credentials for one shop: its permanent domain, and the app's token for it.

    `api_url` replaces the address derived from the domain; a sandbox shop needs it.
    """

    domain: str
    access_token: str = field(repr=False)
    api_url: str | None = None


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """The shop itself; `domain` is its permanent name, `url` the address for shoppers.

    `email` is the address at which the platform reaches the merchant, `contact_email` the one that
    the shop gives to its shoppers. `country` is the country in which the shop is based, ISO 3166
    alpha-2.
    """

    id: int
    name: str
    email: str | None
    contact_email: str | None
    domain: str
    url: str
    currency: str
    timezone: str
    country: str | None
    plan: str
    is_plus: bool


@dataclass(frozen=True, slots=True)
class Location:
    """A place that holds stock. Stock at an inactive location cannot be sold.

    `sells_online` is whether online orders are sent from here; it is None if it is not known.
    """

    id: int
    name: str
    active: bool
    updated_at: datetime | None = None
    sells_online: bool | None = True


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a product, such as one size of a shirt; shoppers buy variants.

    A webhook contains less than a read: `price`, `inventory_item_id`, `tracked`, `image_url` and
    `updated_at` are None if the webhook leaves them out. After a read, only `image_url` of these
    can be None, if the shop does not show us the picture. An empty `image_url` means that there is
    no picture.
    """

    id: int
    product_id: int
    title: str
    sku: str | None
    price: Decimal | None
    compare_at_price: Decimal | None
    inventory_item_id: int | None
    inventory_policy: InventoryPolicy
    tracked: bool | None
    image_url: str | None
    position: int
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Product:
    """A product with all its variants, in the shop's order.

    `status` is in lower case: active, archived, draft, unlisted, or a status that the platform adds
    later. `url` is None if the online store does not show the product, and also in webhooks, which
    leave it out. `updated_at` is None only if a webhook leaves it out. `image_url` has the same
    meaning as a variant's. `published_at` is the time at which the online store began or will
    begin to show the product; it is None if the store neither shows the product nor is scheduled to
    show it.
    """

    id: int
    title: str
    handle: str
    vendor: str
    status: str
    url: str | None
    image_url: str | None
    updated_at: datetime | None
    variants: tuple[Variant, ...]
    tags: tuple[str, ...] = ()
    published_at: datetime | None = EVER


@dataclass(frozen=True, slots=True)
class InventoryItem:
    """The stock item of a variant; a field is None if a webhook leaves it out."""

    id: int
    sku: str | None
    tracked: bool | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class InventoryLevel:
    """The units of an item that can be sold at a location.

    `available` is negative if the item is oversold, and 0 if the shop does not track its stock. An
    inactive level was disconnected from its location and holds no stock. `updated_at` is None only
    if a webhook leaves it out; the time at which the webhook was triggered then decides which of two
    levels is newer.
    """

    inventory_item_id: int
    location_id: int
    available: int
    updated_at: datetime | None
    active: bool = True


@dataclass(frozen=True, slots=True)
class ProductPage:
    """A page of products, and all active inventory levels of their variants.

    `cursor` resumes after this page; it is None on the last page. `unreadable` maps the id of each
    stock item whose levels could not be read to the reason. `malformed` maps the id of each product
    that could not be read to the reason.
    """

    products: tuple[Product, ...]
    levels: tuple[InventoryLevel, ...]
    cursor: str | None
    unreadable: Mapping[int, str] = field(default_factory=dict)
    malformed: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """An attempt to create or update the webhook subscription to a topic.

    `denied` means that the attempt failed, because the app lacks a permission.
    """

    topic: str
    action: Literal["created", "updated", "denied"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why the platform did not carry out a request."""

    message: str
    field: tuple[str, ...] = ()
    code: str | None = None

    def __str__(self) -> str:
        return f"{'.'.join(self.field)}: {self.message}" if self.field else self.message


@dataclass(frozen=True, slots=True)
class Metafield:
    """A value on a variant, or on the shop itself if `variant_id` is None."""

    variant_id: int | None
    key: str
    type: str
    value: str


class CommerceError(OperatorError):
    """The shop's platform did not carry out a request."""

    # The message is the platform's, and may be shown to callers.
    is_told = True


class CommerceUnavailable(CommerceError, Systemic):  # noqa: N818 - its base says that it is an error
    """The platform is unavailable at the moment; retry after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AccessDenied(CommerceError, Systemic):  # noqa: N818 - its base says that it is an error
    """The token is no longer valid, or lacks one of `scopes`."""

    def __init__(self, message: str, *, scopes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.scopes = scopes


class CommerceRefused(CommerceError):  # noqa: N818 - its base says that it is an error
    """The platform understood the request and declined it; repeating the request will not help.

    `refusals` holds the platform's reasons.
    """

    def __init__(self, message: str, *, refusals: Sequence[Refusal] = ()) -> None:
        super().__init__(message)
        self.refusals = tuple(refusals)


class CommerceUnreadable(CommerceError):  # noqa: N818 - its base says that it is an error
    """The platform responded, but its response, or one item of it, cannot be read."""


class GroupLost(CommerceRefused):
    """The shop does not have this selling plan group, which may have been deleted."""


class Commerce(Orders, Protocol):
    """The port to one shop. Every call may raise a CommerceError."""

    async def shop(self) -> ShopFacts:
        """Read the shop's details."""
        ...

    async def locations(self) -> list[Location]:
        """Read all locations, including inactive ones."""
        ...

    def products(
        self, *, after: str | None = None, updated_since: datetime | None = None
    ) -> AsyncIterator[ProductPage]:
        """Read the catalogue page by page, least recently updated first.

        To resume an interrupted pull, pass the last page's cursor as `after` and the same
        `updated_since`. A product that changes meanwhile may be repeated; no product is left out.
        """
        ...

    async def product(self, product_id: int) -> Product | None:
        """Read one product with all its variants; return None if it does not exist."""
        ...

    async def variants(self, variant_ids: Sequence[int]) -> list[Variant]:
        """Read any number of variants; variants that do not exist are left out."""
        ...

    async def inventory_levels(
        self, inventory_item_ids: Sequence[int], unreadable: MutableMapping[int, str]
    ) -> list[InventoryLevel]:
        """Read all active levels of any number of items.

        A level that is not returned no longer exists: its item was deleted, or disconnected from
        the location. This does not hold for items in `unreadable`, which is filled with the items
        that could not be read, and the reasons.
        """
        ...

    async def save_plan_group(
        self, group: PlanGroup, known: SavedPlanGroup | None
    ) -> SavedPlanGroup:
        """Create the shop's selling plan group, or update it to match `group`; return its ids.

        If `known` is not given, or the shop no longer has that group, the group is searched for by
        its merchant code. If the search finds no group, a new one is created, and variants have to
        be added to it again. A plan never turns into a different plan: a plan that is no longer
        wanted is deleted, and a new plan is created.
        """
        ...

    async def add_to_plan_group(self, group_id: int, variant_ids: Sequence[int]) -> dict[int, str]:
        """Add variants to a group; return the reason for each variant that could not be added.

        A variant that is already in the group is not an error. Raises GroupLost if the group no
        longer exists.
        """
        ...

    async def remove_from_plan_group(self, group_id: int, variant_ids: Sequence[int]) -> None:
        """Remove any number of variants from a group; variants that are not in it are ignored."""
        ...

    async def plan_group_members(self, group_id: int) -> set[int] | None:
        """Read the variants of a group; return None if the group does not exist."""
        ...

    async def set_metafields(
        self, namespace: str, metafields: Sequence[Metafield]
    ) -> dict[tuple[int | None, str], str]:
        """Write any number of metafields; return the reason for each one that was refused.

        The result is keyed by the metafield's variant id and key.
        """
        ...

    async def delete_metafields(
        self, namespace: str, keys: Sequence[tuple[int | None, str]]
    ) -> None:
        """Delete metafields, ignoring those that do not exist.

        `keys` are pairs of a variant id and a metafield's key. The variant id of the shop's own
        metafields is None.
        """
        ...

    async def metafields(
        self, namespace: str, variant_ids: Sequence[int]
    ) -> dict[int, dict[str, str]]:
        """Read the values of variants' metafields by key; missing variants are left out."""
        ...

    async def set_inventory_policies(
        self, product_id: int, policies: Mapping[int, InventoryPolicy]
    ) -> dict[int, str]:
        """Set inventory policies of a product's variants; return the reason for each that failed."""
        ...

    def collection_products(self, collection_id: int) -> AsyncIterator[list[int]]:
        """Read the ids of a collection's products, page by page.

        Raises CommerceRefused if the collection does not exist.
        """
        ...

    async def ensure_webhooks(self, topics: Sequence[str], uri: str) -> list[WebhookChange]:
        """Subscribe to `topics` at the address `uri`, and return the changes that were necessary.

        Creates missing subscriptions, and repairs subscriptions of ours that have a different
        address. Other apps' subscriptions are left alone. A topic that is denied to the app does
        not affect the other topics.
        """
        ...


class ShopConnector(Protocol):
    """A function that connects to a shop."""

    def __call__(self, credentials: ShopCredentials) -> Commerce:
        """Return the port to a shop without sending a request.

        Raises ValueError if the shop's address is invalid.
        """
        ...
