"""Faults of ours as a log may have them: an exception's own words may quote a contact or a link."""

import traceback

# The innermost calls are the ones that tell; a recursion has thousands.
DEPTH = 20


def trace_of(error: BaseException) -> str:
    """Return where `error` was raised, without what it says."""
    return "".join(traceback.format_tb(error.__traceback__, limit=-DEPTH))
