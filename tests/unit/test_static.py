"""Static documents: what a client gets by what it accepts and already has."""

import gzip

import pytest
from starlette.requests import Request

from openstoq.web.static import StaticDocument

BODY = b'{"actions": []}' * 50
DOCUMENT = StaticDocument(BODY, public=False)


def asked(*headers):
    return DOCUMENT.answer(Request({"type": "http", "headers": [*headers]}))


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0, gzip", True),
        ("*, gzip; q=0", False),
        ("gzip;q=0, *", False),
        ("gzip ; Q=0.000", False),
        ("gzip;level=9;q=0", False),
        ("gzip;q=nonsense", False),
        ("identity", False),
        ("*;q=0", False),
        ("", False),
        ("notgzip", False),
    ],
)
def test_gzip_is_sent_to_who_accepts_it(accepted, is_compressed):
    answer = asked((b"accept-encoding", accepted.encode()))
    assert (answer.headers.get("content-encoding") == "gzip") == is_compressed
    assert (gzip.decompress(answer.body) if is_compressed else answer.body) == BODY
    assert answer.headers["vary"] == "Accept-Encoding"


def test_a_header_may_come_several_times():
    answer = asked((b"accept-encoding", b"br"), (b"accept-encoding", b"gzip"))
    assert answer.headers["content-encoding"] == "gzip"
    tag = asked().headers["etag"].encode()
    assert asked((b"if-none-match", b'"old"'), (b"if-none-match", tag)).status_code == 304


def test_who_has_the_document_is_told_so():
    tag = asked().headers["etag"]
    strong = tag.removeprefix("W/")
    for known in (tag, strong, f'W/"old", {tag}', f"{strong},W/", "*", " * "):
        answer = asked((b"if-none-match", known.encode()))
        assert (answer.status_code, answer.body) == (304, b"")
        assert answer.headers["etag"] == tag
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("known", ['W/"old"', '"old", "older"', "", '"*"', "x{tag}", "{bare}"])
def test_who_has_another_document_gets_this_one(known):
    tag = asked().headers["etag"]
    sent = known.format(tag=tag, bare=tag.removeprefix("W/").strip('"'))
    answer = asked((b"if-none-match", sent.encode()))
    assert (answer.status_code, answer.body) == (200, BODY)


def test_another_document_has_another_tag():
    other = StaticDocument(BODY + b" ", public=False)
    assert (
        other.answer(Request({"type": "http", "headers": []})).headers["etag"]
        != (asked().headers["etag"])
    )


def test_a_shared_cache_keeps_only_what_is_public():
    assert asked().headers["cache-control"] == "private, no-cache"
    public = StaticDocument(BODY, public=True).answer(Request({"type": "http", "headers": []}))
    assert public.headers["cache-control"] == "no-cache"
