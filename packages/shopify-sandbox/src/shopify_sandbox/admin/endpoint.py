"""The HTTP endpoint of the Admin API: checks the access token, parses the body, applies faults."""

import asyncio
import hmac
import re

import orjson
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from shopify_sandbox.admin.engine import AdminAPI, Request
from shopify_sandbox.config import API_VERSION
from shopify_sandbox.faults import Fault, FaultQueue

_OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")
_UNAUTHORIZED = "[API] Invalid API key or access token (unrecognized login or wrong password)"


class BrokenResponse(Response):
    """A truncated response: the connection closes before the announced length was sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and the beginning of a body, then nothing more."""
        del scope, receive
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"data":', "more_body": True})


def read_request(body: bytes) -> Request | None:
    """Return the GraphQL request in a body; None if the body is not a valid request."""
    try:
        posted = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(posted, dict) or not isinstance(posted.get("query"), str):
        return None
    variables = posted.get("variables") or {}
    name = posted.get("operationName")
    if not isinstance(variables, dict) or not isinstance(name, str | None):
        return None
    return Request(posted["query"], variables, name or None)


def operation_name(posted: Request) -> str | None:
    """Return the name of the requested operation.

    If the request has no `operationName`, return the first name in its document. Return None if
    that has no name either.
    """
    found = _OPERATION.search(posted.query)
    return posted.operation_name or (found[1] if found else None)


async def answer(request: HTTPRequest, api: AdminAPI, faults: FaultQueue) -> Response:
    """Return the response to a POST to graphql.json, or a faulty one if a fault is queued."""
    token = request.headers.get("X-Shopify-Access-Token", "")
    if not api.shop.installed or not hmac.compare_digest(
        token.encode(), api.shop.config.access_token.encode()
    ):
        return JSONResponse({"errors": _UNAUTHORIZED}, 401)
    posted = read_request(await request.body())
    fault = faults.take(operation_name(posted) if posted else None)
    if fault is not None and (broken := await _fail(fault)) is not None:
        return broken
    if posted is None:
        return JSONResponse({"errors": {"query": "Required parameter missing or invalid"}}, 400)
    body = api.execute(posted, throttled=fault is not None and fault.kind == "throttled")
    if api.lost_answer() or (fault is not None and fault.kind == "lose"):
        # The operation was carried out, but the client never learns it.
        return BrokenResponse()
    return Response(
        orjson.dumps(body),
        media_type="application/json",
        headers={"X-Shopify-API-Version": API_VERSION},
    )


async def _fail(fault: Fault) -> Response | None:
    match fault.kind:
        case "status":
            headers = {"Retry-After": "2.0"} if fault.status == 429 else {}  # noqa: PLR2004 — HTTP
            return JSONResponse({"errors": "The sandbox was told to fail"}, fault.status, headers)
        case "close":
            return BrokenResponse()
        case "hang":
            # The request is carried out all the same, even if the client has given up on it.
            await asyncio.sleep(fault.seconds)
    return None
