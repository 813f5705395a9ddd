"""Orders, their fulfillment orders and their parcels, which refer to each other."""

from dataclasses import dataclass, field
from datetime import datetime

from shopify_sandbox.config import APP_ID
from shopify_sandbox.records.catalogue import Location
from shopify_sandbox.records.customers import Customer
from shopify_sandbox.records.fulfillment import (
    FulfillmentHold,
    FulfillmentLineItem,
    FulfillmentOrderLineItem,
    Tracking,
)
from shopify_sandbox.records.order_money import OrderMoney
from shopify_sandbox.records.origins import WEB, Origin
from shopify_sandbox.records.payments import Mandate

# Shopify allows one app this many holds on one fulfillment order.
MOST_HOLDS = 10
# The statuses with work still to be done, as opposed to CLOSED, CANCELLED and INCOMPLETE.
AT_WORK = ("OPEN", "SCHEDULED", "ON_HOLD", "IN_PROGRESS")


@dataclass(slots=True, eq=False, kw_only=True)
class Order(OrderMoney):
    """A purchase, with its payments and its parcels.

    The fulfillment orders are made by `fulfillment.route` when the order is placed.
    """

    id: int
    number: int
    token: str
    country: str | None
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    customer: Customer | None = None
    email: str | None = None
    phone: str | None = None
    locale: str = "en"
    tags: list[str] = field(default_factory=list)
    note: str | None = None
    custom_attributes: dict[str, str] = field(default_factory=dict)
    test: bool = False
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    origin: Origin = WEB
    mandates: list[Mandate] = field(default_factory=list)
    fulfillment_orders: list["FulfillmentOrder"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the order's name, such as #1001."""
        return f"#{self.number}"

    @property
    def fulfillment_status(self) -> str:
        """Return Shopify's displayFulfillmentStatus."""
        sent = sum(each.fulfilled_quantity for each in self.lines)
        left = sum(each.unfulfilled_quantity for each in self.lines)
        if sent:
            return "PARTIALLY_FULFILLED" if left else "FULFILLED"
        waiting = {each.status for each in self.fulfillment_orders if each.at_work}
        if "IN_PROGRESS" in waiting:
            return "IN_PROGRESS"
        return waiting.pop() if waiting in ({"ON_HOLD"}, {"SCHEDULED"}) else "UNFULFILLED"


@dataclass(slots=True, eq=False, kw_only=True)
class FulfillmentOrder:
    """Units of an order that one location must send.

    `scheduled` is true while the fulfillment order waits for its date `fulfill_at`.
    """

    id: int
    order: Order
    location: Location
    created_at: datetime
    updated_at: datetime
    fulfill_at: datetime | None
    scheduled: bool = False
    status: str = "OPEN"
    lines: list[FulfillmentOrderLineItem] = field(default_factory=list)
    holds: list[FulfillmentHold] = field(default_factory=list)
    fulfillments: list["Fulfillment"] = field(default_factory=list)

    @property
    def at_work(self) -> bool:
        """Return whether the fulfillment order still has work to be done."""
        return self.status in AT_WORK

    @property
    def holdable(self) -> bool:
        """Return whether a hold can be placed; existing holds do not prevent another."""
        return self.status in ("OPEN", "SCHEDULED", "ON_HOLD")

    @property
    def remaining(self) -> int:
        """Return how many units are still to be sent."""
        return sum(each.remaining_quantity for each in self.lines)

    @property
    def sent(self) -> bool:
        """Return whether any unit of the fulfillment order was sent."""
        return any(each.remaining_quantity < each.total_quantity for each in self.lines)

    @property
    def waiting_status(self) -> str:
        """Return the status that the fulfillment order has without holds and without sent units."""
        return "SCHEDULED" if self.scheduled else "OPEN"

    @property
    def supported_actions(self) -> list[str]:
        """Return the actions that the installed app may take on the fulfillment order now."""
        match self.status:
            case "ON_HOLD":
                holds = sum(each.app_id == APP_ID for each in self.holds)
                return ["RELEASE_HOLD", *(["HOLD"] if holds < MOST_HOLDS else []), "MOVE"]
            case "OPEN":
                actions = ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"]
            case "SCHEDULED":
                actions = ["MARK_AS_OPEN", "MOVE", "HOLD"]
            case "IN_PROGRESS":
                return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE"]
            case _:
                return []
        actions += ["SPLIT"] if self.remaining > 1 else []
        return actions + (["MERGE"] if any(map(self.merges_with, self.siblings)) else [])

    @property
    def siblings(self) -> list["FulfillmentOrder"]:
        """Return the other fulfillment orders of the same order."""
        return [each for each in self.order.fulfillment_orders if each is not self]

    def merges_with(self, other: "FulfillmentOrder") -> bool:
        """Return whether the two fulfillment orders can be merged."""
        return (
            self.status == other.status
            and self.status in ("OPEN", "SCHEDULED")
            and (self.location, self.fulfill_at) == (other.location, other.fulfill_at)
        )


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
        """Return the parcel's order."""
        return self.fulfillment_order.order

    @property
    def location(self) -> Location:
        """Return the location that the parcel was sent from."""
        return self.fulfillment_order.location

    @property
    def total_quantity(self) -> int:
        """Return how many units were sent."""
        return sum(each.quantity for each in self.lines)


def fulfillments_of(order: Order) -> list[Fulfillment]:
    """Return all parcels of an order, oldest first."""
    found = [each for one in order.fulfillment_orders for each in one.fulfillments]
    return sorted(found, key=lambda each: each.id)
