"""Request bodies: the types of their fields, and a sentence for each problem in them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from shopify_sandbox.ids import shopify_id

_SENTENCES = {
    "missing": "is required.",
    "extra_forbidden": "is not a field of this request.",
    "string_type": "must be a text.",
    "string_too_short": "must not be empty.",
    "int_type": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "float_type": "must be a number.",
    "finite_number": "must be a number.",
    "greater_than_equal": "must be at least {ge:g}.",
    "bool_type": "must be true or false.",
    "list_type": "must be a list.",
    "tuple_type": "must be a list.",
    "dict_type": "must be an object.",
    "model_type": "must be a JSON object.",
    "string_pattern_mismatch": "must be written otherwise, such as EUR.",
    "pattern_regex": "must be a regular expression.",
    "value_error": "{error}.",
}


class Body(BaseModel):
    """The base of all bodies: a JSON object, in which an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NoBody(Body):
    """The empty body of a request that takes no fields."""


def problems(error: ValidationError) -> list[str]:
    """Return a sentence for each problem of a body."""
    return [_sentence(each["type"], each["loc"], each.get("ctx", {})) for each in error.errors()]


def is_no_json(error: ValidationError) -> bool:
    """Return whether the error is that the body is not JSON."""
    return error.errors()[0]["type"] == "json_invalid"


def _sentence(kind: str, where: tuple[int | str, ...], context: dict[str, Any]) -> str:
    names = [each for each in where if isinstance(each, str)]
    name = names[-1] if names else "The body"
    if where and isinstance(where[-1], int):
        name = f"Each of {name}"
    return f"{name} {_SENTENCES.get(kind, 'cannot be read.').format_map(context)}"


# The largest number that is read; Decimal cannot round much larger ones.
_MOST = Decimal(10) ** 12


def read_number(value: Any) -> Decimal | None:
    """Return a value as a number; None if it is not a number between -10^12 and 10^12."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) <= _MOST else None


def _amount(value: Any) -> Decimal:
    amount = read_number(value)
    if amount is None or amount < 0:
        raise ValueError("must be an amount such as 19.99")
    # Some currencies have three decimals; amounts of other currencies are rounded later.
    rounded = amount.quantize(Decimal("0.01"))
    return rounded if rounded == amount else amount.quantize(Decimal("0.001"))


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
    raise ValueError("must be a time with its offset, such as 2026-07-01T12:00:00Z")


def read_rate(value: Any) -> Decimal:
    """Return a value as a number, without rounding it, such as the rate of a tax or an exchange.

    Raises ValueError if the value is not a number above 0.
    """
    rate = read_number(value)
    if rate is None or rate <= 0:
        raise ValueError("must be a number above 0 such as 0.2")
    return rate


def read_rounding(value: Any) -> Decimal | None:
    """Return the shop's rule for rounding converted prices; None means no rounding.

    A number below 1, such as 0.95, is the ending of every price. A whole number, such as 100, is
    the step that every price is a multiple of.
    """
    if value is None:
        return None
    rounding = read_rate(value)
    if rounding > 1 and rounding != rounding.to_integral_value():
        raise ValueError("must be an ending below 1 such as 0.95, or a whole step such as 100")
    return rounding


def choice(*allowed: str) -> PlainValidator:
    """Return a validator that accepts the words `allowed`, in any letter case."""

    def choose(value: Any) -> str:
        for each in allowed:
            if isinstance(value, str) and value.casefold() == each.casefold():
                return each
        raise ValueError(f"must be one of {', '.join(allowed)}")

    return PlainValidator(choose)


def checked(check: Callable[[str], bool], words: str) -> PlainValidator:
    """Return a validator that accepts only texts that pass `check`.

    `words` is the error for everything else, such as "must be …".
    """

    def read(value: Any) -> str:
        if not isinstance(value, str) or not check(value):
            raise ValueError(words)
        return value

    return PlainValidator(read)


Text = Annotated[str, Field(min_length=1)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# Some money, written as a text or a number.
Amount = Annotated[Decimal, PlainValidator(_amount)]
# A time with its offset, in RFC 3339.
Moment = Annotated[datetime, PlainValidator(_moment)]
# A Shopify id, written as a number, a text or a gid.
Id = Annotated[int, PlainValidator(shopify_id)]
