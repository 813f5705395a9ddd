"""Routing: find a request's route and action, and reduce its path to what may be logged."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.routing import Match, Route, Router
from starlette.types import Receive, Scope, Send

from openstoq.actions.action import Action

HIDDEN = "…"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.json)?", re.IGNORECASE)
_MOST_SHOWN = 12

Found: TypeAlias = tuple[Action, dict[str, str]]


@dataclass(slots=True)
class _Node:
    fixed: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    actions: dict[str, Action] = field(default_factory=dict)


def words_of(paths: Iterable[str]) -> frozenset[str]:
    """Return the fixed segments of these paths, as opposed to their parameters."""
    return frozenset(segment for path in paths for segment in path.split("/") if "{" not in segment)


def loggable(path: str, words: frozenset[str]) -> str:
    """Return a path with every segment masked except our own words and ids.

    Any other segment may be a link's token, or a key or contact that was put there by mistake.
    """
    segments = path.split("/")
    shown = [
        segment if segment in words or _ID.fullmatch(segment) else HIDDEN
        for segment in segments[:_MOST_SHOWN]
    ]
    return "/".join([*shown, HIDDEN] if len(segments) > _MOST_SHOWN else shown)


class IndexedRouter(Router):
    """A router that tries only the routes that can match a request's path.

    Starlette's router tries a hundred routes one after the other, which takes longer than most of
    the other work on a request. Both routers pass a request to the first route that matches it. If
    none does, they pass it to the first route that matches its path but not its method. Only
    Starlette's router redirects a path because of its final slash. Here, a path that no route
    matches is not found.
    """

    def __init__(self, routes: Sequence[Route], **options: Any) -> None:
        super().__init__(routes, **options)
        paths = {route.path for route in routes if "{" not in route.path}
        self._at = {
            path: [route for route in routes if route.path_regex.match(path)] for path in paths
        }
        self._patterns = [
            (route.path.partition("{")[0], route) for route in routes if "{" in route.path
        ]

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to its route."""
        if scope["type"] != "http":
            await super().app(scope, receive, send)
            return
        scope["router"] = self
        found = self._find(scope)
        if found is None:
            await self.default(scope, receive, send)
            return
        route, values = found
        scope.update(values, route=route)
        await route.handle(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[Route, Scope] | None:
        by_path = None
        for route in self._candidates(scope["path"]):
            match, values = route.matches(scope)
            if match is Match.FULL:
                return route, values
            if match is Match.PARTIAL and by_path is None:
                by_path = route, values
        return by_path

    def _candidates(self, path: str) -> Iterable[Route]:
        at = self._at.get(path)
        if at is not None:
            return at
        return (route for start, route in self._patterns if path.startswith(start))


class RoutingTable:
    """The actions by path, as a tree of segments; a fixed segment wins over a parameter."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._root = _Node()
        for action in actions:
            self._add(action)

    def find(self, method: str, segments: Sequence[str]) -> Found | None:
        """Return the action for a method and a path, with the values of the path's parameters.

        Returns None if no action has this method and path.
        """
        found = _find(self._root, method, segments, ())
        if found is None:
            return None
        action, values = found
        return action, dict(zip(action.path_params, values, strict=True))

    def methods(self, segments: Sequence[str]) -> list[str]:
        """Return the methods that have an action at this path."""
        every = ("GET", "POST", "PATCH", "PUT", "DELETE")
        return [method for method in every if self.find(method, segments) is not None]

    def _add(self, action: Action) -> None:
        node = self._root
        for segment in action.path.strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.fixed.setdefault(segment, _Node())
        if node.actions.setdefault(action.method, action) is not action:
            raise ValueError(f"two actions answer {action.method} {action.path}")


def _find(
    node: _Node, method: str, rest: Sequence[str], values: tuple[str, ...]
) -> tuple[Action, tuple[str, ...]] | None:
    if not rest:
        action = node.actions.get(method)
        return None if action is None else (action, values)
    segment, below = rest[0], rest[1:]
    fixed = node.fixed.get(segment)
    if fixed is not None:
        found = _find(fixed, method, below, values)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        return _find(node.parameter, method, below, (*values, segment))
    return None
