"""Logging: every line of every library through one renderer, with secrets masked."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import Processor

MASK = "[masked]"

_SECRET_NAME = re.compile(
    r"token|secret|password|authorization|api_?key|hmac|cookie", re.IGNORECASE
)
# What secrets look like, each with what is in every text that has one: most texts have none of it,
# and to look for a few characters costs a hundredth of an expression.
_SECRET_TEXTS = (
    (("stoq_api_key_",), re.compile(r"stoq_api_key_\w+")),
    (("shp",), re.compile(r"shp(?:at|ca|pa|ss|ua)_\w+")),
    (("://",), re.compile(r"(?<=://)[^\s/@:]{0,255}:[^\s/@]+(?=@)")),
    # Contacts, which PostgreSQL names when it refuses a row.
    (("@", "%40"), re.compile(r"[\w.+-]{1,64}(?:@|%40)[\w-]{1,63}\.[\w.-]{1,190}")),
    (("+",), re.compile(r"\+\d{7,15}\b")),
)
# Random or sealed text, such as a link's token: long, with letters of both cases and digits.
_TOKEN_LENGTH = 40
_TOKEN = re.compile(rf"(?<![\w-])[\w-]{{{_TOKEN_LENGTH},}}")
_DEEPEST = 8

# They say at `info` what our own lines say already, one of them with whole addresses.
_TALKATIVE = ("uvicorn.access", "httpx", "httpcore", "httpx2", "httpcore2", "mcp", "asyncio")


def configure(
    format: Literal["json", "console"] = "json",
    level: str = "info",
    *,
    stream: TextIO | None = None,
) -> None:
    """Send structlog's and the standard library's lines from `level` on to `stream`, or stderr.

    A line that cannot be written is lost, and fails neither a request nor a job.
    """
    lowest = logging.getLevelNamesMapping()[level.upper()]
    out = stream or sys.stderr
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    written: list[Processor] = [
        structlog.processors.format_exc_info,
        mask_secrets,
        _renderer(format),
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(lowest)
    # uvicorn brings handlers of its own, which a server in this process may have set up.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(lowest, logging.WARNING))
    # The standard library's handlers would tell stderr of it, which may be what is closed.
    logging.raiseExceptions = False
    structlog.configure(
        processors=[*common, *written],
        wrapper_class=_bound_logger(lowest),
        # Our own lines skip the standard library's records, which cost more than the line.
        logger_factory=lambda *names: _NamedLogger(out, *names),
        cache_logger_on_first_use=False,
    )


def mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide the values of fields named like secrets, and keys and passwords inside any text."""
    return {name: _masked(value, name, 0) for name, value in event.items()}


class _NamedLogger(structlog.WriteLogger):
    """Writes lines, and knows which module's they are."""

    def __init__(self, out: TextIO, name: str = "openstoq") -> None:
        super().__init__(out)
        self.name = name


def _bound_logger(lowest: int) -> type[Any]:
    """Return structlog's logger, but that no line of it raises."""
    filtering: Any = structlog.make_filtering_bound_logger(lowest)

    def write(logger: Any, method: str, event: str | None = None, /, **fields: Any) -> Any:
        # Whatever a value's own words raise, or a stream that is closed or full.
        with suppress(Exception):
            return filtering._proxy_to_logger(logger, method, event, **fields)  # noqa: SLF001 - made to be overridden

    return type("BoundLogger", (filtering,), {"_proxy_to_logger": write})


def _renderer(format: str) -> Processor:
    if format == "console":
        # Exceptions are text by now, and so may be masked like any other.
        return structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer(serializer=_json)


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS).decode()


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _masked(value: Any, name: str, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if _is_secret(name):
        return MASK
    if isinstance(value, int) and value.bit_length() < 64:  # noqa: PLR2004 - what JSON numbers hold
        return value
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {str(key): _masked(entry, str(key), depth + 1) for key, entry in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple):
        return [_masked(entry, "", depth + 1) for entry in value]
    # Lone surrogates can be in a request's path, and cannot be written.
    return masked_text(str(value).encode(errors="backslashreplace").decode())


def masked_text(text: str) -> str:
    """Return a text without what looks like a key, a password, a token or a contact."""
    for signs, look in _SECRET_TEXTS:
        if any(sign in text for sign in signs):
            text = look.sub(MASK, text)
    return _TOKEN.sub(_masked_token, text) if len(text) >= _TOKEN_LENGTH else text


def _masked_token(found: re.Match[str]) -> str:
    text = found[0]
    is_random = text.lower() != text and text.upper() != text and any(map(str.isdigit, text))
    return MASK if is_random else text
