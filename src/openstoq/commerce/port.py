"""The port to a shop: its catalogue, stock, selling plan groups, metafields and webhooks.

The port to its orders is in `orders`, and the description of selling plans is in `plans`.

Ids are the platform's own integers, money is Decimal in the shop's currency, times are aware UTC.
"""

from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from openstoq.commerce.orders import Orders
from openstoq.commerce.plans import PlanGroup, SavedPlanGroup
from openstoq.errors import Systemic

InventoryPolicy = Literal["deny", "continue"]


@dataclass(frozen=True, slots=True)
class ShopCredentials:
    """The access to one shop: its permanent domain and the app's token for it.

    `api_url` replaces the address made from the domain; a sandbox shop needs it.
    """

    domain: str
    access_token: str = field(repr=False)
    api_url: str | None = None


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """The shop itself; `domain` is its permanent name, `url` where shoppers find it.

    `country` is where the shop is based, ISO 3166 alpha-2.
    """

    id: int
    name: str
    email: str | None
    domain: str
    url: str
    currency: str
    timezone: str
    country: str | None
    plan: str
    is_plus: bool


@dataclass(frozen=True, slots=True)
class Location:
    """A place that holds stock. Stock at an inactive one cannot be sold."""

    id: int
    name: str
    active: bool
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant: the thing that a shopper buys.

    A webhook has less than a read: `price`, `inventory_item_id`, `tracked`, `image_url` and
    `updated_at` are None where the webhook leaves them out. After a read they are always known,
    except for a picture that the shop does not show us. An empty `image_url` means that there is
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

    `status` is lower case: active, archived, draft, unlisted, or one that the platform adds.
    `url` is None when the online store does not show the product, and in webhooks, which leave it
    out. `updated_at` is None only where a webhook leaves it out. `image_url` is like a variant's.
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


@dataclass(frozen=True, slots=True)
class InventoryItem:
    """The stock-keeping side of a variant; a field is None where a webhook leaves it out."""

    id: int
    sku: str | None
    tracked: bool | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class InventoryLevel:
    """The units of an item that can be sold at a location.

    `available` is negative when oversold, and 0 where the shop does not track stock. An inactive
    level was disconnected from its location: it holds nothing. `updated_at` is None only where a
    webhook leaves it out; order such a level by the time at which its delivery was triggered.
    """

    inventory_item_id: int
    location_id: int
    available: int
    updated_at: datetime | None
    active: bool = True


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Some products, and every active inventory level of their variants.

    `cursor` resumes after this page; it is None on the last one. Items in `unreadable`, with the
    reason, have levels that could not be read.
    """

    products: tuple[Product, ...]
    levels: tuple[InventoryLevel, ...]
    cursor: str | None
    unreadable: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """The change of the subscription to one topic; a denied one lacks a permission."""

    topic: str
    action: Literal["created", "updated", "denied"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why the platform did not do what it was asked."""

    message: str
    field: tuple[str, ...] = ()
    code: str | None = None

    def __str__(self) -> str:
        return f"{'.'.join(self.field)}: {self.message}" if self.field else self.message


@dataclass(frozen=True, slots=True)
class Metafield:
    """A value on a variant, or on the shop itself where `variant_id` is None."""

    variant_id: int | None
    key: str
    type: str
    value: str


class CommerceError(Exception):
    """The shop's platform did not do what it was asked."""

    # Its words are the platform's, and fit to be shown.
    is_told = True


class CommerceUnavailable(CommerceError, Systemic):  # noqa: N818 - its base says that it is an error
    """The platform cannot answer now; retry after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AccessDenied(CommerceError, Systemic):  # noqa: N818 - its base says that it is an error
    """The token is no longer valid, or lacks one of `scopes`."""

    def __init__(self, message: str, *, scopes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.scopes = scopes


class CommerceRefused(CommerceError):  # noqa: N818 - its base says that it is an error
    """The platform understood and declined, for the `refusals`; repeating will not help."""

    def __init__(self, message: str, *, refusals: Sequence[Refusal] = ()) -> None:
        super().__init__(message)
        self.refusals = tuple(refusals)


class CommerceUnreadable(CommerceError):  # noqa: N818 - its base says that it is an error
    """The platform answered, but its answer about this one thing cannot be read."""


class GroupLost(CommerceRefused):
    """The shop does not have this selling plan group; it may have been deleted."""


class Commerce(Orders, Protocol):
    """One shop. Every call may raise a CommerceError."""

    async def shop(self) -> ShopFacts:
        """Read the facts about the shop."""
        ...

    async def locations(self) -> list[Location]:
        """Read every location, the inactive ones too."""
        ...

    def products(
        self, *, after: str | None = None, updated_since: datetime | None = None
    ) -> AsyncIterator[ProductPage]:
        """Read the catalogue page by page, least recently updated first.

        A pull that was cut short resumes with the last page's cursor as `after` and the same
        `updated_since`. A product that changes meanwhile may be repeated; none is left out.
        """
        ...

    async def product(self, product_id: int) -> Product | None:
        """Read one product with all its variants, or None when it does not exist."""
        ...

    async def variants(self, variant_ids: Sequence[int]) -> list[Variant]:
        """Read any number of variants; those that do not exist are left out."""
        ...

    async def inventory_levels(
        self, inventory_item_ids: Sequence[int], unreadable: MutableMapping[int, str]
    ) -> list[InventoryLevel]:
        """Read every active level of any number of items.

        A level that is not returned is gone, because its item was deleted or disconnected there.
        That does not hold for the items that are noted in `unreadable`, with the reason.
        """
        ...

    async def save_plan_group(
        self, group: PlanGroup, known: SavedPlanGroup | None
    ) -> SavedPlanGroup:
        """Bring the selling plan group to the wanted state, and return it.

        Without `known`, or when the shop has lost that group, the group is looked for by its
        merchant code. If there is none, it is created again, and variants have to be added to it
        again. A plan never turns into a different one: a plan that is no longer wanted is deleted,
        and a new one is created.
        """
        ...

    async def add_to_plan_group(self, group_id: int, variant_ids: Sequence[int]) -> dict[int, str]:
        """Add any number of variants to a group; return those that it cannot have, and why.

        A variant that is in it already is not a failure. Raises GroupLost when the group is gone.
        """
        ...

    async def remove_from_plan_group(self, group_id: int, variant_ids: Sequence[int]) -> None:
        """Take any number of variants out of a group; those that are not in it do not matter."""
        ...

    async def plan_group_members(self, group_id: int) -> set[int] | None:
        """Read the variants of a group; None when the group does not exist."""
        ...

    async def set_metafields(
        self, namespace: str, metafields: Sequence[Metafield]
    ) -> dict[tuple[int | None, str], str]:
        """Write any number of metafields; return the refused ones by variant and key, and why."""
        ...

    async def delete_metafields(
        self, namespace: str, keys: Sequence[tuple[int | None, str]]
    ) -> None:
        """Delete metafields of variants by key; those that are not there do not matter."""
        ...

    async def metafields(
        self, namespace: str, variant_ids: Sequence[int]
    ) -> dict[int, dict[str, str]]:
        """Read the metafields of variants: their values by key; a lost variant is left out."""
        ...

    async def set_inventory_policies(
        self, product_id: int, policies: Mapping[int, InventoryPolicy]
    ) -> dict[int, str]:
        """Set the policies of any number of one product's variants; return failures, and why."""
        ...

    def collection_products(self, collection_id: int) -> AsyncIterator[list[int]]:
        """Read a collection's products by pages. Raises CommerceRefused if it does not exist."""
        ...

    async def ensure_webhooks(self, topics: Sequence[str], uri: str) -> list[WebhookChange]:
        """Subscribe to `topics` at the address `uri`, and return the changes that this needed.

        Creates missing subscriptions and repairs ours that point elsewhere. Other apps'
        subscriptions are left alone. A topic that is denied to the app does not hold back others.
        """
        ...


class ShopConnector(Protocol):
    """Opens shops."""

    def __call__(self, credentials: ShopCredentials) -> Commerce:
        """Return the shop; nothing is sent yet. Raises ValueError if its address is wrong."""
        ...
