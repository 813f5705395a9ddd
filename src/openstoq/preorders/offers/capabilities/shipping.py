"""Shipping: the delivery of a preorder, its texts, and the fulfillment of its order."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from openstoq.actions.capability import Capability
from openstoq.kernel.days import Day
from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Copy, Tag, Text

Days = Annotated[int, Field(ge=0, le=3650)]


NO_NUMBER = (
    "can only be false: a split makes fulfillment orders of the same order, and Shopify gives "
    "these no name of their own; use fulfillment.split.tag to find the orders that were split"
)
NO_GATEWAY = (
    "can only be null: a split makes fulfillment orders of the same order, so no transaction is "
    "made that could have a gateway; the order's payments are listed by "
    "/preorders/orders/{id}/payments"
)


def _without_number(value: Any) -> Any:
    if value is not False:
        raise ValueError(NO_NUMBER)
    return value


def _without_gateway(value: Any) -> Any:
    if value is not None:
        raise ValueError(NO_GATEWAY)
    return value


# Shopify has neither for a fulfillment order, so only the values that ask for nothing are accepted.
NoNumber = Annotated[Literal[False], BeforeValidator(_without_number)]
NoGateway = Annotated[
    None,
    BeforeValidator(_without_gateway),
    WithJsonSchema({"type": "null", "const": None}),
]


class DeliveryTime(Settings):
    """The delivery time; `date` applies only to the type `exact_date`, `days` only to `window`."""

    type: Literal["asap", "exact_date", "window", "anchor", "unknown"] = "asap"
    date: Day | None = None
    days: Days | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "exact_date" and self.date is None:
            raise ValueError("needs a date for the type exact_date")
        if self.type == "window" and self.days is None:
            raise ValueError("needs days for the type window")
        return self


class ShippingDisplay(Settings):
    """The product page's texts about the delivery."""

    shipping_text: Copy = None
    shipping_text_prefix: Copy = None
    preorder_shipping_text: Copy = None
    show_shipping_text: bool = True
    show_shipping_timeline: bool = False
    applies_to_all_products: bool = True


class Split(Settings):
    """The split of a mixed order: its preorder lines get fulfillment orders of their own."""

    enabled: bool = False
    hold_fulfillments: bool = False
    sequential_number: NoNumber = False
    tag: Tag | None = None
    transaction_gateway: NoGateway = None


class Fulfillment(Settings):
    """The handling of an order's fulfillment until the order is released."""

    hold: bool = True
    hold_reason_note: Text | None = "Preorder"
    split: Split = Split()


class Shipping(Settings):
    """The delivery of a preorder, the texts about it, and the fulfillment of the order."""

    delivery: DeliveryTime = DeliveryTime()
    display: ShippingDisplay = ShippingDisplay()
    fulfillment: Fulfillment = Fulfillment()


capability = Capability(
    Shipping,
    name="shipping",
    about="the shipping settings of a preorder offer",
    note="fulfillment.hold holds fulfillment orders that contain preorder items. "
    "display.show_shipping_timeline shows the detailed timeline instead of the simple text. "
    "fulfillment.split.enabled splits preorder lines off, into fulfillment orders of the same "
    "order: fulfillment.split.sequential_number can only be false and "
    "fulfillment.split.transaction_gateway only null. Delivery is easier to set by "
    "set_delivery_asap, set_delivery_date and set_delivery_window. Null clears a text or a tag.",
    aliases=("shipping settings", "delivery settings"),
)


@capability.edit("ship as soon as possible")
def set_delivery_asap(shipping: Shipping) -> None:
    """Set delivery to 'as soon as possible' (no specific date or window)."""
    shipping.delivery = DeliveryTime()


@capability.edit("ship on a date")
def set_delivery_date(shipping: Shipping, *, date: Day) -> None:
    """Set an exact delivery date for the preorder."""
    shipping.delivery = DeliveryTime(type="exact_date", date=date)


@capability.edit("ships within days")
def set_delivery_window(shipping: Shipping, *, days: Days) -> None:
    """Set a delivery window in days from checkout (e.g. 'ships within 14 days')."""
    shipping.delivery = DeliveryTime(type="window", days=days)


@capability.edit("change shipping text")
def set_shipping_text(shipping: Shipping, *, text: Copy) -> None:
    """Set the customer-facing shipping text shown on the PDP."""
    shipping.display.shipping_text = text


@capability.edit("tag split orders")
def set_split_order_tag(shipping: Shipping, *, tag: Tag | None) -> None:
    """Set the tag applied to split orders on Shopify."""
    shipping.fulfillment.split.tag = tag


@capability.edit("gateway of split orders")
def set_split_transaction_gateway(shipping: Shipping, *, gateway: NoGateway) -> None:
    """Set the payment gateway used for the split order transaction.

    Only null is accepted: a split makes fulfillment orders of the same order, so there is no
    transaction of its own that could have a gateway.
    """
    shipping.fulfillment.split.transaction_gateway = gateway
