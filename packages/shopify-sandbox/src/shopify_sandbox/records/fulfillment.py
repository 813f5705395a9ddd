"""Parts of fulfillment orders and parcels: their lines, holds and tracking."""

from dataclasses import dataclass
from datetime import datetime

from shopify_sandbox.config import APP_ID
from shopify_sandbox.records.lines import LineItem


@dataclass(slots=True, eq=False, kw_only=True)
class FulfillmentHold:
    """A hold on a fulfillment order; `app_id` is None for the merchant's own."""

    id: int
    reason: str
    created_at: datetime
    handle: str = ""
    reason_notes: str | None = None
    app_id: int | None = None

    @property
    def held_by_requesting_app(self) -> bool:
        """Return whether the installed app placed the hold."""
        return self.app_id == APP_ID


@dataclass(slots=True, eq=False, kw_only=True)
class FulfillmentOrderLineItem:
    """Units of an order's line in one fulfillment order."""

    id: int
    line_item: LineItem
    total_quantity: int
    remaining_quantity: int


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """The tracking of a parcel."""

    company: str | None = None
    number: str | None = None
    url: str | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class FulfillmentLineItem:
    """Units of an order's line that were sent."""

    id: int
    line_item: LineItem
    quantity: int
