"""Logging: every line of every library through one renderer, with secrets masked."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import Processor

MASK = "[masked]"

_SECRET_NAME = re.compile(
    r"token|secret|password|authorization|api_?key|hmac|cookie", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"stoq_api_key_\w+|shp(?:at|ca|pa|ss|ua)_\w+|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
)
_DEEPEST = 8

# They say at `info` what our own lines say already, one of them with whole addresses.
_TALKATIVE = ("uvicorn.access", "httpx", "httpcore", "httpx2", "httpcore2", "mcp", "asyncio")


def configure(
    format: Literal["json", "console"] = "json",
    level: str = "info",
    *,
    stream: TextIO | None = None,
) -> None:
    """Send structlog's and the standard library's lines from `level` on to `stream`, or stderr."""
    lowest = logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_common(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_secrets,
                _renderer(format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(lowest)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(lowest, logging.WARNING))
    structlog.configure(
        processors=[*_common(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide the values of fields named like secrets, and keys and passwords inside any text."""
    return {name: _masked(value, name, 0) for name, value in event.items()}


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderer(format: str) -> Processor:
    if format == "console":
        # Exceptions are text by now, and so may be masked like any other.
        return structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer(serializer=_json)


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS).decode()


def _masked(value: Any, name: str, depth: int) -> Any:
    if _SECRET_NAME.search(name) and value is not None:
        return MASK
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and value.bit_length() < 64:  # noqa: PLR2004 - what JSON numbers hold
        return value
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {str(key): _masked(entry, str(key), depth + 1) for key, entry in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple):
        return [_masked(entry, "", depth + 1) for entry in value]
    # Lone surrogates can be in a request's path, and cannot be written.
    text = str(value).encode(errors="backslashreplace").decode()
    return _SECRET_TEXT.sub(MASK, text)
