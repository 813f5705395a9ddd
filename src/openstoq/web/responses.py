"""Responses: JSON answers, and problems in the documented envelope."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from openstoq.actions.admission import PointsSpent
from openstoq.errors import Problem, Unauthorized, Unavailable

# On every answer: it is what it says it is, is shown in nobody's frame, and its address, which may
# hold a link's token, is told to nobody.
PROTECTIVE = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


def json_bytes(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a body that is JSON already; nobody may keep it, for it may hold contacts."""
    return Response(
        body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json"
    )


def json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with `content` as JSON."""
    return json_bytes(orjson.dumps(content), status, headers)


def problem(error: Problem) -> Response:
    """Answer with the sentences of a problem, under `errors`."""
    return json(body_of(error), error.status, headers_of(error))


def body_of(error: Problem) -> dict[str, Any]:
    """Return the documented body of a problem; that of a 429 has a shape of its own."""
    if isinstance(error, PointsSpent):
        return error.body
    return {"errors": error.messages, **error.details}


def headers_of(error: Problem) -> dict[str, str]:
    """Return the headers that tell a caller how to go on."""
    if isinstance(error, PointsSpent):
        return error.points.headers
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": 'Bearer realm="openstoq"'}
    if isinstance(error, Unavailable):
        return {"Retry-After": str(error.retry_after)}
    return {}
