"""Refusals that a connection sends itself, without calling the application."""

from collections.abc import Iterable
from http import HTTPStatus

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from openstoq.kernel.ids import new_id
from openstoq.web.responses import PROTECTIVE

RETRY_AFTER_SECONDS = 5

SENTENCES = {
    HTTPStatus.BAD_REQUEST: "this is not a valid HTTP/1.1 request",
    HTTPStatus.REQUEST_TIMEOUT: "the request arrived too slowly; send it without pauses",
    HTTPStatus.REQUEST_URI_TOO_LONG: "the request's address is too long; send less in its query",
    HTTPStatus.TOO_MANY_REQUESTS: "too many connections or requests at once; wait for some to end",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "the headers are too many or too long; send less",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many connections at the moment; try again soon",
}
_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def written(reason: HTTPStatus, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the bytes of a response that gives the reason and closes the connection."""
    body = orjson.dumps({"errors": [SENTENCES[reason]]})
    headers = [
        *default_headers,
        *PROTECTIVE,
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", str(new_id()).encode()),
        (b"connection", b"close"),
    ]
    if reason in _LATER:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
    head = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"".join((STATUS_LINE[reason], head, b"\r\n", body))
