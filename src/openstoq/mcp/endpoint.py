"""The HTTP endpoint of MCP, which admits callers and leaves the protocol to the SDK."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from openstoq.actions.action import READ_COST, WRITE_COST, Action
from openstoq.actions.admission import PointsSpent, admit
from openstoq.actions.help import BASE_PATH
from openstoq.actions.validation import MOST_NAMES, check_size
from openstoq.errors import BadRequest, Problem, Unauthorized
from openstoq.jobs.work import Runtime
from openstoq.mcp.server import make_server
from openstoq.shops.keys import is_key, key_in

PATHS = (f"{BASE_PATH}/mcp", "/mcp")
_LONGEST_NAME = 255
_AT_MOST = f" of at most {_LONGEST_NAME} characters"
_UNREADABLE = object()


class Endpoint:
    """The MCP endpoint: streamable HTTP without sessions, so any process can answer any request."""

    def __init__(self, runtime: Runtime, actions: Sequence[Action]) -> None:
        self.runtime = runtime
        self._server = make_server(runtime, actions)
        self._writes = frozenset(action.tool for action in actions if action.writes)
        self._sessions: StreamableHTTPSessionManager | None = None

    @property
    def routes(self) -> list[Route]:
        """The routes of the endpoint."""
        return [Route(path, self) for path in PATHS]

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve requests while the block runs, from the application's startup to its shutdown."""
        # The SDK's check of Host and Origin protects servers that trust every client. Ours requires
        # a key in a header of every request, which a page cannot send after DNS rebinding.
        self._sessions = StreamableHTTPSessionManager(
            self._server,
            json_response=True,
            stateless=True,
            max_request_body_size=self.runtime.settings.http.max_body_bytes,
        )
        async with self._sessions.run():
            yield
        self._sessions = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one HTTP request, which contains one JSON-RPC message."""
        scope["state"]["face"] = "mcp"
        request = Request(scope, receive)
        if request.method != "POST":
            # There are no sessions to resume or delete, and no stream to listen to.
            status = 204 if request.method == "OPTIONS" else 405
            refused = Response(status_code=status, headers={"Allow": "OPTIONS, POST"})
            await refused(scope, receive, send)
            return
        key = key_in(request.headers)
        # The body is read only if the key could be valid; `admit` refuses any other key.
        message = _message(await request.body()) if is_key(key or "") else _UNREADABLE
        try:
            caller = await admit(
                self.runtime,
                key,
                cost=self._cost(message),
                named=[
                    request.headers.get("x-shopify-shop-domain"),
                    *request.query_params.getlist("shop"),
                ],
            )
        except (BadRequest, Unauthorized, PointsSpent) as problem:
            await _refused(problem, message)(scope, receive, send)
            return
        request.state.caller, request.state.points = caller, caller.points
        unfit = _unfit(message)
        if unfit is not None:
            await _error(400, *unfit, message)(scope, receive, send)
            return
        # The SDK gets the message as it was checked here. It might parse the original bytes
        # differently.
        await self._serve(scope, orjson.dumps(message), receive, send)

    async def _serve(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        if self._sessions is None:
            raise RuntimeError("the MCP endpoint's run() must be among the application's services")
        headers = MutableHeaders(scope=scope)
        # The body is known to be JSON. The SDK would refuse `curl -d`, which declares it as a form.
        headers["content-type"] = "application/json"
        headers.setdefault("accept", "application/json")
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return unread.pop() if unread else await receive()

        await self._sessions.handle_request(scope, replayed, send)

    def _cost(self, message: Any) -> int:
        if _unfit(message) is not None:
            return WRITE_COST
        is_write = message["method"] == "tools/call" and message["params"]["name"] in self._writes
        return WRITE_COST if is_write else READ_COST


def _message(body: bytes) -> Any:
    """Return the body parsed as strict JSON; if a name is repeated, its last value counts.

    Returns _UNREADABLE if the body has too many names or cannot be parsed.
    """
    try:
        check_size(body)
        return orjson.loads(body)
    except (BadRequest, orjson.JSONDecodeError):
        return _UNREADABLE


def _unfit(message: Any) -> tuple[int, str] | None:  # noqa: PLR0911 - one for each
    """Return an error code and sentence if a message is not valid JSON-RPC, else None."""
    if message is _UNREADABLE:
        return PARSE_ERROR, f"the body is not JSON in UTF-8 of at most {MOST_NAMES} names"
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return INVALID_REQUEST, 'send one JSON object, with jsonrpc: "2.0"; batches are not taken'
    if not _is_name(message.get("method")):
        return INVALID_REQUEST, f"method must be a string{_AT_MOST}"
    if "id" in message and not _is_id(message["id"]):
        return INVALID_REQUEST, f"id must be an integer or a string{_AT_MOST}"
    params = message.get("params") or {}
    if not isinstance(params, dict):
        return INVALID_REQUEST, "params must be an object"
    if message["method"] == "tools/call" and not _is_name(params.get("name")):
        return INVALID_PARAMS, f"params.name must be a string{_AT_MOST}"
    return None


def _is_name(value: Any) -> bool:
    # The response repeats the name, so a long name would make the response large.
    return isinstance(value, str) and len(value) <= _LONGEST_NAME


def _is_id(value: Any) -> bool:
    return _is_name(value) or (isinstance(value, int) and not isinstance(value, bool))


def _refused(problem: Problem, message: Any) -> Response:
    """Return a response that has both an HTTP status and a JSON-RPC error.

    Some clients look only at one of the two.
    """
    headers: Mapping[str, str] = {}
    if isinstance(problem, PointsSpent):
        headers = problem.points.headers
    elif isinstance(problem, Unauthorized):
        headers = {"WWW-Authenticate": 'Bearer realm="openstoq"'}
    return _error(problem.status, INVALID_REQUEST, problem.messages[0], message, headers)


def _error(
    status: int, code: int, sentence: str, message: Any, headers: Mapping[str, str] | None = None
) -> Response:
    asked_by = message.get("id") if isinstance(message, dict) else None
    content = {
        "jsonrpc": "2.0",
        "id": asked_by if _is_id(asked_by) else None,
        "error": {"code": code, "message": sentence},
    }
    return Response(orjson.dumps(content), status, headers, "application/json")
