"""An offer: how some variants are sold before they are in stock."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from openstoq.kernel.days import CalendarValue, end_of, last_of, start_of
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.preorders.offers.capabilities.advanced import Advanced
from openstoq.preorders.offers.capabilities.checkout import Checkout
from openstoq.preorders.offers.capabilities.countdown import Countdown
from openstoq.preorders.offers.capabilities.integrations import Integrations
from openstoq.preorders.offers.capabilities.inventory import Inventory
from openstoq.preorders.offers.capabilities.limits import Cap, Limits
from openstoq.preorders.offers.capabilities.markets import Markets
from openstoq.preorders.offers.capabilities.payments import Payments
from openstoq.preorders.offers.capabilities.shipping import Shipping
from openstoq.preorders.offers.capabilities.widget import Widget
from openstoq.preorders.offers.values_by_type import ValuesByType

DOCUMENTS = tuple(capability.name for capability in CAPABILITIES)

Source = Literal["custom", "all", "collection"]
Status = Literal["enabled", "disabled", "discarded"]
ScheduleState = Literal["always", "upcoming", "active", "ended"]
SyncState = Literal["pending", "synced", "failed"]


@dataclass(slots=True, kw_only=True)
class Offer:
    """An offer with its ten settings documents.

    `revision` grows with each change. The shop is up to date once `synced_revision` equals it.

    The schedule and the dates in the documents are stored as callers wrote them. `zone` is the
    shop's time zone, which turns them into moments.
    """

    id: UUID
    name: str = "Preorder"
    internal_name: str | None = None
    enabled: bool = False
    enabled_at: datetime | None = None
    discarded_at: datetime | None = None
    schedule_start: CalendarValue | None = None
    schedule_end: CalendarValue | None = None
    zone: str = "UTC"
    source: Source = "custom"
    collection_id: int | None = None
    auto_refresh: bool = False
    exclusion_tag: str | None = None
    excluded_variant_ids: list[int] = field(default_factory=list)
    widget: Widget = field(default_factory=Widget)
    inventory: Inventory = field(default_factory=Inventory)
    shipping: Shipping = field(default_factory=Shipping)
    payments: Payments = field(default_factory=Payments)
    limits: Limits = field(default_factory=Limits)
    checkout: Checkout = field(default_factory=Checkout)
    countdown: Countdown = field(default_factory=Countdown)
    integrations: Integrations = field(default_factory=Integrations)
    markets: Markets = field(default_factory=Markets)
    advanced: Advanced = field(default_factory=Advanced)
    values_by_type: ValuesByType = field(default_factory=ValuesByType)
    plan_group_id: int | None = None
    full_plan_id: int | None = None
    partial_plan_id: int | None = None
    plan_group_digest: bytes | None = None
    revision: int = 1
    synced_revision: int = 0
    sync_error: str | None = None
    variant_count: int = 0
    variants_behind: bool = False
    created_at: datetime
    updated_at: datetime
    # The offer as it was loaded, so that rules can see what a request has changed.
    before: "Offer | None" = field(default=None, repr=False, compare=False)

    @property
    def status(self) -> Status:
        """Return the offer's status; a discarded offer is neither enabled nor disabled."""
        if self.discarded_at is not None:
            return "discarded"
        return "enabled" if self.enabled else "disabled"

    @property
    def is_live(self) -> bool:
        """Return whether the storefront may show the offer, provided that its schedule permits."""
        return self.status == "enabled"

    @property
    def goes_by_stock(self) -> bool:
        """Return whether Shopify's own stock stops the sale, instead of our limits and counts."""
        return self.inventory.provider == "shopify"

    @property
    def own_limits(self) -> Limits:
        """Return the limits that apply to the offer.

        Where Shopify's own stock stops the sale, the limit on the total units does not apply.
        """
        return (
            self.limits.model_copy(update={"total": Cap()}) if self.goes_by_stock else self.limits
        )

    @property
    def opens_at(self) -> datetime | None:
        """The first moment of the schedule, or None if the schedule has no start."""
        return start_of(self.schedule_start, self.zone)

    @property
    def closes_at(self) -> datetime | None:
        """The first moment after the schedule, or None if the schedule has no end."""
        return end_of(self.schedule_end, self.zone)

    @property
    def last_moment(self) -> datetime | None:
        """The last moment of the schedule, which is shown as its end.

        None if the schedule has no end.
        """
        return None if self.schedule_end is None else last_of(self.schedule_end, self.zone)

    @property
    def deposit_ends_at(self) -> datetime | None:
        """The moment from which no deposit is sold, because its balance would be overdue.

        This is the first moment after the day on which the balance is due. None if the offer has no
        deposit, or no such day is set.
        """
        if self.payments.options.partial is None:
            return None
        return end_of(self.payments.remaining_balance.due_day, self.zone)

    @property
    def sync(self) -> "Sync":
        """Return the state of the offer's sync to the shop, and the error if the sync failed."""
        if self.sync_error is not None:
            return Sync(state="failed", error=self.sync_error)
        behind = self.synced_revision < self.revision or self.variants_behind
        return Sync(state="pending" if behind else "synced", error=None)


class Sync(BaseModel):
    """The state of an offer's sync to the shop, and the error if the sync failed."""

    state: SyncState
    error: str | None
