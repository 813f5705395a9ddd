"""Responses: JSON, and problems in the documented envelope."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from openstoq.actions.admission import PointsSpent
from openstoq.errors import Problem, Unauthorized, Unavailable

# Headers of every answer: browsers must not guess its type, show it in a frame, or pass on its
# URL, which may hold a link's token.
PROTECTIVE = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


# Everything below this path is answered in API v1's shapes.
V1 = "/api/v1/"


def json_bytes(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Respond with a body that is already JSON; forbid caching, because it may contain contacts."""
    return Response(
        body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json"
    )


def json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Respond with `content` as JSON."""
    return json_bytes(orjson.dumps(content), status, headers)


def problem(error: Problem, path: str = "") -> Response:
    """Respond with the sentences of a problem, in the envelope of the face at `path`."""
    body = body_of(error)
    if "errors" in body and path.startswith(V1):
        body = sentences_of(error.messages, path)
    return json(body, error.status, headers_of(error))


def sentences_of(messages: Sequence[str], path: str) -> dict[str, Any]:
    """Return `messages` in the error envelope of the face at `path`.

    v1 joins them into one text; all other faces list them.
    """
    if path.startswith(V1):
        return {"error": "; ".join(messages)}
    return {"errors": list(messages)}


def body_of(error: Problem) -> dict[str, Any]:
    """Return the documented body of a problem.

    All bodies have the same shape, except that of a 429 response to a caller without points.
    """
    if isinstance(error, PointsSpent):
        return error.body
    return {"errors": error.messages, **error.details}


def headers_of(error: Problem) -> dict[str, str]:
    """Return the headers that tell a client how to continue, such as Retry-After."""
    if isinstance(error, PointsSpent):
        return error.points.headers
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": 'Bearer realm="openstoq"'}
    if isinstance(error, Unavailable):
        return {"Retry-After": str(error.retry_after)}
    return {}
