"""Ids: our own are UUIDv7, Shopify's are integers that callers may send as number, text or GID."""

import re
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import uuid_utils.compat
from pydantic import BeforeValidator, Field, WithJsonSchema

LARGEST = 2**63 - 1
_GID = re.compile(r"^gid://shopify/[A-Za-z]+/(\d{1,19})(?:\?.*)?$")
_KEY_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def new_id() -> UUID:
    """Return a new UUIDv7, so that ids sort by the time they were made."""
    return uuid_utils.compat.uuid7()


def made_at(made: UUID) -> datetime:
    """Return when an id of ours was made, to the millisecond."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def random_text(length: int) -> str:
    """Return `length` letters and digits that nobody can guess."""
    return "".join(secrets.choice(_KEY_ALPHABET) for _ in range(length))


def shopify_id(value: Any) -> int:
    """Read a Shopify id sent as a number, a numeric string or a GID.

    Raises ValueError when it is none of them or beyond 2^63 - 1.
    """
    if isinstance(value, str):
        matched = _GID.match(value)
        text = matched.group(1) if matched else value.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))):
            raise ValueError(
                "must be a Shopify id: a number, a numeric string or a gid://shopify/… id"
            )
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST:
        raise ValueError("must be a Shopify id: a number, a numeric string or a gid://shopify/… id")
    return value


def gid(kind: str, number: int) -> str:
    """Write a Shopify id as the global id its GraphQL API speaks."""
    return f"gid://shopify/{kind}/{number}"


ShopifyId = Annotated[
    int,
    BeforeValidator(shopify_id),
    Field(gt=0, le=LARGEST),
    WithJsonSchema(
        {
            "description": "A Shopify id: a number, a numeric string or a gid.",
            "anyOf": [
                {"type": "integer", "exclusiveMinimum": 0, "maximum": LARGEST},
                {
                    "type": "string",
                    "pattern": r"^(\d{1,19}|gid://shopify/[A-Za-z]+/\d{1,19}(\?.*)?)$",
                },
            ],
        },
        mode="validation",
    ),
]
