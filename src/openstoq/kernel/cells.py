"""Cells of CSV files: keep spreadsheets from running a text as a formula.

A spreadsheet runs a cell that begins with one of a few characters. As OWASP advises, such a text
gets an apostrophe in front, by which spreadsheets know that the cell is text.
"""

import re

# With the wide forms that spreadsheets in Asian languages take for the same.
_RUNS = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
# A text that begins with apostrophes and then so gets another one, so that taking one off returns it.
_GUARDED = re.compile(f"'*[{_RUNS}]")


def guarded(text: str) -> str:
    """Return `text`, with an apostrophe in front if a spreadsheet might run it as a formula."""
    return f"'{text}" if _GUARDED.match(text) else text


def unguarded(text: str) -> str:
    """Remove the apostrophe that `guarded` put in front; return any other text unchanged."""
    return text[1:] if text.startswith("'") and _GUARDED.match(text) else text
