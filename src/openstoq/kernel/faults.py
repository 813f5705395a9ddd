"""Faults of ours as a log may have them: an exception's own words may quote a contact or a link."""

import traceback
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1])
# The innermost calls are the ones that tell; a recursion has thousands.
DEPTH = 20


def trace_of(error: BaseException) -> str:
    """Return where `error` was raised, without what it says."""
    return "".join(traceback.format_tb(error.__traceback__, limit=-DEPTH))


def frames_of(error: BaseException) -> list[str]:
    """Return the innermost of our own lines that `error` came through, the deepest last."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)] or list(frames)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in ours[-DEPTH:]]
