"""Shopify's ids, which callers may send as a number, a numeric text or a GID, and random texts."""

import re
import secrets
from typing import Any

LARGEST = 2**63 - 1
_GID = re.compile(r"^gid://shopify/([A-Za-z]+)/(\d{1,19})(?:\?.*)?$")
_NO_ID = "must be a Shopify id: a number, a numeric string or a gid://shopify/… id"
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def random_text(length: int) -> str:
    """Return `length` letters and digits that nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def shopify_id(value: Any) -> int:
    """Return the number in a Shopify id, which may be a number, a numeric string or a GID.

    Raises ValueError if the value is none of these, or its number is not from 1 to 2^63 - 1.
    """
    if isinstance(value, str):
        matched = _GID.match(value)
        text = matched[2] if matched else value.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))):
            raise ValueError(_NO_ID)
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST:
        raise ValueError(_NO_ID)
    return value


def gid(kind: str, number: int) -> str:
    """Return the global id (GID) that Shopify's GraphQL API uses for a record."""
    return f"gid://shopify/{kind}/{number}"
