"""Tools: describe each action as an MCP tool, and turn the arguments of a tool into a call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_types import Tool, ToolAnnotations

from openstoq.actions.action import Action
from openstoq.errors import Invalid

_OPTIONS: dict[str, dict[str, Any]] = {
    "dry_run": {
        "type": "boolean",
        "default": False,
        "description": "Answer as if it were done, list its effects, and change nothing.",
    },
    "idempotency_key": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "description": "The same key and request get the same answer for 24 hours.",
    },
}


@dataclass(frozen=True, slots=True)
class Arguments:
    """A tool's arguments, split into the parts of a call to the action."""

    path: dict[str, str]
    sent: bytes | Mapping[str, Any]
    dry_run: bool
    idempotency_key: str | None


def tool(action: Action) -> Tool:
    """Return the MCP tool that describes an action."""
    return Tool(
        name=action.tool,
        description=_description(action),
        input_schema=input_schema(action),
        annotations=ToolAnnotations(
            read_only_hint=not action.writes,
            destructive_hint=action.destructive,
            # Repeating a PATCH changes nothing further; repeating a POST may send a mail again.
            idempotent_hint=action.method != "POST",
            open_world_hint=False,
        ),
    )


def _description(action: Action) -> str:
    rules = "\n".join(dict.fromkeys(f"{one.sentence}." for one in action.requires))
    return "\n\n".join(part for part in (action.summary, action.note, rules) if part)


def input_schema(action: Action) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments.

    It has the fields of the action's request, the parameters of its path, and, for a write, the
    options of a write.
    """
    # Clients of language models refuse a schema with a combination such as allOf at its top; the
    # tool's description has each of its rules in words.
    schema = {name: part for name, part in action.request_schema.items() if name != "allOf"}
    path = {name: {"type": "string"} for name in action.path_params}
    options = _OPTIONS if action.writes else {}
    return {
        **schema,
        "type": "object",
        "properties": {**path, **schema.get("properties", {}), **options},
        "required": [*path, *schema.get("required", ())],
    }


def split_arguments(action: Action, given: Mapping[str, Any]) -> Arguments:
    """Split a tool's arguments into path, request and options; raise Invalid with every problem."""
    rest, problems = dict(given), []
    path: dict[str, str] = {}
    for name in action.path_params:
        value = rest.pop(name, None)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            problems.append(f"{name} is required and must be a string")
        elif "\x00" in str(value):
            problems.append(f"{name} must not contain NUL characters")
        else:
            path[name] = str(value)
    dry_run: Any = False
    key: Any = None
    if action.writes:
        dry_run, key = rest.pop("dry_run", False), rest.pop("idempotency_key", None)
        if not isinstance(dry_run, bool):
            problems.append("dry_run must be true or false")
        if key is not None and not isinstance(key, str):
            problems.append("idempotency_key must be a string")
    try:
        # Python parses some values leniently that are not JSON, such as NaN or a lone surrogate.
        body = json.dumps(rest, allow_nan=False, ensure_ascii=False).encode()
        "".join([*path.values(), str(key)]).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise Invalid("the arguments must be JSON in valid UTF-8, without NaN") from error
    if problems:
        raise Invalid(*problems)
    return Arguments(path, body if action.writes else rest, dry_run, key)
