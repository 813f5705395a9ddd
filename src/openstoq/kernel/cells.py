"""Cells of CSV files that spreadsheets open: a text must not become a formula there.

A spreadsheet runs a cell that begins with one of a few characters. OWASP's advice is an apostrophe
before it, which spreadsheets take for "this is text".
"""

import re

# With the wide forms that spreadsheets in Asian languages take for the same.
_RUNS = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
# A text that begins with apostrophes and then so gets another one, so that taking one off returns it.
_GUARDED = re.compile(f"'*[{_RUNS}]")


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if _GUARDED.match(text) else text


def unguarded(text: str) -> str:
    """Return the text that `guarded` was given; a text that it never returns stays as it is."""
    return text[1:] if text.startswith("'") and _GUARDED.match(text) else text
