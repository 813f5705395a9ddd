"""SQL scripts, and the commands that they consist of."""

import re
from collections.abc import Iterator

# What may contain a semicolon that does not end a command.
_QUOTED = re.compile(
    r"""
    --[^\n]* | /\*.*?\*/            # comments
    | '(?:[^']|'')*' | "[^"]*"      # texts and names
    | (\$\w*\$).*?\1                # bodies of functions
    """,
    re.DOTALL | re.VERBOSE,
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def commands(script: str) -> Iterator[str]:
    """Yield the commands of a script, each with the comments before it."""
    begin = at = 0
    while at < len(script):
        quoted = _QUOTED.match(script, at)
        if quoted is not None:
            at = quoted.end()
        elif script[at] == ";":
            yield script[begin:at].strip()
            begin = at = at + 1
        else:
            at += 1
    rest = script[begin:].strip()
    if _COMMENT.sub("", rest).strip():
        yield rest
