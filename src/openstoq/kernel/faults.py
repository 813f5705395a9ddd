"""Faults: whose they are, and what a log may say of them.

Whoever handles many items goes on after one of that item, and stops at one of everybody's: the
next item would meet it too, and trying again helps. Further kinds of errors are judged where they
are known, by `is_of_item.register`: our own in `errors`, PostgreSQL's in `db.passing`.
"""

import errno
import traceback
from functools import singledispatch
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1])
_MACHINE_IS_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EIO})
# The innermost calls are the ones that tell; a recursion has thousands.
DEPTH = 20


@singledispatch
def is_of_item(_error: Exception) -> bool:
    """Return whether an error came of the item that was handled, and the others may do better."""
    return True


@is_of_item.register
def _(_error: MemoryError) -> bool:
    return False


@is_of_item.register
def _(error: OSError) -> bool:
    # Files are named after what is in an item, such as its locale; a connection has none.
    return error.filename is not None and error.errno not in _MACHINE_IS_FULL


def sentence_of(error: Exception) -> str:
    """Return what is recorded on an item of an error.

    That is what the error says where it says so to be shown (`is_told`), such as a rule's answer
    or the platform's words. A fault of ours names its kind and the line, and quotes no value.
    """
    if getattr(error, "is_told", False):
        return str(error)
    frames = frames_of(error)
    place = f" at {frames[-1]}" if frames else ""
    return f"openstoq failed at it with {type(error).__name__}{place}; report that if it stays so"


def trace_of(error: BaseException) -> str:
    """Return where `error` was raised, without what it says."""
    return "".join(traceback.format_tb(error.__traceback__, limit=-DEPTH))


def frames_of(error: BaseException) -> list[str]:
    """Return the innermost of our own lines that `error` came through, the deepest last."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)] or list(frames)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in ours[-DEPTH:]]
