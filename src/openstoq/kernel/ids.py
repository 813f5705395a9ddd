"""Ids: ours are UUIDv7; Shopify's are integers, which callers may send as a number, text or GID."""

import re
import secrets
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import uuid_utils.compat
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import (
    CoreSchema,
    int_schema,
    no_info_before_validator_function,
    str_schema,
)

LARGEST = 2**63 - 1
_GID = re.compile(r"^gid://shopify/([A-Za-z]+)/(\d{1,19})(?:\?.*)?$")
_NO_ID = "must be a Shopify id: a number, a numeric string or a gid://shopify/… id"
_KEY_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def new_id() -> UUID:
    """Return a new UUIDv7; these ids sort by the time at which they were created."""
    return uuid_utils.compat.uuid7()


def created_at(made: UUID) -> datetime:
    """Return the time at which one of our ids was created, to the millisecond."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def random_text(length: int) -> str:
    """Return `length` random letters and digits that nobody can guess."""
    return "".join(secrets.choice(_KEY_ALPHABET) for _ in range(length))


def shopify_id(value: Any, kind: str | None = None) -> int:
    """Parse a Shopify id that was sent as a number, a numeric string or a GID.

    Raises ValueError if it is none of these, is greater than 2^63 - 1, or is a GID of a kind other
    than `kind`.
    """
    if isinstance(value, str):
        matched = _GID.match(value)
        if matched and kind not in (None, matched[1]):
            raise ValueError(f"must be the id of {_one(kind)}")
        text = matched[2] if matched else value.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))):
            raise ValueError(_NO_ID)
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST:
        raise ValueError(_NO_ID)
    return value


def gid(kind: str, number: int) -> str:
    """Return a Shopify id as a GID, the global id that its GraphQL API uses."""
    return f"gid://shopify/{kind}/{number}"


class _Of:
    """An annotation for an int that is the id of a Shopify resource.

    `kind` is the resource's name in a GID, such as Product.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        read = no_info_before_validator_function(
            partial(shopify_id, kind=self.kind), int_schema(gt=0, le=LARGEST)
        )
        if source is not str:
            return read
        # The id is checked, and kept as it was sent.
        return no_info_before_validator_function(partial(_as_sent, kind=self.kind), str_schema())

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        number = handler(core)
        if handler.mode == "serialization":
            return number
        pattern = rf"^(\d{{1,19}}|gid://shopify/{self.kind}/\d{{1,19}}(\?.*)?)$"
        if number.get("type") == "string":
            return {"type": "string", "pattern": pattern}
        return {
            "description": f"The Shopify id of {_one(self.kind)}: a number, a numeric string "
            "or a gid.",
            "anyOf": [number, {"type": "string", "pattern": pattern}],
        }


def _as_sent(value: Any, kind: str) -> str:
    shopify_id(value, kind)
    return str(value).strip()


def _one(kind: str | None) -> str:
    return f"{'an' if (kind or '')[:1] in 'AEIOU' else 'a'} {kind}"


CollectionId = Annotated[int, _Of("Collection")]
CustomerId = Annotated[int, _Of("Customer")]
LocationId = Annotated[int, _Of("Location")]
MarketId = Annotated[int, _Of("Market")]
# A market's id as the key of an object: checked, and kept as it was sent.
MarketKey = Annotated[str, _Of("Market")]
OrderId = Annotated[int, _Of("Order")]
ProductId = Annotated[int, _Of("Product")]
SellingPlanId = Annotated[int, _Of("SellingPlan")]
VariantId = Annotated[int, _Of("ProductVariant")]
