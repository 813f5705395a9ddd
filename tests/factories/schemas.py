"""Walking JSON Schemas: every place in a request, and values that fit or do not."""

from collections.abc import Iterator
from typing import Any

WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**63, 2**200, 10**400, "", "x", "1", "2026-13-45", "0001-01-01",
    "9999-12-31T23:59:59+23:59", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
    "gid://shopify/Product/0", "a\x00b", "x" * 100_000, "-0", "1e999",
    [], [None], [[]], [{}], ["x"] * 2000, {}, {"": None}, {"nope": 1}, {"a\x00": 1},
)  # fmt: skip


def resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Follow a $ref within the document."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def options(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a schema; itself where there are none."""
    schema = resolved(schema, root)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if not choices:
        return [schema]
    return [option for choice in choices for option in options(choice, root)]


def places(
    schema: dict[str, Any], root: dict[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every place where a value may stand, with its schema, one level of lists deep."""
    for option in options(schema, root):
        if path:
            yield path, option
        for name, below in option.get("properties", {}).items():
            yield from places(below, root, (*path, name))
        if "items" in option and 0 not in path:
            yield from places(option["items"], root, (*path, 0))


def with_value(path: tuple[str | int, ...], value: Any) -> Any:
    """The smallest request that has `value` at `path`."""
    for part in reversed(path):
        value = {part: value} if isinstance(part, str) else [value]
    return value


def example(schema: dict[str, Any], root: dict[str, Any], identifier: str) -> Any:
    """A small value that fits: what is required, and nothing else; ids of ours are `identifier`."""
    option = options(schema, root)[0]
    if "enum" in option:
        return option["enum"][0]
    if option.get("format") == "uuid":
        return identifier
    kind = option.get("type")
    if kind == "null":
        return None
    if kind == "object":
        needed = option.get("required", ())
        return {name: example(option["properties"][name], root, identifier) for name in needed}
    if kind == "array":
        return [example(option["items"], root, identifier)] * max(1, option.get("minItems", 1))
    plain = {
        "integer": option.get("minimum", 1),
        "number": option.get("minimum", 1),
        "boolean": True,
    }
    return plain.get(str(kind), option.get("const", "x" * option.get("minLength", 1)))
