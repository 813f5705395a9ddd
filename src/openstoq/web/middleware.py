"""Middleware: request ids, log lines, metrics, limits on body size, and responses to errors."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from time import perf_counter
from typing import Any

import prometheus_client
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openstoq.actions.unserved import Fault, problem_of
from openstoq.errors import Problem, TooLarge, Unavailable
from openstoq.kernel.addresses import client_of
from openstoq.kernel.ids import new_id
from openstoq.kernel.metrics import REQUEST_SECONDS, REQUESTS
from openstoq.web import responses
from openstoq.web.routing import loggable

log = structlog.get_logger(__name__)

_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_CLIENT_GONE = 499
_SMALL_BODY = 65_536
_LARGE_BODIES = 12
_SHARES = 8
_LONGEST_LENGTH = 19


class RequestMiddleware:
    """Middleware that gives each request an id, log line and metrics, and responds to exceptions.

    Endpoints write `face`, `action` and `points` to `scope["state"]`. The face and the action
    appear in logs and metrics. The points become rate-limit headers of the response, even of an
    error.
    """

    def __init__(self, app: ASGIApp, words: frozenset[str]) -> None:
        self.app = app
        self.words = words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), 0
        request_id = _request_id(scope)
        # The server's own state is shared by all requests, so each gets a copy.
        state: dict[str, Any] = {**scope.get("state", {}), "request_id": request_id}
        scope["state"] = state

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                given = [*message["headers"], *_headers(state)]
                names = {name.lower() for name, _ in given}
                message["headers"] = given + [
                    header for header in responses.PROTECTIVE if header[0] not in names
                ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, answer)
            except ClientDisconnect:
                status = status or _CLIENT_GONE
            except Exception as error:
                problem = _problem(error, request_id)
                if status:
                    # The response has begun, so only breaking it off can show that the request failed.
                    raise
                await responses.problem(problem, scope["path"])(scope, receive, answer)
            finally:
                self._record(scope, state, status, perf_counter() - started)

    def _record(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
        face, action = state.get("face", "other"), state.get("action", "")
        _requests(face, action, status).inc()
        _seconds(face).observe(seconds)
        write = log.debug if face == "health" else log.info
        write(
            "request",
            method=scope["method"],
            path=loggable(scope["path"], self.words),
            status=status,
            milliseconds=round(seconds * 1000, 1),
            face=face,
            action=action,
        )


class BodyLimitMiddleware:
    """Middleware that limits the size of bodies.

    The limit is `most_bytes`, unless `most_bytes_at` has a limit for the request's path. The error
    is raised when the endpoint reads the body, so that each face responds in its own shape. If the
    request announces a length over the limit, the error is raised before any of the body is read.

    Two more limits concern memory: one is on all bodies that are being handled at a time, and one
    on those of a single client. Small bodies are accepted even beyond these two limits.
    """

    def __init__(
        self, app: ASGIApp, most_bytes: int, most_bytes_at: Mapping[str, int] | None = None
    ) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.most_bytes_at = most_bytes_at or {}
        largest = max([most_bytes, *self.most_bytes_at.values()])
        self._most_held = _LARGE_BODIES * largest
        self._most_held_by_client = max(largest, self._most_held // _SHARES)
        self._held = 0
        self._held_by: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; reading its body may raise TooLarge or Unavailable."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most_bytes = self.most_bytes_at.get(scope["path"], self.most_bytes)
        too_large = _announced(scope) > most_bytes
        client = client_of(scope["client"][0]) if scope.get("client") else ""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message: Message = {} if too_large else await receive()
            size = len(message.get("body", b""))
            received += size
            self._hold(client, size)
            if too_large or received > most_bytes:
                raise TooLarge(f"the body is larger than {most_bytes} bytes; send less at once")
            if received > _SMALL_BODY and self._is_full_for(client):
                raise Unavailable("too many large bodies come at once; try again in a few seconds")
            return message

        try:
            await self.app(scope, counted, send)
        finally:
            self._hold(client, -received)

    def _hold(self, client: str, size: int) -> None:
        if not size:
            return
        self._held += size
        self._held_by[client] += size
        if not self._held_by[client]:
            del self._held_by[client]

    def _is_full_for(self, client: str) -> bool:
        return self._held > self._most_held or self._held_by[client] > self._most_held_by_client


@cache
def _requests(face: str, action: str, status: int) -> prometheus_client.Counter:
    # Faces and actions are ours and not the caller's, so there are only so many.
    return REQUESTS.labels(face, action, status)


@cache
def _seconds(face: str) -> prometheus_client.Histogram:
    return REQUEST_SECONDS.labels(face)


def _announced(scope: Scope) -> float:
    """Return the announced length of the body, or 0 if it is missing or unreadable.

    A wrong length does no harm, because the bytes are counted in any case as they arrive.
    """
    said = _header(scope, b"content-length").lstrip("0")
    if not said or not (said.isascii() and said.isdigit()):
        return 0
    return int(said) if len(said) <= _LONGEST_LENGTH else math.inf


def _headers(state: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    yield b"x-request-id", state["request_id"].encode()
    if "points" in state:
        for name, value in state["points"].headers.items():
            yield name.lower().encode(), value.encode()


def _request_id(scope: Scope) -> str:
    given = _header(scope, b"x-request-id")
    return given if given and _SANE_ID.fullmatch(given) else str(new_id())


def _header(scope: Scope, wanted: bytes) -> str:
    """Return the first value of a header, or an empty text if the request does not have it."""
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value, "latin-1")
    return ""


def _problem(error: Exception, request_id: str) -> Problem:
    if isinstance(error, Problem):
        return error
    problem = problem_of(error, request_id)
    if isinstance(problem, Fault):
        log.error("request.failed", exc_info=error)
    else:
        log.warning("request.unavailable", error=repr(error))
    return problem
