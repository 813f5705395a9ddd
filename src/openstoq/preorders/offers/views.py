"""The response shapes of offers, each beside the function that fills it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from openstoq.kernel.paging import PageMeta
from openstoq.preorders.offers.capabilities.advanced import Advanced
from openstoq.preorders.offers.capabilities.checkout import Checkout
from openstoq.preorders.offers.capabilities.countdown import Countdown
from openstoq.preorders.offers.capabilities.integrations import Integrations
from openstoq.preorders.offers.capabilities.inventory import Inventory
from openstoq.preorders.offers.capabilities.limits import Limits
from openstoq.preorders.offers.capabilities.markets import Markets
from openstoq.preorders.offers.capabilities.payments import Payments
from openstoq.preorders.offers.capabilities.shipping import Shipping
from openstoq.preorders.offers.capabilities.widget import Widget
from openstoq.preorders.offers.model import Offer, ScheduleState, Source, Status, Sync
from openstoq.preorders.offers.rules import due_day_warning, schedule_state


class Schedule(BaseModel):
    """The window in which an enabled offer is shown."""

    start: datetime | None
    end: datetime | None
    state: ScheduleState


class OfferSync(Sync):
    """The state of an offer's sync, with a warning if its due day ended the sale of a deposit."""

    warning: str | None


class Exclusions(BaseModel):
    """The exclusions of an offer that otherwise covers all variants: by tag or by variant id."""

    exclusion_tag: str | None
    excluded_variant_ids: list[int]


class CollectionSource(BaseModel):
    """The collection whose variants an offer sells, except those that are excluded."""

    collection_id: int
    auto_refresh: bool
    excluded_variant_ids: list[int]


class Products(BaseModel):
    """The selection of the variants that an offer sells.

    Of the blocks `all`, `collection` and `custom`, only that of the offer's source is set.
    """

    source: Source
    variant_count: int
    all: Exclusions | None
    collection: CollectionSource | None
    custom: dict[str, Any] | None
    sync: OfferSync


class ShopifyIds(BaseModel):
    """The offer's selling plan group and plans in Shopify; null until they are synced."""

    selling_plan_group_id: int | None
    full_plan_id: int | None
    partial_plan_id: int | None


class OfferSummary(BaseModel):
    """An offer in a list."""

    id: UUID
    name: str
    internal_name: str | None
    status: Status
    enabled: bool
    schedule: Schedule
    products: Products
    sync: OfferSync
    created_at: datetime
    updated_at: datetime
    discarded_at: datetime | None


class OfferView(OfferSummary):
    """An offer with all of its settings."""

    shopify: ShopifyIds
    widget: Widget
    inventory: Inventory
    shipping: Shipping
    payments: Payments
    limits: Limits
    checkout: Checkout
    countdown: Countdown
    integrations: Integrations
    markets: Markets
    advanced: Advanced


class OfferPage(BaseModel):
    """A page of offers, newest first."""

    offers: list[OfferSummary]
    meta: PageMeta


def schedule(offer: Offer, now: datetime) -> Schedule:
    """Return the offer's window with its state at `now`."""
    return Schedule(start=offer.opens_at, end=offer.last_moment, state=schedule_state(offer, now))


def sync(offer: Offer, now: datetime) -> OfferSync:
    """Return the state of the offer's sync, with the warning of `due_day_warning`, if any."""
    return OfferSync(**dict(offer.sync), warning=due_day_warning(offer, now))


def products(offer: Offer, now: datetime) -> Products:
    """Return the offer's selection of variants: source, settings, and number of variants."""
    return Products(
        source=offer.source,
        variant_count=offer.variant_count,
        all=Exclusions(
            exclusion_tag=offer.exclusion_tag, excluded_variant_ids=offer.excluded_variant_ids
        )
        if offer.source == "all"
        else None,
        collection=CollectionSource(
            collection_id=offer.collection_id,
            auto_refresh=offer.auto_refresh,
            excluded_variant_ids=offer.excluded_variant_ids,
        )
        if offer.collection_id is not None
        else None,
        custom={} if offer.source == "custom" else None,
        sync=sync(offer, now),
    )


def summary(offer: Offer, now: datetime) -> OfferSummary:
    """Return an offer as it appears in a list."""
    return OfferSummary(
        id=offer.id,
        name=offer.name,
        internal_name=offer.internal_name,
        status=offer.status,
        enabled=offer.enabled,
        schedule=schedule(offer, now),
        products=products(offer, now),
        sync=sync(offer, now),
        created_at=offer.created_at,
        updated_at=offer.updated_at,
        discarded_at=offer.discarded_at,
    )


def view(offer: Offer, now: datetime) -> OfferView:
    """Return an offer with all of its documents."""
    return OfferView(
        **dict(summary(offer, now)),
        shopify=ShopifyIds(
            selling_plan_group_id=offer.plan_group_id,
            full_plan_id=offer.full_plan_id,
            partial_plan_id=offer.partial_plan_id,
        ),
        widget=offer.widget,
        inventory=offer.inventory,
        shipping=offer.shipping,
        payments=offer.payments,
        limits=offer.limits,
        checkout=offer.checkout,
        countdown=offer.countdown,
        integrations=offer.integrations,
        markets=offer.markets,
        advanced=offer.advanced,
    )
