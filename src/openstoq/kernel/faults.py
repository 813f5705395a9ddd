"""Faults: decide whether an error is an item's own, and what a log may contain of it.

Code that handles many items continues after an item's own error. It stops at a systemic error: the
next item would meet that too, and a retry helps. Modules that know further kinds of errors judge
them with `is_of_item.register`: `errors` does so for our own, `db.transient` for PostgreSQL's.
"""

import errno
import traceback
from functools import singledispatch
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1])
_MACHINE_IS_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EIO})
# Only the innermost calls are kept: they explain the error, and a recursion has thousands.
DEPTH = 20


@singledispatch
def is_of_item(_error: Exception) -> bool:
    """Return whether an error was caused by the item itself, so that other items may succeed."""
    return True


@is_of_item.register
def _(_error: MemoryError) -> bool:
    return False


@is_of_item.register
def _(error: OSError) -> bool:
    # A file's name may depend on an item's value, such as its locale. An error of a connection
    # names no file.
    return error.filename is not None and error.errno not in _MACHINE_IS_FULL


def sentence_of(error: Exception) -> str:
    """Return the sentence about an error that is recorded on its item.

    It is the error's message if that is meant to be shown (`is_told`), such as a rule's answer or
    Shopify's words. For a fault of ours it names the kind and the line, and quotes no value.
    """
    if getattr(error, "is_told", False):
        return str(error)
    frames = frames_of(error)
    place = f" at {frames[-1]}" if frames else ""
    return f"openstoq failed at it with {type(error).__name__}{place}; report that if it stays so"


def trace_of(error: BaseException) -> str:
    """Return the traceback of `error` without its message."""
    return "".join(traceback.format_tb(error.__traceback__, limit=-DEPTH))


def frames_of(error: BaseException) -> list[str]:
    """Return the innermost of our own lines that `error` passed through, the deepest last."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)] or list(frames)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in ours[-DEPTH:]]
