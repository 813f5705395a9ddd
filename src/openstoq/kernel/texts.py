"""Free text as it is kept: on one line or on several, without what no reader could see."""

import re
import unicodedata

# PostgreSQL's text cannot hold U+0000 nor lone surrogates; the other controls are no text.
_UNTEXTUAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Line breaks of every kind, and what turns the direction of the text around it.
_OFF_ONE_LINE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# They come along when text is copied, and mean nothing. Joiners are left: Persian needs them.
_UNSEEN = re.compile(r"[\u00ad\u200b\u2060\ufeff]")


def text(given: str) -> str:
    """Return text of any number of lines; raise ValueError when it has other control characters."""
    if _UNTEXTUAL.search(given):
        raise ValueError("must not contain control characters or lone surrogates")
    return given


def line(given: str) -> str:
    """Return text on one line: composed (NFC), its spaces collapsed, nothing around it.

    Raises ValueError when it has line breaks or other control characters.
    """
    if _OFF_ONE_LINE.search(given):
        raise ValueError(
            "must be one line, without control characters, lone surrogates or characters that "
            "turn its direction"
        )
    return " ".join(unicodedata.normalize("NFC", _UNSEEN.sub("", given)).split())


def cleaned(given: str) -> str:
    """Return text that cannot be refused, without what could not be kept."""
    return _UNTEXTUAL.sub("", given)
