"""Log lines: one renderer for all, UTC, and nothing secret."""

import io
import json
import logging
from datetime import date, datetime, timedelta

import pytest
import structlog

from openstoq.kernel.logging import MASK, configure

KEY = "stoq_api_key_" + "a" * 32


@pytest.fixture
def written(monkeypatch):
    stream = io.StringIO()
    # A server that ran in this process before may have told it to keep its lines to itself.
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    configure("json", "info", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


class Unspeakable:
    def __str__(self):
        raise ValueError("it has no name")


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_line_that_cannot_be_written_fails_nobody(format):
    stream = io.StringIO()
    configure(format, "info", stream=stream)
    ours, theirs = structlog.get_logger(), logging.getLogger("httpx")
    ours.warning("lost", value=Unspeakable())
    theirs.warning("lost", extra={"value": Unspeakable()})
    ours.warning("kept")
    assert "kept" in stream.getvalue()
    stream.close()
    ours.warning("lost")
    ours.exception("lost")
    theirs.warning("lost")


def test_a_line_may_have_a_field_of_any_name(written):
    fields = dict.fromkeys(("method", "name", "fields", "status", "level_name"), "x")
    structlog.get_logger().info("said", **fields)
    (line,) = written()
    assert fields.items() <= line.items()


def test_our_lines_and_the_libraries_look_alike(written):
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("ours").info("order.placed", number=2**70, at=date(2026, 6, 20))
        logging.getLogger("uvicorn.error").warning("took %s seconds", 3, extra={"extra": "kept"})
    ours, theirs = written()
    assert (ours["event"], ours["level"], ours["request_id"]) == ("order.placed", "info", "r-1")
    assert (theirs["event"], theirs["level"], theirs["request_id"]) == (
        "took 3 seconds",
        "warning",
        "r-1",
    )
    assert (ours["logger"], theirs["logger"], theirs["extra"]) == ("ours", "uvicorn.error", "kept")
    for line in (ours, theirs):
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)


def test_an_exception_is_text_without_secrets(written):
    try:
        int(f"no shop for {KEY}")
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("uvicorn.error").exception("failed too")
    for line in written():
        assert "no shop for [masked]" in line["exception"]
        assert "Traceback" in line["exception"]
        assert KEY not in json.dumps(line)


def test_secrets_are_masked_by_name_and_by_look(written):
    structlog.get_logger().warning(
        f"refused {KEY}",
        access_token="t",
        headers={"Authorization": "Bearer x", "X-Auth-Token": "y", "Accept": "z"},
        seen=["shpat_abc123", ("shpca_def456",)],
        url="postgresql://app:s3cret@db.test/openstoq",
        hmac=b"bytes",
        path="lone \ud800 surrogate",
        deep={"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": KEY}}}}}}}}},
    )
    (line,) = written()
    assert line["event"] == f"refused {MASK}"
    assert line["access_token"] == line["hmac"] == MASK
    assert line["headers"] == {"Authorization": MASK, "X-Auth-Token": MASK, "Accept": "z"}
    assert line["seen"] == [MASK, [MASK]]
    assert line["url"] == f"postgresql://{MASK}@db.test/openstoq"
    assert KEY not in json.dumps(line)


@pytest.mark.parametrize(
    "secret",
    [
        "ana.secret@example.com",
        "ana%40example.com",
        "+4915112345678",
        # A link's token: a signature and two ids.
        "Ajc81vSDHcdz_9VQ7x-Kd0GiHvU1kXCKt4zEmgZtfaoBoh71Kno3NYE6vL_d40lH",
    ],
)
def test_contacts_and_tokens_are_masked_in_any_text(written, secret):
    structlog.get_logger().warning(f"Key (email)=({secret}) exists", at=[f"/confirm/{secret}?a=b"])
    line = written()[0]
    assert line["event"] == f"Key (email)=({MASK}) exists"
    assert line["at"] == [f"/confirm/{MASK}?a=b"]


@pytest.mark.parametrize(
    "text",
    [
        "01a21ef5-2a7a-731b-9a3a-f2d681575578",
        "test_a_long_name_of_a_function_in_a_traceback_2",
        "2026-11-27T21:41:53.416686+00:00",
        "3 @ 4 + 5",
    ],
)
def test_what_is_no_secret_stays_readable(written, text):
    structlog.get_logger().warning(text)
    assert written()[0]["event"] == text


def test_the_level_is_a_threshold_and_noise_is_left_out(written):
    structlog.get_logger().debug("detail")
    logging.getLogger("httpx").info("HTTP Request: GET https://shop.test/?token=x")
    assert written() == []


def test_the_console_format_is_text():
    stream = io.StringIO()
    configure("console", "info", stream=stream)
    structlog.get_logger().info("order.placed", key=KEY)
    assert "order.placed" in stream.getvalue()
    assert KEY not in stream.getvalue()
