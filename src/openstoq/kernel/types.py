"""Small validated types shared by every feature."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from openstoq.kernel.patch import TRANSLATABLE


def _without_nul(value: Any) -> Any:
    # PostgreSQL's text cannot hold U+0000 nor lone surrogates, so they are refused at the door.
    if value is None:
        return value
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must not contain NUL characters or lone surrogates")
    return value


_PLAIN = r"^[0-9]{1,12}(\.[0-9]{1,4})?$"
_PLAIN_DECIMAL = re.compile(_PLAIN)


def _amount(value: Any) -> Any:
    # Python reads 1E+5, 1_000 and other scripts' digits as well; Shopify does not.
    if isinstance(value, str):
        if not _PLAIN_DECIMAL.fullmatch(value):
            raise ValueError(
                "must be a decimal number such as 12.50, not negative, of at most 12 digits and "
                "4 decimals"
            )
        return Decimal(value)
    if isinstance(value, float):
        # 0 for -0.0 too.
        return Decimal(str(value or 0))
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


Clean = AfterValidator(_without_nul)
Line = Annotated[str, Field(max_length=255), Clean]
Text = Annotated[str, Field(max_length=500), Clean]
# Copy is text that shoppers read; a null shows the theme's own, or nothing.
Copy = Annotated[str | None, Field(max_length=2000), Clean, TRANSLATABLE]
# What CSS takes for a colour and nothing that could end the declaration it stands in.
Color = Annotated[
    str | None,
    Field(
        max_length=40,
        pattern=r"^(#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|(rgb|rgba|hsl|hsla)\([0-9., %/deg]+\))$",
    ),
]
# A tag of Shopify, which takes no spaces around it: what is left of it without them counts.
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), Clean]
# An amount of money, or a percentage: what is written of it is a plain decimal.
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
