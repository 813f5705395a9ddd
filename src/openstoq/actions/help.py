"""The /help manifest, generated from the registry of actions."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from openstoq.actions.action import Action

BASE_PATH = "/api/v2/external"


def manifest(actions: Iterable[Action], *, prefix: str = "") -> dict[str, Any]:
    """Return the manifest of the actions at the path `prefix` and below, in the registry's order.

    A segment of `prefix` also matches a path parameter. An agent can therefore ask for help at the
    very URL that it has, with ids in it. A fixed segment that matches takes precedence over a
    parameter, as it does when a request is routed.
    """
    wanted = [segment for segment in prefix.split("/") if segment]
    return {
        "version": "v2",
        "base_path": BASE_PATH,
        "actions": [entry(action) for action in _below(list(actions), wanted)],
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
    described["request_schema"] = action.request_schema
    if action.note:
        described["notes"] = action.note
    return described


def _below(actions: Sequence[Action], wanted: Sequence[str], depth: int = 0) -> list[Action]:
    """Return the actions whose paths, from the segment number `depth` on, match `wanted`."""
    if depth == len(wanted):
        return list(actions)
    at_depth = [(_segment(action.path, depth), action) for action in actions]
    fixed = [action for segment, action in at_depth if segment == wanted[depth]]
    found = _below(fixed, wanted, depth + 1) if fixed else []
    if found:
        return found
    parameters = [action for segment, action in at_depth if segment.startswith("{")]
    return _below(parameters, wanted, depth + 1) if parameters else []


def _segment(path: str, depth: int) -> str:
    segments = path.strip("/").split("/")
    return segments[depth] if depth < len(segments) else ""
