"""Whose fault an error is: that of the one item that was worked on, or everybody's.

Whoever handles many items goes on after the former, and stops at the latter: the next item would
meet it too, and trying again helps.
"""

import errno
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Generic, TypeVar

import asyncpg
import structlog

from openstoq.errors import Problem, Systemic
from openstoq.kernel.metrics import ITEM_FAULTS

log = structlog.get_logger(__name__)

Item = TypeVar("Item")

# What PostgreSQL says whatever the values are, by class or code: of the connection and who is at
# it, of room, of another transaction, of a schema that is not ours, of a broken file. Anything
# else may be due to a value, and what values can be refused with cannot be listed.
_OF_SERVER = (
    *("08", "25", "26", "28", "2D", "34", "3D", "3F", "40", "53", "55", "57", "58", "F0", "HV"),
    *("42501", "42602", "42703", "42704", "42883", "42P01", "42P10", "XX001", "XX002"),
)
_PACKAGE = str(Path(__file__).parents[1])
_MACHINE_IS_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EIO})


def is_of_item(error: Exception) -> bool:
    """Return whether an error came of the item that was handled, and the others may do better."""
    match error:
        case Systemic() | MemoryError() | asyncpg.InternalClientError():
            return False
        case asyncpg.InvalidCachedStatementError():
            # The schema has changed since the statement was prepared.
            return False
        case asyncpg.PostgresError():
            return not str(error.sqlstate).startswith(_OF_SERVER)
        case asyncpg.InterfaceError():
            # Of a server that is away, but for an argument that its type does not take.
            return isinstance(error, ValueError)
        case OSError():
            # Files are named after what is in an item, such as its locale; a connection has none.
            return error.filename is not None and error.errno not in _MACHINE_IS_FULL
    return True


def sentence_of(error: Exception) -> str:
    """Return what is recorded on an item of an error; a fault of ours does not quote its values."""
    if isinstance(error, Problem):
        return "; ".join(error.messages)
    if getattr(error, "is_told", False):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)] or frames
    place = f" at line {ours[-1].lineno} of {Path(ours[-1].filename).name}" if ours else ""
    return f"openstoq failed at it with {type(error).__name__}{place}; report that if it stays so"


class Alone(Generic[Item]):
    """A block about one item, whose failure costs that item alone."""

    def __init__(self, kind: str, item: Item, failures: MutableMapping[Item, str]) -> None:
        self._kind, self._item, self._failures = kind, item, failures

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        """Note why the item failed, and go on behind the block, unless everybody would fail."""
        if not isinstance(error, Exception) or not is_of_item(error):
            return False
        self._failures[self._item] = noted(self._kind, self._item, error)
        return True


def alone(kind: str, item: Item, failures: MutableMapping[Item, str]) -> Alone[Item]:
    """Let a failure in the block cost this item alone, and be noted in `failures`."""
    return Alone(kind, item, failures)


def noted(kind: str, item: object, error: Exception) -> str:
    """Log and count that an item failed, without its values, and return the sentence."""
    sentence = sentence_of(error)
    if isinstance(error, Problem):
        # A rule's answer, such as that a balance is outstanding.
        return sentence
    log.warning("item.failed", kind=kind, item=str(item), error=sentence)
    ITEM_FAULTS.labels(kind).inc()
    return sentence
