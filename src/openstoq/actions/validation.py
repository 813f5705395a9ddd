"""Validate requests against an action's schema, and describe each problem in a sentence."""

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from openstoq.actions.requirements import UNREAD
from openstoq.errors import BadRequest, Invalid
from openstoq.kernel.patch import partial_of

Model = TypeVar("Model", bound=BaseModel)
Path: TypeAlias = tuple[str, ...]

# The limits on the problems that a response lists, and on the characters of a field's path and of a
# problem. More helps nobody, and a response must not be larger than its request.
MOST_PROBLEMS = 100
_LONGEST_FIELD = 200
_LONGEST_PROBLEM = 500
# The limit on the field names in a body, several times as many as the largest valid request has.
# Each name may cause an error, and pydantic creates either all errors or none.
MOST_NAMES = 20_000

# One sentence for each kind of error that pydantic reports, so that a caller never reads pydantic's
# own words. `{field}` is the path of the value; the other names come from the error's context. A
# kind that is missing here fails a test, and until it is added its sentence is `_OTHER`.
SENTENCES = {
    "missing": "{field} is required",
    "extra_forbidden": "{field} is not a known field",
    "literal_error": "{field} must be one of: {expected}",
    "enum": "{field} must be one of: {expected}",
    "string_type": "{field} must be a string",
    "string_too_long": "{field} must be at most {max_length} characters long",
    "string_too_short": "{field} must be at least {min_length} characters long",
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
    "decimal_whole_digits": "{field} must have at most {whole_digits} digits before its point",
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
_OTHER = "{field} is not acceptable"
_PLACE = re.compile(r"at line \d+ column \d+$")


def read_body(model: type[Model], body: bytes) -> Model:
    """Read a JSON body strictly: a string is not accepted as a number.

    Raises BadRequest when the body is not a JSON object in UTF-8, or Invalid listing all problems.
    """
    check_size(body)
    try:
        return _validated(model, body)
    except ValidationError as error:
        raise _problem(error) from error


def read_values(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Read a query or the arguments of a tool, in which numbers may be sent as text.

    Raises Invalid listing all problems.
    """
    try:
        return _validated(model, values)
    except ValidationError as error:
        raise _problem(error) from error


def check_size(body: bytes) -> None:
    """Raise BadRequest if a JSON body has more names than any valid request.

    Call it before the body is parsed, because parsing may create an error for each name.
    """
    # Colons in texts count as well, which does no harm: no valid request has so many.
    if body.count(b":") > MOST_NAMES:
        raise BadRequest(f"the JSON has more than {MOST_NAMES} names; send less at once")


def sentences(
    error: ValidationError, *, under: Path = (), unread: Iterable[Path] = ()
) -> list[str]:
    """Return a sentence for each problem in `error`; `under` is the path of the validated document.

    `unread` are the paths of unreadable fields. Problems of such a field are left out. Problems of
    an object that contains one are left out too, because the field may be their cause.
    """
    explained = {path[:length] for path in unread for length in range(len(path) + 1)}
    told = [one for one in error.errors(include_url=False) if one["loc"] not in explained]
    # A value that fits no member of a union is reported once for each member.
    said: dict[str, None] = {}
    for number, details in enumerate(told):
        if len(said) == MOST_PROBLEMS:
            return [*said, f"and {len(told) - number} more problems"]
        said[_sentence(details, under)] = None
    return list(said)


def remainder(
    model: type[BaseModel], sent: bytes | Mapping[str, Any]
) -> tuple[BaseModel, set[Path]] | None:
    """Return the readable part of a refused request, and the paths of its unreadable fields.

    Unknown fields are not among these paths. Returns None if the readable part is not a valid
    request, for example because a required field is missing. Also returns None if the request has
    more problems than a response can list.
    """
    unread: set[Path] = set()
    try:
        return _validated(model, sent), unread
    except ValidationError as error:
        if error.error_count() > MOST_PROBLEMS:
            return None
        values = from_json(_json(sent)) if isinstance(sent, bytes) else deepcopy(dict(sent))
        for details in error.errors(include_url=False):
            path = _take_out(values, details["loc"])
            if details["type"] != "extra_forbidden":
                unread.add(path)
    try:
        return _validated(model, to_json(values) if isinstance(sent, bytes) else values), unread
    except ValidationError:
        return None


def readable_values(
    model: type[BaseModel], sent: bytes | Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the values of a refused request, by the names under which callers send them.

    A field that was sent but cannot be read has the value UNREAD. A field that was not sent has its
    default, or None if it is required. Returns None if the request has more problems than a
    response can list.
    """
    # Required fields may be missing, which `partial_of` allows.
    rest = remainder(partial_of(model), sent)
    if rest is None:
        return None
    readable, unread = rest
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        known = field.alias or name
        if (known,) in unread:
            values[known] = UNREAD
        elif name in readable.model_fields_set:
            values[known] = getattr(readable, name)
        else:
            is_required = field.is_required()
            values[known] = None if is_required else field.get_default(call_default_factory=True)
    return values


def _take_out(values: dict[str, Any], loc: tuple[int | str, ...]) -> Path:
    """Remove the value at a path, or the whole list if it is in one; return the removed path."""
    for depth, step in enumerate(loc, 1):
        inner = values.get(str(step))
        if depth == len(loc) or not isinstance(inner, dict):
            values.pop(str(step), None)
            return tuple(map(str, loc[:depth]))
        values = inner
    return ()


class EmptyRequest(BaseModel):
    """The request of an action that has no parameters."""

    # The schema has no description: an MCP tool adds the path's parameters to the schema, and then
    # the description would be wrong.
    model_config = ConfigDict(
        extra="forbid", json_schema_extra=lambda schema: schema.pop("description", None)
    )


def _validated(model: type[Model], sent: bytes | Mapping[str, Any]) -> Model:
    if isinstance(sent, bytes):
        return model.model_validate_json(_json(sent), strict=True)
    return model.model_validate(sent)


def _json(sent: bytes) -> bytes:
    """Return the JSON of a body; an empty body counts as an empty object."""
    return sent.strip() or b"{}"


def _problem(error: ValidationError) -> BadRequest | Invalid:
    if error.error_count() == 1:
        (first,) = error.errors(include_url=False)
        if first["type"] == "json_invalid":
            place = _PLACE.search(str(first["ctx"]["error"]))
            return BadRequest(
                " ".join(filter(None, ["the body is not valid JSON", place and place[0]]))
            )
        if first["type"] in ("model_type", "model_attributes_type") and not first["loc"]:
            return BadRequest("the body must be a JSON object")
    return Invalid(*sentences(error))


def _sentence(details: ErrorDetails, under: Path) -> str:
    kind, context = details["type"], dict(details.get("ctx", {}))
    if kind in ("too_short", "too_long") and isinstance(details["input"], str):
        # pydantic reports a text's length as that of a list if a validator function runs first.
        kind = f"string_{kind}"
    expected = str(context.get("expected", ""))
    context["expected"] = expected.replace(" or ", ", ").replace("'", "")
    sentence = SENTENCES.get(kind, _OTHER).format(field=_field(details, under), **context)
    return sentence[:_LONGEST_PROBLEM]


def _field(details: ErrorDetails, under: Path) -> str:
    """Return the dotted path of a value, as the caller wrote it."""
    steps = details["loc"]
    if steps and steps[-1] == "[key]":
        # The problem is a name in an object, and the step before is that name.
        steps = steps[:-1]
    names = (*under, *(str(step)[:_LONGEST_FIELD] or '""' for step in steps))
    return ".".join(names)[:_LONGEST_FIELD] or "the request"
