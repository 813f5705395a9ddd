"""Free text, on one line or several, cleaned of invisible and control characters for storage."""

import re
import unicodedata

# PostgreSQL's text cannot hold U+0000 or lone surrogates. Other control characters are not text.
_UNTEXTUAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Line breaks of every kind, and characters that change the direction of the text around them.
_OFF_ONE_LINE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Invisible characters that copied text often contains. Joiners are kept, as Persian needs them.
_UNSEEN = re.compile(r"[\u00ad\u200b\u2060\ufeff]")


def text(given: str) -> str:
    """Return `given`, which may have line breaks and tabs, unchanged.

    Raises ValueError if it has other control characters or lone surrogates.
    """
    if _UNTEXTUAL.search(given):
        raise ValueError("must not contain control characters or lone surrogates")
    return given


def line(given: str) -> str:
    """Return text on one line: composed (NFC), with spaces collapsed and trimmed.

    Raises ValueError if it has line breaks or other control characters.
    """
    if _OFF_ONE_LINE.search(given):
        raise ValueError(
            "must be one line, without control characters, lone surrogates or characters that "
            "turn its direction"
        )
    return " ".join(unicodedata.normalize("NFC", _UNSEEN.sub("", given)).split())


def cleaned(given: str) -> str:
    """Return text without the characters that cannot be stored.

    It is for sources whose texts cannot be rejected, such as the platform.
    """
    return _UNTEXTUAL.sub("", given)
