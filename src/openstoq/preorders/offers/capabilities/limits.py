"""Limits on the units that may be preordered: per order, per customer and in total."""

from typing import Literal, Self

from pydantic import model_validator

from openstoq.actions.capability import Capability
from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Copy, Quantity


class PerOrder(Settings):
    """The number of units allowed in one order."""

    min: Quantity | None = None
    max: Quantity | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"has a min of {self.min} above its max of {self.max}")
        return self


class Cap(Settings):
    """A maximum number of units, or null for no maximum."""

    max: Quantity | None = None


class LimitsDisplay(Settings):
    """The product page's text about the units that are left."""

    show_remaining: bool = False
    text: Copy = None
    suffix: Copy = None


class Limits(Settings):
    """The quantity limits of an offer; null means no limit."""

    per_order: PerOrder = PerOrder()
    per_customer: Cap = Cap()
    total: Cap = Cap()
    display: LimitsDisplay = LimitsDisplay()
    on_exceed: Literal["hold", "cancel", "accept"] = "hold"


capability = Capability(
    Limits,
    name="limits",
    about="the order quantity limits of a preorder offer",
    note="Null removes a limit: per_customer.max, total.max, per_order.min, per_order.max. "
    "on_exceed decides what happens to an order that exceeds a limit: hold, cancel or accept.",
    aliases=("quantity limits", "preorder limits"),
)


@capability.edit("cap units per order", "order limit")
def set_max_per_order(limits: Limits, *, max: Quantity | None) -> None:
    """Set the maximum quantity a customer can preorder per order."""
    limits.per_order = PerOrder(min=limits.per_order.min, max=max)


@capability.edit("minimum units per order")
def set_min_per_order(limits: Limits, *, min: Quantity | None) -> None:
    """Set the minimum quantity a customer must preorder per order."""
    limits.per_order = PerOrder(min=min, max=limits.per_order.max)


@capability.edit("cap units per customer")
def set_max_per_customer(limits: Limits, *, max: Quantity | None) -> None:
    """Set the maximum quantity a single customer can preorder across all their orders.

    Null clears the maximum, as does per_customer.max: null in PATCH limits.
    """
    limits.per_customer.max = max


@capability.edit("cap total units", "sell at most")
def set_total_max(limits: Limits, *, max: Quantity | None) -> None:
    """Set the total quantity that can be preordered across all customers.

    Null clears the maximum, as does total.max: null in PATCH limits.
    """
    limits.total.max = max
