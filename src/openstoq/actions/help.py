"""The /help manifest, generated from the registry of actions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from openstoq.actions.action import Action

BASE_PATH = "/api/v2/external"


@dataclass(slots=True, eq=False)
class Level:
    """A node in the tree of paths, with all actions at its path and at the paths below it.

    The actions are in the order of the registry. When a path is looked up, an id in it matches a
    path parameter, so an agent can ask for help at a URL that it has just used. A fixed segment
    takes precedence over a parameter, as it does when a request is routed.
    """

    actions: list[Action] = field(default_factory=list)
    _fixed: dict[str, "Level"] = field(default_factory=dict)
    _parameter: "Level | None" = None

    def add(self, action: Action) -> None:
        """Add an action to this level, which must be the root, and to each level on its path."""
        level = self
        level.actions.append(action)
        for segment in action.path.strip("/").split("/"):
            level = level._below(segment)
            level.actions.append(action)

    def find(self, segments: Sequence[str]) -> "Level | None":
        """Return the level at a path below this one.

        Returns None if there is no action at that path or below it.
        """
        if not segments:
            return self
        for level in (self._fixed.get(segments[0]), self._parameter):
            found = level.find(segments[1:]) if level is not None else None
            if found is not None:
                return found
        return None

    def __iter__(self) -> Iterator["Level"]:
        yield self
        for level in (*self._fixed.values(), self._parameter):
            if level is not None:
                yield from level

    def _below(self, segment: str) -> "Level":
        if segment.startswith("{"):
            self._parameter = self._parameter or Level()
            return self._parameter
        return self._fixed.setdefault(segment, Level())


def levels_of(actions: Iterable[Action]) -> Level:
    """Return the root of the tree that these actions form."""
    root = Level()
    for action in actions:
        root.add(action)
    return root


def segments_in(path: str) -> list[str]:
    """Return the segments of a path, without those that are empty."""
    return [segment for segment in path.split("/") if segment]


def manifest(actions: Iterable[Action]) -> dict[str, Any]:
    """Return the manifest of these actions."""
    return {
        "version": "v2",
        "base_path": BASE_PATH,
        "actions": [entry(action) for action in actions],
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
