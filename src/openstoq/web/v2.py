"""API v2: every action of the registry at its method and path, and /help at every level."""

from collections.abc import Sequence
from functools import cache, cached_property

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from openstoq.actions import openapi
from openstoq.actions.action import READ_COST, WRITE_COST, Action
from openstoq.actions.admission import admit
from openstoq.actions.context import Caller
from openstoq.actions.dispatch import Call, dispatch
from openstoq.actions.help import BASE_PATH, Level, levels_of, manifest, segments_in
from openstoq.errors import Invalid, NotFound, Problem
from openstoq.jobs.work import Runtime
from openstoq.shops.keys import key_in
from openstoq.web import responses
from openstoq.web.requests import dry_run_of, json_body_of, query_of, segments_of, shops_of
from openstoq.web.routing import RoutingTable
from openstoq.web.static import StaticDocument

HELP = "help"
_OPENAPI = "openapi.json"
_LONGEST_ECHOED_PATH = 300


def routes(face: "Face") -> list[Route]:
    """Return the routes of v2: the OpenAPI document, which is public, and the actions."""
    return [
        Route(f"/{_OPENAPI}", face.openapi),
        Route(f"{BASE_PATH}/{_OPENAPI}", face.openapi),
        Route(BASE_PATH, face),
        Route(BASE_PATH + "/{path:path}", face),
    ]


class Face:
    """The ASGI application that serves v2 below the base path."""

    def __init__(self, runtime: Runtime, actions: Sequence[Action]) -> None:
        self.runtime = runtime
        self.actions = actions
        self.table = RoutingTable(actions)

    def prepare(self) -> None:
        """Make the documents that describe the API now, so that no request has to wait for them."""
        _ = self._described, self._help

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request; a problem is reported in the API's error envelope."""
        scope["state"]["face"] = "v2"
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except _NoSuchAction as unknown:
            response = responses.problem(unknown)
            if unknown.methods:
                # The reference documents 404 here, even if the path has other methods.
                response.headers["Allow"] = ", ".join(unknown.methods)
        except Problem as problem:
            response = responses.problem(problem)
        if request.method == "HEAD":
            # A HEAD has the headers of the GET, including the length of its body.
            response.body = b""
        await response(scope, receive, send)

    async def openapi(self, request: Request) -> Response:
        """Respond with the OpenAPI document."""
        request.state.face = "v2"
        return self._described.answer(request)

    async def _answer(self, request: Request) -> Response:
        segments = segments_of(request.scope, BASE_PATH)
        if request.method == "OPTIONS":
            return self._options(request, segments)
        reads = request.method in ("GET", "HEAD")
        caller = await admit(
            self.runtime,
            key_in(request.headers),
            cost=READ_COST if reads else WRITE_COST,
            named=shops_of(request),
        )
        request.state.points = caller.points
        if segments is None:
            raise _NoSuchAction(request, [])
        if reads and segments and segments[-1] == HELP:
            return self._helped(request, segments[:-1])
        found = self.table.find("GET" if reads else request.method, segments)
        if found is None:
            raise _NoSuchAction(request, self._methods(segments))
        return await self._run(request, caller, *found)

    async def _run(
        self, request: Request, caller: Caller, action: Action, path: dict[str, str]
    ) -> Response:
        request.state.action = action.name
        writes = action.writes
        call = Call(
            action=action,
            caller=caller,
            path=path,
            face="v2",
            sent=await json_body_of(request)
            if writes
            else query_of(request.scope, lists=_list_fields(action)),
            request_id=request.state.request_id,
            idempotency_key=request.headers.get("idempotency-key") if writes else None,
            dry_run=writes and dry_run_of(request.scope),
        )
        answer = await dispatch(self.runtime, call)
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        return responses.json_bytes(answer.body, answer.status, headers)

    def _helped(self, request: Request, level: list[str]) -> Response:
        request.state.action = HELP
        values = query_of(request.scope)
        prefix = str(values.pop("prefix", "")).removeprefix(BASE_PATH)
        if values:
            raise Invalid(*(f"{name} is not a known field" for name in values))
        return self._help.at(segments_in("/".join([*level, prefix]))).answer(request)

    def _options(self, request: Request, segments: list[str] | None) -> Response:
        methods = self._methods(segments) if segments is not None else []
        if not methods:
            raise _NoSuchAction(request, [])
        return Response(status_code=204, headers={"Allow": ", ".join(methods)})

    def _methods(self, segments: list[str]) -> list[str]:
        methods = self.table.methods(segments)
        readable = segments == [_OPENAPI] or segments[-1:] == [HELP]
        if readable and "GET" not in methods:
            methods = ["GET", *methods]
        reading = ["HEAD"] if "GET" in methods else []
        return [*methods, *reading, "OPTIONS"] if methods else []

    @cached_property
    def _described(self) -> StaticDocument:
        server = self.runtime.settings.http.public_url.rstrip("/")
        described = openapi.document(self.actions, server=server)
        return StaticDocument(orjson.dumps(described), public=True)

    @cached_property
    def _help(self) -> "_HelpPages":
        return _HelpPages(self.actions)


class _HelpPages:
    """The pages of /help: one for each level, and one for paths without any action."""

    def __init__(self, actions: Sequence[Action]) -> None:
        self._levels = levels_of(actions)
        self._nothing = _help_page(())
        self._pages: dict[Level, StaticDocument] = {}
        pages: dict[tuple[str, ...], StaticDocument] = {}
        for level in self._levels:
            names = tuple(action.name for action in level.actions)
            # Levels with the same actions, such as a path and the only one below it, share a page.
            if names not in pages:
                pages[names] = _help_page(level.actions)
            self._pages[level] = pages[names]

    def at(self, segments: Sequence[str]) -> StaticDocument:
        """Return the page about the actions at a path and below."""
        level = self._levels.find(segments)
        return self._nothing if level is None else self._pages[level]


def _help_page(actions: Sequence[Action]) -> StaticDocument:
    return StaticDocument(orjson.dumps(manifest(actions)), public=False)


class _NoSuchAction(NotFound):
    """No action has this method and path; `methods` are those that the path supports."""

    def __init__(self, request: Request, methods: list[str]) -> None:
        path = request.scope["path"].removeprefix(BASE_PATH)[:_LONGEST_ECHOED_PATH] or "/"
        super().__init__(f"No v2 action registered for {request.method} {path}")
        self.methods = methods


@cache
def _list_fields(action: Action) -> frozenset[str]:
    """Return the query fields of an action that accept several values."""
    return frozenset(
        name
        for name, schema in action.request_schema.get("properties", {}).items()
        if any(option.get("type") == "array" for option in (schema, *schema.get("anyOf", ())))
    )
