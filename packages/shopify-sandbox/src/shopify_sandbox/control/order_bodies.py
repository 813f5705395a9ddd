"""Request bodies of the control API's endpoints for orders."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from shopify_sandbox import cards
from shopify_sandbox.bodies import (
    Amount,
    Body,
    Id,
    Number,
    Text,
    checked,
    choice,
    read_rate,
    read_rounding,
)
from shopify_sandbox.control.order_origins import Business, PointOfSale

Reason = Annotated[str, choice("CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF")]


Card = Annotated[
    str,
    checked(
        cards.is_card,
        f"must be one of {', '.join(cards.CHOICES)}, or declines_ and another number",
    ),
]


class TaxRate(Body):
    """A tax; its rate is a fraction, such as 0.2 for 20 %."""

    title: str = "VAT"
    rate: Annotated[Decimal, PlainValidator(read_rate)]


class Presentment(Body):
    """The currency that a shopper pays in, and how prices are converted to it."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    rate: Annotated[Decimal, PlainValidator(read_rate)]
    rounding: Annotated[Decimal | None, PlainValidator(read_rounding)] = None


class CartRow(Body):
    """A line of a cart; its own `taxes`, if given, replace the cart's."""

    variant_id: Id
    quantity: int = 1
    plan_id: Id | None = None
    properties: dict[str, Any] | None = None
    discount: Amount | None = None
    taxes: tuple[TaxRate, ...] | None = None


class Shopper(Body):
    """A shopper, as filled in at a checkout."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    locale: str | None = None


class Cart(Body):
    """A cart to buy.

    `shipping_taxes`, if given, replace the cart's `taxes` for the shipping. The cart is bought at
    the `point_of_sale` if it has one, and otherwise in the online store. It may be bought for a
    `company`.
    """

    lines: tuple[CartRow, ...] = ()
    customer: Shopper | None = None
    country: str | None = None
    card: Card | None = None
    shipping: Amount | None = None
    taxes: tuple[TaxRate, ...] = ()
    taxes_included: bool = False
    shipping_taxes: tuple[TaxRate, ...] | None = None
    presentment: Presentment | None = None
    gift_card: Amount | None = None
    capture: Annotated[str, choice("automatic", "manual")] = "automatic"
    schedules: Annotated[str, choice("one", "per_plan")] = "one"
    tags: tuple[str, ...] = ()
    note: str | None = None
    point_of_sale: PointOfSale | None = None
    company: Business | None = None


class OrderChange(Body):
    """The facts of an order to change."""

    card: Card | None = None
    tags: tuple[str, ...] | None = None


class EditedLine(Body):
    """A line and the quantity that it has from now on."""

    id: Id
    quantity: int = 0


class AddedVariant(Body):
    """Units of a variant to add to an order; if `taxes` is left out, the order's taxes apply."""

    variant_id: Id
    quantity: Annotated[int, Field(ge=1)] = 1
    taxes: tuple[TaxRate, ...] | None = None


class CustomLine(Body):
    """A line to add for something that is in no catalogue.

    `price` is that of one unit, in the shopper's currency.
    """

    title: Text
    price: Amount
    quantity: Annotated[int, Field(ge=1)] = 1
    taxes: tuple[TaxRate, ...] | None = None
    requires_shipping: bool = False


class Edit(Body):
    """Lines to lower, raise or add, and whether units that are removed go back to stock."""

    lines: tuple[EditedLine, ...] = ()
    variants: tuple[AddedVariant, ...] = ()
    custom: tuple[CustomLine, ...] = ()
    restock: bool = True


class ReturnedLine(Body):
    """Units of a line to take back."""

    id: Id
    quantity: int = 1


class RefundRequest(Body):
    """A refund: lines and shipping to take back, and the money to pay back.

    If `amount` is None, the money owed for the lines and the shipping is paid back.
    """

    amount: Amount | None = None
    shipping: Amount | None = None
    lines: tuple[ReturnedLine, ...] = ()
    restock: bool = True
    note: str | None = None


class Cancellation(Body):
    """The reason for a cancellation, and what becomes of the order's money and stock."""

    reason: Reason = "CUSTOMER"
    refund: bool = True
    restock: bool = True
    note: str | None = None


class Payment(Body):
    """The amount to pay or to capture; without it, the most that is possible."""

    amount: Amount | None = None


class Authentication(Body):
    """The outcome of the charges that wait for the shopper's authentication."""

    succeed: bool = True


class DueRequest(Body):
    """The payment schedule to make due now; without a `schedule_id`, all open schedules."""

    schedule_id: Id | None = None


class Advance(Body):
    """The seconds by which to move the shop's clock ahead."""

    seconds: Number = 0.0


class Pace(Body):
    """The duration of charges and cancellations: `delay` seconds, or a number of polls."""

    delay: Number | None = None
    polls: Annotated[int, Field(ge=1)] | None = None
