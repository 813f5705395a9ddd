"""Small validated types that all features share."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from openstoq.kernel import texts
from openstoq.kernel.patch import TRANSLATABLE
from openstoq.kernel.places import country_code, locale_tag


def none_if_empty(value: Any) -> Any:
    """Return None for "", which storefront scripts send for a missing value; else return `value`."""
    return None if value == "" else value


def _if_given(check: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: check(value) if isinstance(value, str) else value


def _known_locale(value: str | None) -> str | None:
    return locale_tag(value) if value is not None else None


def _country_if_known(value: str | None) -> str | None:
    return country_code(value) if value is not None else None


def _color(value: str) -> str:
    if not re.fullmatch(_COLOR, value):
        raise ValueError("must be a CSS color such as #1A2B3C, white or rgb(0, 0, 0)")
    return value


def _known_country(value: Any) -> Any:
    known = country_code(value) if isinstance(value, str) else value
    if known is None and value is not None:
        raise ValueError("must be the two letters of a country (ISO 3166), such as DE")
    return known


_COLOR = r"(#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|(rgb|rgba|hsl|hsla)\([0-9., %/deg]+\))"
_PLAIN = r"^[0-9]{1,12}(\.[0-9]{1,4})?$"
_PLAIN_DECIMAL = re.compile(_PLAIN)


def _amount(value: Any) -> Any:
    # Python also accepts 1E+5, 1_000 and digits of other scripts; Shopify does not.
    if isinstance(value, str):
        if not _PLAIN_DECIMAL.fullmatch(value):
            raise ValueError(
                "must be a decimal number such as 12.50, not negative, of at most 12 digits and "
                "4 decimals"
            )
        return Decimal(value)
    if isinstance(value, float):
        # `or 0` also turns -0.0 into 0.
        return Decimal(str(value or 0))
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def json_number(value: Decimal) -> int | float:
    """Return a decimal as JSON writes a number: without a point if it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)


Clean = AfterValidator(_if_given(texts.text))
OnOneLine = AfterValidator(_if_given(texts.line))
Line = Annotated[str, Field(max_length=255), OnOneLine]
Text = Annotated[str, Field(max_length=500), Clean]
# Copy is text that shoppers read. For null the theme shows its own text, or nothing.
Copy = Annotated[str | None, Field(max_length=2000), Clean, TRANSLATABLE]
# A colour that CSS accepts, without any character that could end the CSS declaration around it.
Color: TypeAlias = (
    Annotated[
        str,
        Field(max_length=40),
        AfterValidator(_color),
        WithJsonSchema(
            {"type": "string", "maxLength": 40, "pattern": f"^{_COLOR}$"}, mode="validation"
        ),
    ]
    | None
)
# One rule holds for all faces: a locale is a tag that CLDR knows, or null, which means the shop's
# own language. An unknown locale is never refused. An unknown country is refused, unless it is only
# a hint for reading a shopper's phone number.
Locale = Annotated[str | None, Field(max_length=255), Clean, AfterValidator(_known_locale)]
Country = Annotated[
    str | None,
    Field(max_length=255),
    AfterValidator(_known_country),
    BeforeValidator(none_if_empty),
]
CountryHint = Annotated[
    str | None, Field(max_length=255), OnOneLine, AfterValidator(_country_if_known)
]
# A Shopify tag. Shopify strips the spaces around it, so its length counts without them.
Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), OnOneLine
]
# An amount of money or a percentage, written as a plain decimal number.
Amount = Annotated[
    Decimal,
    Field(ge=0, max_digits=16, decimal_places=4),
    BeforeValidator(_amount),
    WithJsonSchema(
        {
            "description": "An amount or a percentage: a number, or a decimal string.",
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": _PLAIN},
            ],
        }
    ),
]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
