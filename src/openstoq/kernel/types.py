"""Small validated types shared by every feature."""

from typing import Annotated

from pydantic import AfterValidator, Field


def _without_nul(value: str) -> str:
    # PostgreSQL's text cannot hold U+0000 nor lone surrogates, so they are refused at the door.
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must not contain NUL characters or lone surrogates")
    return value


Clean = AfterValidator(_without_nul)
Line = Annotated[str, Field(max_length=255), Clean]
Text = Annotated[str, Field(max_length=500), Clean]
Color = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
