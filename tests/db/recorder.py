"""The statements that the application sends in tests, checked by the rules for statements."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from openstoq.db import pool

APPLICATION = Path(pool.__file__).parents[1]
_HERE = Path(__file__)
TESTS = _HERE.parents[1]
_DATABASE = APPLICATION / "db"
# Anything else sets something, or begins and ends transactions and savepoints.
_QUERY = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)

_Method = TypeVar("_Method", bound=Callable[..., Any])


class Recorder:
    """The statements that were sent since the last check, and the function that sent each first."""

    def __init__(self) -> None:
        self._sent: dict[str, str] = {}
        self._kept: set[str] = set()

    def record(self, text: str) -> None:
        """Note a statement for the next check, unless it is a test's own."""
        if text not in self._kept and text not in self._sent and _QUERY.match(text):
            sender = _sender()
            if sender is not None:
                self._sent[text] = sender

    def check(self) -> list[str]:
        """Return a sentence for each rule that a statement broke since the last check."""
        if not self._sent:
            return []
        # The import takes half a second, which tests without a database are spared.
        from tests.db.statement_rules import breaches, migrated_schema  # noqa: PLC0415

        found = []
        schema = migrated_schema()
        for text, sender in self._sent.items():
            broken = breaches(text, schema)
            found += [f"{sender}: {sentence}\n{text}" for sentence in broken]
            if not broken:
                self._kept.add(text)
        self._sent.clear()
        return found


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Have each pool that is opened while the block runs record its statements."""

    def noted(method: _Method) -> _Method:
        def send(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
            recorder.record(query)
            return method(self, query, *arguments, **options)

        return send  # type: ignore[return-value]  # it takes and returns the same

    plain = pool.PooledConnection

    class RecordedConnection(plain):  # type: ignore[misc,valid-type]  # a variable, for a moment
        execute = noted(plain.execute)
        executemany = noted(plain.executemany)
        fetch = noted(plain.fetch)
        fetchval = noted(plain.fetchval)
        fetchrow = noted(plain.fetchrow)
        fetchmany = noted(plain.fetchmany)
        prepare = noted(plain.prepare)
        cursor = noted(plain.cursor)

    pool.PooledConnection = RecordedConnection  # type: ignore[misc]
    try:
        yield
    finally:
        pool.PooledConnection = plain  # type: ignore[misc]


def _sender() -> str | None:
    """Return which function of the application sends a statement; None if it is a test."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(TESTS) and file != _HERE:
            return None
        if file.is_relative_to(APPLICATION) and not file.is_relative_to(_DATABASE):
            return f"{file.relative_to(APPLICATION)}, {frame.f_code.co_name}"
    return None
