"""Errors in Shopify's words and codes: at the top level, and inside a mutation's payload."""

import re
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

_UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")
_MISSING_ARGUMENT = re.compile(r"Argument '\w+\.(\w+)\((\w+):\)' of type .* is required")
_UNKNOWN_ARGUMENT = re.compile(r"Unknown argument '(\w+)' on field '(?:\w+\.)?(\w+)'")


@dataclass(frozen=True, slots=True)
class UserProblem:
    """One of a mutation's userErrors."""

    message: str
    field: tuple[str, ...] | None = None
    code: str | None = None
    element_index: int | None = None


def bad_request(message: str) -> GraphQLError:
    """Return the top-level error of a request that cannot be carried out as written."""
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def document_error(error: GraphQLError) -> dict[str, Any]:
    """Return a validation error, with Shopify's message and code if there is a known equivalent."""
    formatted: dict[str, Any] = {**error.formatted}
    if match := _UNKNOWN_FIELD.match(error.message):
        name, kind = match.groups()
        formatted["message"] = f"Field '{name}' doesn't exist on type '{kind}'"
        formatted["extensions"] = {"code": "undefinedField", "typeName": kind, "fieldName": name}
    elif match := _MISSING_ARGUMENT.match(error.message):
        name, argument = match.groups()
        formatted["message"] = f"Field '{name}' is missing required arguments: {argument}"
        formatted["extensions"] = {
            "code": "missingRequiredArguments",
            "className": "Field",
            "name": name,
            "arguments": argument,
        }
    elif match := _UNKNOWN_ARGUMENT.match(error.message):
        argument, name = match.groups()
        formatted["message"] = f"Field '{name}' doesn't accept argument '{argument}'"
        formatted["extensions"] = {
            "code": "argumentNotAccepted",
            "name": name,
            "typeName": "Field",
            "argumentName": argument,
        }
    return formatted
