"""Static documents: large responses that are the same for all clients, encoded once and shared."""

import gzip
import re
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

# A tag in a list of tags, without W/. Tags may contain commas.
_OPAQUE = re.compile(r'(?:^|,)\s*(?:W/)?("[^"]*")\s*(?=,|$)')


class StaticDocument:
    """A JSON document whose bytes are shared by all responses instead of being copied for each.

    Caches may keep the document, but must ask each time whether it has changed. A document that is
    not `public` is only for callers that have been admitted, so no cache that several clients share
    may keep it.
    """

    def __init__(self, plain: bytes, *, public: bool) -> None:
        self._plain = plain
        self._compressed = gzip.compress(plain, mtime=0)
        # The tag is weak, because it is the same for both encodings.
        self._tag = f'"{sha256(plain).hexdigest()[:32]}"'
        self._headers = {
            "ETag": f"W/{self._tag}",
            "Vary": "Accept-Encoding",
            "Cache-Control": "no-cache" if public else "private, no-cache",
        }

    def answer(self, request: Request) -> Response:
        """Respond with the document, as gzip if accepted, or with 304 if the client already has it."""
        # A request may have either header several times, which means the same as one list.
        known = ",".join(request.headers.getlist("if-none-match"))
        if is_known(self._tag, known):
            return Response(status_code=304, headers=self._headers)
        body, headers = self._plain, self._headers
        if _reads_gzip(",".join(request.headers.getlist("accept-encoding"))):
            body, headers = self._compressed, {**headers, "Content-Encoding": "gzip"}
        return Response(body, headers=headers, media_type="application/json")


def is_known(tag: str, known: str) -> bool:
    """Return whether an If-None-Match header names a tag, or is `*`; weak tags equal strong ones."""
    if known.strip() == "*":
        return True
    opaque = tag.removeprefix("W/")
    return any(found == opaque for found in _OPAQUE.findall(known))


def _reads_gzip(accepted: str) -> bool:
    """Return whether a client that accepts these encodings accepts gzip.

    An entry for gzip takes precedence over the entry `*`, which is for every encoding.
    """
    qualities: dict[str, float] = {}
    for one in accepted.lower().split(","):
        coding, *parameters = (part.strip() for part in one.split(";"))
        qualities[coding] = _quality(parameters)
    for coding in ("gzip", "x-gzip", "*"):
        if coding in qualities:
            return qualities[coding] > 0
    return False


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0
    return 1
