"""Static documents: large responses that are the same for all clients, encoded once and shared."""

import asyncio
import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

# A tag in a header, without W/. Tags may contain commas.
_OPAQUE = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class _Encoded:
    plain: bytes
    compressed: bytes
    tag: str


class StaticDocument:
    """A JSON document whose bytes are shared by all responses instead of being copied for each."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._encoded: _Encoded | None = None
        self._encoding = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """Respond with the document, as gzip if accepted, or with 304 if the client already has it."""
        async with self._encoding:
            if self._encoded is None:
                # Encoding takes a second, so a thread does it while other requests are served.
                self._encoded = await asyncio.to_thread(self._encode)
        encoded = self._encoded
        headers = {"ETag": encoded.tag, "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
        if is_known(encoded.tag, ",".join(request.headers.getlist("if-none-match"))):
            return Response(status_code=304, headers=headers)
        if _reads_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
            return Response(encoded.compressed, headers=headers, media_type="application/json")
        return Response(encoded.plain, headers=headers, media_type="application/json")

    def _encode(self) -> _Encoded:
        plain = self._make()
        tag = f'W/"{sha256(plain).hexdigest()[:32]}"'
        return _Encoded(plain, gzip.compress(plain, mtime=0), tag)


def is_known(tag: str, known: str) -> bool:
    """Return whether an If-None-Match header names a tag, or is `*`; weak tags equal strong ones."""
    if known.strip() == "*":
        return True
    opaque = tag.removeprefix("W/")
    return any(found == opaque for found in _OPAQUE.findall(known))


def _reads_gzip(accepted: str) -> bool:
    for one in accepted.lower().split(","):
        coding, _, quality = one.partition(";")
        if coding.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
