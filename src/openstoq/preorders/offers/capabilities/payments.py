"""Payments: the amounts paid at checkout and later, and the discount."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, WithJsonSchema, computed_field, model_validator

from openstoq.actions.capability import Capability
from openstoq.actions.requirements import Needed, Unwanted
from openstoq.actions.validation import Path
from openstoq.errors import Conflict
from openstoq.kernel.days import CalendarValue, Day
from openstoq.kernel.patch import READ_ONLY, UNSET, Settings, assign
from openstoq.kernel.types import Amount, Copy, json_number

Mode = Literal["full", "partial", "full_and_partial"]
OptionType = Literal["full", "partial"]
DiscountType = Literal["percentage", "price", "fixed_amount", "no_discount"]
Percent = Annotated[int, Field(ge=1, le=99)]
# A number in JSON, unlike an Amount: API v1 documents it so.
DepositPercent = Annotated[
    Amount,
    Field(le=100),
    PlainSerializer(json_number, when_used="json"),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]
Days = Annotated[int, Field(ge=1, le=3650)]

ALL_OF_IT = 100
_NO_VALUE = "value must be left out with the type no_discount"


class Option(Settings):
    """A payment option, with the texts that the shopper reads about it."""

    billing_title: Copy = None
    billing_description: Copy = None
    discount_text: Copy = None


class FullOption(Option):
    """The option to pay the full price at checkout."""

    billing_title: Copy = "Pay in full"


class DepositTerms(Settings):
    """The size of a deposit: a percentage of the price, or a fixed amount.

    Both values may be set; `type` decides which one is charged.
    """

    type: Literal["percentage", "price"] = "percentage"
    percent: DepositPercent = Decimal(20)
    amount: Amount | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether the whole price is paid at checkout."""
        return self.type == "percentage" and self.percent == ALL_OF_IT


class Deposit(DepositTerms):
    """The part paid at checkout: a percentage of the price, or a fixed amount."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "price" and self.amount is None:
            raise ValueError("needs an amount for the type price")
        if self.is_whole:
            raise ValueError("must be less than the whole price; use the full payment mode")
        return self


class PartialOption(Option):
    """The option to pay a deposit at checkout, and the balance later."""

    billing_title: Copy = "Pay a deposit"
    deposit: Deposit = Deposit()


class Options(Settings):
    """The payment options of an offer, which has at least one."""

    full: FullOption | None = FullOption()
    partial: PartialOption | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.full is None and self.partial is None:
            raise ValueError("must keep at least one payment option")
        return self


class Discount(Settings):
    """A discount: a percentage off, a new `price`, or a fixed amount off in the shop's currency."""

    type: DiscountType = "no_discount"
    value: Amount | None = None

    @model_validator(mode="before")
    @classmethod
    def _none_has_no_value(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("type", "no_discount") == "no_discount":
            return fields | {"value": None}
        return fields

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type != "no_discount" and self.value is None:
            raise ValueError(f"needs a value for the type {self.type}")
        if self.type == "percentage" and self.value is not None and self.value > ALL_OF_IT:
            raise ValueError("of type percentage must have a value of at most 100")
        return self


class RemainingBalance(Settings):
    """The balance after a deposit: when it is due, and whether it is collected automatically."""

    due: Literal["time_after_checkout", "exact_time"] = "time_after_checkout"
    days: Days | None = 30
    date: Day | None = None
    auto_collect: bool = True
    auto_collect_on_fulfillment: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.due == "exact_time" and self.date is None:
            raise ValueError("needs a date when it is due at an exact_time")
        if self.due == "time_after_checkout" and self.days is None:
            raise ValueError("needs days when it is due a time_after_checkout")
        return self

    @property
    def due_day(self) -> CalendarValue | None:
        """The day on which the balance is due; None if it depends on the order instead."""
        is_dated = self.due == "exact_time" and not self.auto_collect_on_fulfillment
        return self.date if is_dated else None


class Payments(Settings):
    """The terms of payment of an offer."""

    options: Annotated[Options, READ_ONLY] = Options()
    discount: Discount = Discount()
    remaining_balance: RemainingBalance = RemainingBalance()

    @computed_field(  # type: ignore[prop-decorator] # mypy knows no decorated property
        description="Which options there are."
    )
    @property
    def mode(self) -> Mode:
        """Return the payment mode: full, partial, or both, by the options that the offer has."""
        if self.options.full is None:
            return "partial"
        return "full" if self.options.partial is None else "full_and_partial"

    @property
    def first(self) -> Option:
        """Return the payment option whose texts the billing widget shows."""
        return self.options.full or self.partial

    @property
    def first_type(self) -> OptionType:
        """Return the type of the first payment option."""
        return "partial" if self.options.full is None else "full"

    @property
    def partial(self) -> PartialOption:
        """Return the option with a deposit; raise Conflict when there is none."""
        if self.options.partial is None:
            raise Conflict(
                "the offer has no partial payment option; use set_mode with partial or "
                "full_and_partial first"
            )
        return self.options.partial


capability = Capability(
    Payments,
    name="payments",
    about="the payment configuration of a preorder offer",
    note="mode and options are changed by set_mode, enable_option, disable_option, "
    'set_option_copy and set_deposit_percent. {"discount": {"type": "no_discount"}} clears the '
    "discount and its value. The balance is due at remaining_balance.date (exact_time), "
    ".days after checkout (time_after_checkout), or with auto_collect_on_fulfillment when the "
    "order is fulfilled.",
    aliases=("payment settings", "deposit settings"),
)


@capability.rule
def value_has_its_type(payments: Payments, changes: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """Refuse a discount's value without a type, and a change of type without a new value.

    Otherwise the value would be dropped, or 15 % would become 15 in the shop's currency.
    """
    sent, known = changes.get("discount"), payments.discount
    if not isinstance(sent, dict):
        return []
    type_ = sent.get("type", known.type)
    if type_ == "no_discount" and sent.get("value") is not None:
        needs = "needs a discount.type: percentage, price or fixed_amount"
        return [(("discount", "value"), needs)]
    is_of_another = known.type not in ("no_discount", type_) and type_ != "no_discount"
    if is_of_another and "value" not in sent:
        return [
            (
                ("discount", "value"),
                f"is required with the type {type_}: the present value is of the type {known.type}",
            )
        ]
    return []


@capability.edit("charge a deposit", "partial payment")
def set_mode(payments: Payments, *, mode: Mode) -> None:
    """Switch the offer between full, partial, and full-and-partial payment modes.

    Idempotent. An option that the offer already has keeps its copy; a new option starts from
    the defaults.
    """
    options = payments.options
    payments.options = Options(
        full=None if mode == "partial" else options.full or FullOption(),
        partial=None if mode == "full" else options.partial or PartialOption(),
    )


@capability.edit("add a payment option")
def enable_option(payments: Payments, *, option_type: OptionType) -> None:
    """Add a payment option (full or partial) to the offer.

    Idempotent. A new option starts from the defaults: see set_deposit_percent and
    set_option_copy.
    """
    if getattr(payments.options, option_type) is None:
        set_mode(payments, mode="full_and_partial")


@capability.edit("remove a payment option")
def disable_option(payments: Payments, *, option_type: OptionType) -> None:
    """Remove a payment option (full or partial) from the offer.

    409 unless the offer has both: it must keep at least one. Use set_mode to switch.
    """
    if payments.mode != "full_and_partial":
        raise Conflict(
            f"the offer has only the {payments.mode} payment option and must keep one; use "
            "set_mode to switch"
        )
    set_mode(payments, mode="partial" if option_type == "full" else "full")


@capability.edit("change deposit")
def set_deposit_percent(payments: Payments, *, percent: Percent) -> None:
    """Set the deposit percentage charged at checkout on the partial payment option.

    409 without a partial option: use set_mode first. 100 % upfront is the full payment mode.
    """
    payments.partial.deposit = Deposit(percent=Decimal(percent))


@capability.edit(
    "change discount",
    "preorder price",
    requires=(
        Needed(
            "value",
            "value is required for the types percentage, price and fixed_amount",
            when="type",
            values=("percentage", "price", "fixed_amount"),
        ),
        Unwanted("value", _NO_VALUE, when="type", values=("no_discount",)),
    ),
)
def set_discount(payments: Payments, *, type: DiscountType, value: Amount | None = None) -> None:
    """Set the preorder discount.

    value is a percentage, the new price, or the amount off; leave it out for no_discount.
    """
    payments.discount = Discount(type=type, value=value)


@capability.edit("change discount text")
def set_discount_text(
    payments: Payments, *, text: Copy, option_type: OptionType | None = None
) -> None:
    """Set the discount blurb shown on the offer's payment options.

    option_type targets one option; without it the text is set on every option. {{ discount }}
    in the text stands for the discount.
    """
    if option_type is not None:
        _option(payments, option_type).discount_text = text
        return
    for option in (payments.options.full, payments.options.partial):
        if option is not None:
            option.discount_text = text


@capability.edit("change payment option text")
def set_option_copy(
    payments: Payments,
    *,
    option_type: OptionType,
    billing_title: Copy = UNSET,
    billing_description: Copy = UNSET,
    discount_text: Copy = UNSET,
) -> None:
    """Set the merchant-facing copy on a payment option (title, description, discount text).

    The first option's title and description are the billing widget's as well.
    """
    assign(
        _option(payments, option_type),
        billing_title=billing_title,
        billing_description=billing_description,
        discount_text=discount_text,
    )


def _option(payments: Payments, option_type: OptionType) -> Option:
    option: Option | None = getattr(payments.options, option_type)
    if option is None:
        raise Conflict(
            f"the offer has no {option_type} payment option; add it with enable_option first"
        )
    return option
