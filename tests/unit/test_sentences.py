"""Every kind of pydantic's errors that a request can cause, as the sentence that a caller reads."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    Strict,
    TypeAdapter,
    ValidationError,
)

from openstoq.actions.validation import SENTENCES, read_body, sentences
from openstoq.errors import Problem
from openstoq.registry import ACTIONS
from openstoq.web.storefront.carts import CartCheckRequest
from openstoq.web.storefront.offers import OfferQuery
from openstoq.web.v1.routes import OPERATIONS


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    needed: int = 1


class Outer(BaseModel):
    at: int


def refuse(value: Any) -> Any:
    raise ValueError("must be something else")


Amount = Annotated[Decimal, Field(max_digits=4, decimal_places=2)]

# A type and a value for each kind, and what is said about it.
PROVOKED: dict[str, tuple[Any, Any, str]] = {
    "missing": (Outer, {}, "at is required"),
    "extra_forbidden": (Inner, {"odd": 1}, "odd is not a known field"),
    "literal_error": (Literal["a", "b", "c"], "d", "must be one of: a, b, c"),
    "enum": (Color, "green", "must be one of: red, blue"),
    "string_type": (str, 1, "must be a string"),
    "string_too_long": (Annotated[str, Field(max_length=2)], "abc", "at most 2 characters long"),
    "string_too_short": (Annotated[str, Field(min_length=2)], "a", "at least 2 characters long"),
    "string_unicode": (str, b"\xff", "must be valid UTF-8"),
    "int_type": (int, [], "must be an integer"),
    "int_parsing": (int, "x", "must be an integer"),
    "int_parsing_size": (int, "9" * 5000, "must be an integer of at most 64 bits"),
    "int_from_float": (int, 1.5, "must be an integer"),
    "bool_type": (bool, [], "must be true or false"),
    "bool_parsing": (bool, "perhaps", "must be true or false"),
    "is_instance_of": (InstanceOf[Decimal], "x", "must be a number"),
    "decimal_type": (Decimal, [], "must be a decimal number"),
    "decimal_parsing": (Decimal, "x", "must be a decimal number"),
    "decimal_max_digits": (Amount, Decimal("12.345"), "must have at most 4 digits"),
    "decimal_max_places": (Amount, Decimal("0.123"), "must have at most 2 decimals"),
    "decimal_whole_digits": (Amount, Decimal(1234), "at most 2 digits before its point"),
    "finite_number": (Decimal, "NaN", "must be a finite number"),
    "greater_than": (Annotated[int, Field(gt=1)], 1, "must be greater than 1"),
    "greater_than_equal": (Annotated[int, Field(ge=1)], 0, "must be at least 1"),
    "less_than": (Annotated[int, Field(lt=1)], 1, "must be less than 1"),
    "less_than_equal": (Annotated[int, Field(le=1)], 2, "must be at most 1"),
    "list_type": (list[int], 1, "must be a list"),
    "too_long": (Annotated[list[int], Field(max_length=1)], [1, 2], "at most 1 entries"),
    "too_short": (Annotated[list[int], Field(min_length=1)], [], "at least 1 entries"),
    "dict_type": (dict[str, int], 1, "must be an object"),
    "model_type": (Inner, 1, "must be an object"),
    "uuid_type": (UUID, 1, "must be a UUID"),
    "uuid_parsing": (UUID, "x", "must be a UUID"),
    "date_type": (date, [], "must be a date (YYYY-MM-DD)"),
    "date_parsing": (Annotated[date, Strict()], b'"x"', "must be a date (YYYY-MM-DD)"),
    "date_from_datetime_parsing": (date, "x", "must be a date (YYYY-MM-DD) or a date and time"),
    "date_from_datetime_inexact": (date, "2026-01-01T01:00:00", "must be a date (YYYY-MM-DD)"),
    "datetime_type": (datetime, [], "must be a date and time (RFC 3339)"),
    "datetime_parsing": (Annotated[datetime, Strict()], b'"2026-13"', "must be a date and time (RFC 3339)"),
    "datetime_from_date_parsing": (datetime, "x", "must be a date (YYYY-MM-DD) or a date and time"),
    "timezone_aware": (AwareDatetime, "2026-01-01T00:00:00", "must name its time zone"),
    "value_error": (Annotated[str, AfterValidator(refuse)], "x", "must be something else"),
    "none_required": (None, 1, "must be null"),
}  # fmt: skip

# Kinds that only a body of JSON provokes.
IN_JSON = {"date_parsing", "datetime_parsing"}

# What the validators that pydantic builds can complain about, by the type of their schema.
KINDS = {
    "any": (),
    "bool": ("bool_type", "bool_parsing"),
    "date": (
        "date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact",
    ),
    "datetime": ("datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
    "decimal": ("decimal_type", "decimal_parsing", "finite_number", "is_instance_of"),
    "dict": ("dict_type",),
    "int": ("int_type", "int_parsing", "int_parsing_size", "int_from_float"),
    "list": ("list_type",),
    "literal": ("literal_error",),
    "model": ("model_type",),
    "model-fields": ("missing", "extra_forbidden"),
    "none": ("none_required",),
    "str": ("string_type", "string_unicode"),
    "uuid": ("uuid_type", "uuid_parsing"),
}  # fmt: skip
CONSTRAINTS = {
    "ge": "greater_than_equal",
    "gt": "greater_than",
    "le": "less_than_equal",
    "lt": "less_than",
    "max_digits": "decimal_max_digits",
    "decimal_places": "decimal_max_places",
    "pattern": "string_pattern_mismatch",
}
# These hold other schemas, and have no words of their own.
AROUND = {
    "default", "definitions", "definition-ref", "function-after", "function-before",
    "function-plain", "model-field", "nullable", "computed-field", "json-or-python", "chain",
    "lax-or-strict", "is-instance", "function-wrap", "model_field",
}  # fmt: skip


def nodes(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for name, below in schema.items():
            if name not in (
                "metadata",
                "serialization",
                "config",
                "default",
                "expected",
                "function",
            ):
                yield from nodes(below)
    elif isinstance(schema, list | tuple):
        for below in schema:
            yield from nodes(below)


def kinds_of(node):
    kind = node["type"]
    if kind in AROUND:
        return {"value_error"} if kind.startswith("function") else set()
    assert kind in KINDS, f"say what a {kind} can complain about, and in which words"
    found = {name for constraint, name in CONSTRAINTS.items() if constraint in node}
    if "min_length" in node or "max_length" in node:
        found |= {"string_too_long", "string_too_short"} if kind == "str" else {"too_long"}
    return found | set(KINDS[kind])


def requests():
    yield from (action.request for action in (*ACTIONS, *OPERATIONS) if action.request)
    yield from (CartCheckRequest, OfferQuery)


def error_of(kind):
    type_, value, _ = PROVOKED[kind]
    adapter = TypeAdapter(type_)
    read = adapter.validate_json if kind in IN_JSON else adapter.validate_python
    with pytest.raises(ValidationError) as raised:
        read(value)
    return raised.value


def test_each_kind_of_error_that_a_request_can_cause_has_a_sentence():
    for model in requests():
        for node in nodes(model.__pydantic_core_schema__):
            assert kinds_of(node) <= set(SENTENCES), (model.__name__, node)


def test_no_member_of_a_union_is_named_in_a_path():
    # A union that a request can fail in several ways would be told of once for each member.
    for model in requests():
        for node in nodes(model.__pydantic_core_schema__):
            assert node["type"] not in ("union", "tagged-union"), model.__name__


@pytest.mark.parametrize("kind", [kind for kind in SENTENCES if kind != "model_attributes_type"])
def test_the_sentence_is_ours(kind):
    error = error_of(kind)
    (details,) = error.errors()
    assert details["type"] == kind
    (sentence,) = sentences(error)
    assert PROVOKED[kind][2] in sentence
    assert details["msg"] not in sentence or kind == "value_error"
    assert "{" not in sentence


def test_every_sentence_is_provoked():
    assert set(PROVOKED) | {"model_attributes_type"} == set(SENTENCES)


def test_a_kind_without_a_sentence_is_no_fault():
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Annotated[str, Field(pattern="^a$")]).validate_python("b")
    assert sentences(raised.value, under=("name",)) == ["name is not acceptable"]


def test_a_name_in_an_object_is_named_as_it_was_sent():
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(dict[Annotated[str, Field(min_length=1)], int]).validate_python({"": 1})
    (sentence,) = sentences(raised.value, under=("texts",))
    assert sentence == 'texts."" must be at least 1 characters long'


@pytest.mark.parametrize("body", [b"{", b'{"a" 1}', b'{"a": tru}', b"{'a': 1}", b'{"a": 1,}'])
def test_of_unreadable_json_the_place_is_told(body):
    with pytest.raises(Problem) as raised:
        read_body(Inner, body)
    (sentence,) = raised.value.messages
    assert sentence.startswith("the body is not valid JSON at line 1 column ")
