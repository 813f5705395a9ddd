"""The records of what was sent: fulfillments, their lines and how they are followed."""

from dataclasses import dataclass
from datetime import datetime

from openstoq.sandbox.fulfillment import FulfillmentOrder
from openstoq.sandbox.model import Location
from openstoq.sandbox.orders import LineItem, Order


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """How a parcel is followed."""

    company: str | None = None
    number: str | None = None
    url: str | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class FulfillmentLineItem:
    """Units of an order's line that were sent."""

    id: int
    line_item: LineItem
    quantity: int


@dataclass(slots=True, eq=False, kw_only=True)
class Fulfillment:
    """A parcel: units of one fulfillment order that were sent; status SUCCESS or CANCELLED."""

    id: int
    name: str
    fulfillment_order: FulfillmentOrder
    lines: list[FulfillmentLineItem]
    created_at: datetime
    updated_at: datetime
    tracking: Tracking | None = None
    status: str = "SUCCESS"

    @property
    def order(self) -> Order:
        """Return the order that it is of."""
        return self.fulfillment_order.order

    @property
    def location(self) -> Location:
        """Return where it was sent from."""
        return self.fulfillment_order.location

    @property
    def total_quantity(self) -> int:
        """Return how many units were sent."""
        return sum(each.quantity for each in self.lines)


def fulfillments_of(order: Order) -> list[Fulfillment]:
    """Return all parcels of an order, oldest first."""
    found = [each for one in order.fulfillment_orders for each in one.fulfillments]
    return sorted(found, key=lambda each: each.id)
