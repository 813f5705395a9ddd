"""Faults: decide whether an item caused an error, and which part of the error may be logged.

Code that handles many items continues after an error that an item caused. It stops at a systemic
error, because the next item would fail in the same way, and because a later retry helps. Modules
that know further kinds of errors classify them with `is_of_item.register`: `errors` does so for our
own, and `db.transient` for PostgreSQL's.
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
    """Return the sentence that describes an error, to be stored with its item.

    If the error has `is_told`, the sentence is the error's message. Such a message may be shown,
    for instance because it is a rule's answer, or Shopify's. Otherwise, the sentence contains the
    error's type and source line, but no value.
    """
    if getattr(error, "is_told", False):
        return str(error)
    frames = frames_of(error)
    place = f" at {frames[-1]}" if frames else ""
    return f"openstoq failed with {type(error).__name__}{place}; report this if it persists"


def trace_of(error: BaseException) -> str:
    """Return the traceback of `error` without its message."""
    return "".join(traceback.format_tb(error.__traceback__, limit=-DEPTH))


def frames_of(error: BaseException) -> list[str]:
    """Return our innermost source lines in the traceback of `error` as file:line, deepest last.

    If the traceback has none of our lines, the lines of other packages are returned.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)] or list(frames)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in ours[-DEPTH:]]
