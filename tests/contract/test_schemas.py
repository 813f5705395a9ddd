"""What a request schema says of a request, and what reading the request says: the same."""

from itertools import product

import jsonschema
import pytest

from openstoq.actions import openapi
from openstoq.actions.action import declared
from openstoq.actions.context import Context
from openstoq.actions.requirements import AnyOf, Needed, Unwanted
from openstoq.errors import Invalid
from openstoq.mcp.tools import input_schema, tool
from openstoq.registry import ACTIONS
from tests.contract.requests import NOBODYS, content, every_action
from tests.factories.schemas import example, options, places, with_value

WRITES = [action for action in ACTIONS if action.writes]
SOME_OF_EACH = (None, True, False, 7, -7, 1.5, "nope", [], [1], ["nope"], {}, {"nope": 1})


def validator(schema):
    return jsonschema.Draft202012Validator(schema)


def problems_of(action, body):
    """The sentences about a request; none if it is read."""
    try:
        action.read(content(body) if action.writes else body)
    except Invalid as invalid:
        return invalid.messages
    return []


def minimal(action):
    """The smallest bodies that fit the schema, one for each value of what is required."""
    schema = action.request_schema
    properties = schema.get("properties", {})
    choices = {}
    for name in schema.get("required", ()):
        if name == "translations":
            choices[name] = [{"widget.badge.text": "x"}]
            continue
        (option, *_) = options(properties[name], schema)
        choices[name] = option.get("enum") or [example(properties[name], schema, NOBODYS)]
    for values in product(*choices.values()):
        yield from completed(action, dict(zip(choices, values, strict=True)))


def completed(action, body):
    """The body with what its own values make required, in each way that the schema allows."""
    schema = action.request_schema
    ways = [body]
    for rule in schema.get("allOf", ()):
        if "if" in rule:
            needed = [rule["then"]] if validator(rule["if"]).is_valid(body) else []
        else:
            needed = rule["anyOf"]
        added = [way | filled(schema, one) for one in needed for way in ways]
        ways = added or ways
    return ways


def filled(schema, rule):
    return {
        name: example(schema["properties"][name], schema, NOBODYS)
        for name in rule.get("required", ())
    }


def is_described(option):
    """Whether the schema only describes what the text in it must look like."""
    said = option.get("description", "")
    return "format" in option or "const" in option or "RFC 3339" in said


# In a query a number is a text, and a date has a form that its schema can only describe.
DAYS = {"from": "2026-06-01", "to": "2026-06-30", "start": "2026-06-01T00:00:00Z"}
DAYS |= {"end": "2026-06-30T00:00:00Z", "date": "2026-06-01T00:00:00Z"}


def dated(body):
    return body | {name: value for name, value in DAYS.items() if name in body}


@every_action
def test_what_is_required_is_enough(action):
    for body in minimal(action):
        assert validator(action.request_schema).is_valid(body), body
        assert problems_of(action, dated(body)) == [], body


@every_action
def test_each_part_of_what_is_required_is_missed(action):
    schema = action.request_schema
    for body in minimal(action):
        for name in body:
            less = {key: value for key, value in dated(body).items() if key != name}
            refused = problems_of(action, less)
            assert refused, less
            assert not validator(schema).is_valid(less), less
            assert any(name in sentence for sentence in refused), refused


@every_action
def test_what_the_schema_requires_is_all_that_is_required(action):
    missing = {
        sentence.partition(" ")[0]
        for sentence in problems_of(action, {})
        if sentence.endswith(" is required")
    }
    assert missing == set(action.request_schema.get("required", ()))


@pytest.mark.parametrize("action", WRITES, ids=lambda action: action.name)
def test_a_value_of_another_type_is_refused_by_its_name(action):
    schema = action.request_schema
    # What several fields must have together is not said of the type of one.
    together = {rule.sentence for rule in action.requires}
    kinds = {}
    for path, option in places(schema, schema):
        kinds.setdefault(path, []).append(option)
    for path, allowed in kinds.items():
        here = validator({"$defs": schema.get("$defs", {}), "anyOf": allowed})
        field = ".".join(map(str, path))
        for value in SOME_OF_EACH:
            sentences = [
                one for one in problems_of(action, with_value(path, value)) if one not in together
            ]
            about = [one for one in sentences if one.startswith((f"{field} ", f"{field}."))]
            if not here.is_valid(value):
                assert about, (path, value, sentences)
            elif not any(is_described(one) for one in allowed):
                assert not [one for one in about if one.startswith(f"{field} ")], (value, about)


@every_action
def test_a_query_of_another_type_is_refused_by_its_name(action):
    schema = action.request_schema
    for name, below in {} if action.writes else schema.get("properties", {}).items():
        kinds = {option.get("type") for option in options(below, schema)}
        is_text = any(
            option.get("type") == "string"
            and not {"enum", "const", "format", "pattern", "description"} & set(option)
            for option in options(below, schema)
        )
        wrong = ["nope"] if "array" in kinds else "nope"
        refused = problems_of(action, {name: wrong})
        if is_text:
            assert refused == []
        else:
            assert any(sentence.startswith(name) for sentence in refused), (name, refused)


@every_action
def test_no_default_is_said_of_what_stays_as_it_is(action):
    if action.partial:
        schema = action.request_schema
        for definition in (schema, *schema.get("$defs", {}).values()):
            for name, below in definition.get("properties", {}).items():
                if name != "confirm" and "default" in below:
                    # A block that is left out is as null as one that is sent as null.
                    assert name in ("all", "collection", "custom")


def test_an_agents_tools_have_no_combination_at_the_top():
    for action in ACTIONS:
        assert not {"allOf", "anyOf", "oneOf", "if", "not"} & set(input_schema(action))


def test_an_agents_tools_say_in_words_what_the_schema_of_a_request_combines():
    with_rules = [action for action in ACTIONS if action.requires]
    assert with_rules
    for action in with_rules:
        assert len(action.request_schema["allOf"]) == len(action.requires)
        lines = tool(action).description.splitlines()
        assert {f"{rule.sentence}." for rule in action.requires} <= set(lines), action.name


async def answer(_: Context, *, kind: str | None = None, value: int | None = None) -> None:
    """Answer."""


@pytest.mark.parametrize(
    ("rules", "needs_a_body"),
    [
        ((), False),
        ((Needed("value", "value is required", when="kind", values=("a",)),), False),
        ((Unwanted("value", "value must be left out", when="kind", values=("a",)),), False),
        ((AnyOf(("kind", "value"), "kind or value is required"),), True),
    ],
)
def test_a_body_is_required_where_a_request_without_one_is_refused(rules, needs_a_body):
    action = declared(
        answer, name="x.answer", method="POST", path="/x/answer", status=202, requires=rules
    )
    document = openapi.document([action], server="http://shop.test")
    body = document["paths"]["/x/answer"]["post"]["requestBody"]
    assert body["required"] == needs_a_body == bool(problems_of(action, {}))


def test_the_openapi_document_requires_the_bodies_that_are_required():
    document = openapi.document(WRITES, server="http://shop.test")
    for action in WRITES:
        body = document["paths"][action.path][action.method.lower()].get("requestBody")
        assert (body or {"required": False})["required"] == bool(problems_of(action, {}))
