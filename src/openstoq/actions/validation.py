"""Reading requests: bodies and queries against an action's schema, every problem a sentence."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from openstoq.errors import BadRequest, Invalid

# One sentence for each kind of error that pydantic reports. `{field}` is the path of the value;
# the other names come from the error's context. A kind that is missing here fails a test.
SENTENCES = {
    "missing": "{field} is required",
    "extra_forbidden": "{field} is not a known field",
    "literal_error": "{field} must be one of: {expected}",
    "enum": "{field} must be one of: {expected}",
    "string_type": "{field} must be a string",
    "string_too_long": "{field} must be at most {max_length} characters long",
    "string_too_short": "{field} must be at least {min_length} characters long",
    "string_pattern_mismatch": "{field} must match {pattern}",
    "string_unicode": "{field} must be valid UTF-8",
    "int_type": "{field} must be an integer",
    "int_parsing": "{field} must be an integer",
    "int_parsing_size": "{field} must be an integer of at most 64 bits",
    "int_from_float": "{field} must be an integer",
    "bool_type": "{field} must be true or false",
    "bool_parsing": "{field} must be true or false",
    "is_instance_of": "{field} must be a number",
    "decimal_type": "{field} must be a decimal number",
    "decimal_parsing": "{field} must be a decimal number",
    "decimal_max_digits": "{field} must have at most {max_digits} digits",
    "decimal_max_places": "{field} must have at most {decimal_places} decimals",
    "finite_number": "{field} must be a finite number",
    "greater_than": "{field} must be greater than {gt}",
    "greater_than_equal": "{field} must be at least {ge}",
    "less_than": "{field} must be less than {lt}",
    "less_than_equal": "{field} must be at most {le}",
    "list_type": "{field} must be a list",
    "too_long": "{field} must have at most {max_length} entries",
    "too_short": "{field} must have at least {min_length} entries",
    "dict_type": "{field} must be an object",
    "model_type": "{field} must be an object",
    "model_attributes_type": "{field} must be an object",
    "uuid_type": "{field} must be a UUID",
    "uuid_parsing": "{field} must be a UUID",
    "date_type": "{field} must be a date (YYYY-MM-DD)",
    "date_parsing": "{field} must be a date (YYYY-MM-DD)",
    "date_from_datetime_parsing": "{field} must be a date (YYYY-MM-DD) or a date and time (RFC 3339)",
    "date_from_datetime_inexact": "{field} must be a date (YYYY-MM-DD)",
    "datetime_type": "{field} must be a date and time (RFC 3339)",
    "datetime_parsing": "{field} must be a date and time (RFC 3339)",
    "datetime_from_date_parsing": "{field} must be a date (YYYY-MM-DD) or a date and time (RFC 3339)",
    "timezone_aware": "{field} must name its time zone, such as 2026-06-20T14:30:00Z",
    "value_error": "{field} {error}",
    "none_required": "{field} must be null",
}


def read_body(model: type[BaseModel] | None, body: bytes) -> BaseModel:
    """Read a JSON body strictly: a string is not a number.

    Raises BadRequest when it is not a JSON object in UTF-8, Invalid with every problem at once.
    """
    try:
        return (model or Nothing).model_validate_json(body.strip() or b"{}", strict=True)
    except ValidationError as error:
        raise _problem(error) from error


def read_values(model: type[BaseModel] | None, values: Mapping[str, Any]) -> BaseModel:
    """Read a query or the arguments of a tool, where numbers may come as text.

    Raises Invalid with every problem at once.
    """
    try:
        return (model or Nothing).model_validate(values)
    except ValidationError as error:
        raise _problem(error) from error


def sentences(error: ValidationError, *, under: tuple[str, ...] = ()) -> list[str]:
    """Say what is wrong, a sentence for each problem; `under` is where the document stands."""
    return [_sentence(details, under) for details in error.errors(include_url=False)]


class Nothing(BaseModel, extra="forbid"):
    """The request of an action that takes nothing."""


def _problem(error: ValidationError) -> BadRequest | Invalid:
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return BadRequest(f"the body is not valid JSON: {first['ctx']['error']}")
    if first["type"] in ("model_type", "model_attributes_type") and not first["loc"]:
        return BadRequest("the body must be a JSON object")
    # A value that fits no member of a union is reported once for each of them.
    return Invalid(*dict.fromkeys(sentences(error)))


def _sentence(details: ErrorDetails, under: tuple[str, ...]) -> str:
    context = dict(details.get("ctx", {}))
    expected = str(context.get("expected", ""))
    context["expected"] = expected.replace(" or ", ", ").replace("'", "")
    field = ".".join((*under, *(str(part) for part in details["loc"]))) or "the request"
    return SENTENCES[details["type"]].format(field=field, **context)
