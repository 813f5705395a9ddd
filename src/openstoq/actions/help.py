"""The /help manifest, in which the registry describes itself."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from openstoq.actions.action import Action
from openstoq.actions.validation import EmptyRequest

BASE_PATH = "/api/v2/external"


def manifest(actions: Iterable[Action], *, prefix: str = "") -> dict[str, Any]:
    """Describe the actions at `prefix` and below, in the registry's order.

    A segment of the prefix also matches a parameter of a path. So an agent can ask for help at the
    very URL that it has.
    """
    wanted = [segment for segment in prefix.split("/") if segment]
    return {
        "version": "v2",
        "base_path": BASE_PATH,
        "actions": [entry(action) for action in actions if _is_below(action.path, wanted)],
    }


@cache
def entry(action: Action) -> dict[str, Any]:
    """Describe one action; the description is shared, so a caller must not change it."""
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
    """Return the JSON Schema against which an action's request, a body or a query, is validated."""
    return (action.request or EmptyRequest).model_json_schema()


def _is_below(path: str, wanted: Sequence[str]) -> bool:
    segments = path.strip("/").split("/")
    return len(segments) >= len(wanted) and all(
        segment == asked or segment.startswith("{")
        for segment, asked in zip(segments, wanted, strict=False)
    )
