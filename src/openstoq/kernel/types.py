"""Small validated types shared by every feature."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from openstoq.kernel.patch import TRANSLATABLE


def _without_nul(value: Any) -> Any:
    # PostgreSQL's text cannot hold U+0000 nor lone surrogates, so they are refused at the door.
    if value is None:
        return value
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must not contain NUL characters or lone surrogates")
    return value


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
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
