"""What API v1's reference says of a body, compared with the body."""

from collections.abc import Iterator
from typing import Any

from tests.facts.load import v1_models

MODELS = v1_models()
# The example of every answer shows it as null, though the model does not say so.
MODELS["Intent"]["phone"]["type"] = "string?"
META = {name: {"type": "integer"} for name in ("total_count", "page", "per_page", "total_pages")}

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
# The plan's description names its market configuration, which the model leaves out.
MORE = {"markets_enabled", "shopify_market_ids", "auto_collect_payment"}


def differences(
    value: Any,
    fields: dict[str, Any],
    *,
    more: frozenset[str] | set[str] = frozenset(),
    at: str = "",
) -> Iterator[str]:
    """Yield what is wrong with an object: its names, the types of its values, and nulls."""
    for name in fields.keys() ^ value.keys():
        if name not in more:
            yield f"{at}{name} is {'missing' if name in fields else 'not documented'}"
    for name in fields.keys() & value.keys():
        yield from _differences(value[name], fields[name], f"{at}{name}")


def _differences(value: Any, field: dict[str, Any], at: str) -> Iterator[str]:
    kind = field["type"]
    if value is None:
        if not kind.endswith("?"):
            yield f"{at} is null"
        return
    types = _TYPES[kind.removesuffix("?")]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        yield f"{at} is {value!r}, not of the type {kind}"
    elif "fields" in field:
        for each in value if isinstance(value, list) else [value]:
            yield from differences(each, field["fields"], at=f"{at}.")


def shape(value: Any) -> dict[str, Any]:
    """Return the fields of an example, of which no value is null."""
    names = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}
    return {
        name: {"type": names[type(one)]}
        | ({"fields": shape(one)} if isinstance(one, dict) else {})
        | ({"fields": shape(one[0])} if isinstance(one, list) and isinstance(one[0], dict) else {})
        for name, one in value.items()
    }
