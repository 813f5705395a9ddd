"""The /help manifest, generated from the registry of actions."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from openstoq.actions.action import Action
from openstoq.actions.validation import EmptyRequest

BASE_PATH = "/api/v2/external"


def manifest(actions: Iterable[Action], *, prefix: str = "") -> dict[str, Any]:
    """Return the manifest of the actions at the path `prefix` and below, in the registry's order.

    A path parameter matches any segment of the prefix. So an agent can request help for the very
    URL that it has, ids included.
    """
    wanted = [segment for segment in prefix.split("/") if segment]
    return {
        "version": "v2",
        "base_path": BASE_PATH,
        "actions": [entry(action) for action in actions if _is_below(action.path, wanted)],
    }


@cache
def entry(action: Action) -> dict[str, Any]:
    """Return the cached description of one action; callers must not change it."""
    described: dict[str, Any] = {
        "name": action.name,
        "method": action.method,
        "path": action.path.replace("{", ":").replace("}", ""),
        "description": action.summary,
        "aliases": list(action.aliases),
    }
    if action.path_params:
        described["path_params"] = list(action.path_params)
    described["request_schema"] = request_schema(action)
    if action.note:
        described["notes"] = action.note
    return described


def request_schema(action: Action) -> dict[str, Any]:
    """Return the JSON Schema of an action's request, which is a body or a query."""
    return (action.request or EmptyRequest).model_json_schema()


def _is_below(path: str, wanted: Sequence[str]) -> bool:
    segments = path.strip("/").split("/")
    return len(segments) >= len(wanted) and all(
        segment == asked or segment.startswith("{")
        for segment, asked in zip(segments, wanted, strict=False)
    )
