"""Logging: send the lines of all libraries through one renderer, which masks secrets."""

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
# The patterns of secrets, each with its signs: any text that matches contains one of them. Most
# texts contain no sign, and looking for signs costs a hundredth of the regular expressions.
_SECRET_TEXTS = (
    (("stoq_api_key_",), re.compile(r"stoq_api_key_\w+")),
    (("shp",), re.compile(r"shp(?:at|ca|pa|ss|ua)_\w+")),
    (("://",), re.compile(r"(?<=://)[^\s/@:]{0,255}:[^\s/@]+(?=@)")),
    # Contacts, which PostgreSQL quotes when it refuses a row.
    (("@", "%40"), re.compile(r"[\w.+-]{1,64}(?:@|%40)[\w-]{1,63}\.[\w.-]{1,190}")),
    (("+",), re.compile(r"\+\d{7,15}\b")),
)
_SIGNS = tuple(sign for signs, _ in _SECRET_TEXTS for sign in signs)
# Random or sealed text, such as a link's token, is long and has letters of both cases and digits.
_TOKEN_LENGTH = 40
_TOKEN = re.compile(rf"(?<![\w-])[\w-]{{{_TOKEN_LENGTH},}}")
_DEEPEST = 8

# These libraries log at `info` what our own lines already contain, one of them with whole URLs.
_TALKATIVE = ("uvicorn.access", "httpx", "httpcore", "httpx2", "httpcore2", "mcp", "asyncio")


def configure(
    format: Literal["json", "console"] = "json",
    level: str = "info",
    *,
    stream: TextIO | None = None,
) -> None:
    """Send structlog's and the standard library's lines from `level` up to `stream`, or to stderr.

    A line that cannot be written is lost, but never makes a request or a job fail.
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
    # A server in this process may have installed uvicorn's own handlers.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(lowest, logging.WARNING))
    # Otherwise the standard library's handlers would report a failed line to stderr, which may be
    # the stream that is closed.
    logging.raiseExceptions = False
    structlog.configure(
        processors=[*common, *written],
        wrapper_class=_bound_logger(lowest),
        # Our own lines bypass the standard library's records, which cost more than the line itself.
        logger_factory=lambda *names: _NamedLogger(out, *names),
        cache_logger_on_first_use=False,
    )


def mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask fields whose names look like those of secrets, and any secrets within texts."""
    return {name: _masked(value, name, 0) for name, value in event.items()}


class _NamedLogger(structlog.WriteLogger):
    """A logger that writes lines under the name of the module that logs them."""

    def __init__(self, out: TextIO, name: str = "openstoq") -> None:
        super().__init__(out)
        self.name = name


def _bound_logger(lowest: int) -> type[Any]:
    """Return structlog's logger, changed so that logging never raises."""
    filtering: Any = structlog.make_filtering_bound_logger(lowest)

    def write(logger: Any, method: str, event: str | None = None, /, **fields: Any) -> Any:
        # A value's own `__str__` may raise, and so may a stream that is closed or full.
        with suppress(Exception):
            return filtering._proxy_to_logger(logger, method, event, **fields)  # noqa: SLF001 - made to be overridden

    return type("BoundLogger", (filtering,), {"_proxy_to_logger": write})


def _renderer(format: str) -> Processor:
    if format == "console":
        # Exceptions are already text at this point, so that they were masked like any other text.
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
    # Nearly every value is a text, and looking for other types first would take longer.
    if isinstance(value, str):
        return _masked_line(value)
    if isinstance(value, int) and value.bit_length() < 64:  # noqa: PLR2004 - what JSON numbers hold
        return value
    return _masked_parts(value, depth)


def _masked_parts(value: Any, depth: int) -> Any:
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {str(key): _masked(entry, str(key), depth + 1) for key, entry in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple):
        return [_masked(entry, "", depth + 1) for entry in value]
    return _masked_line(str(value))


def _masked_line(text: str) -> str:
    if not text.isascii():
        # A request's path may contain lone surrogates, which cannot be written.
        text = text.encode(errors="backslashreplace").decode()
    return masked_text(text)


def masked_text(text: str) -> str:
    """Return a text in which anything that looks like a key, password, token or contact is masked."""
    if any(map(text.__contains__, _SIGNS)):
        for signs, look in _SECRET_TEXTS:
            if any(sign in text for sign in signs):
                text = look.sub(MASK, text)
    return _TOKEN.sub(_masked_token, text) if len(text) >= _TOKEN_LENGTH else text


def _masked_token(found: re.Match[str]) -> str:
    text = found[0]
    is_random = text.lower() != text and text.upper() != text and any(map(str.isdigit, text))
    return MASK if is_random else text
