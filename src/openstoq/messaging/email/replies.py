"""The relay's replies, and the reader that parses them (RFC 5321, section 4.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from openstoq.kernel.texts import cleaned

LONGEST_LINE = 4096
MOST_LINES = 128
# A reply's text is searched for words, so longer texts are cut off. Codes and reasons come first.
LONGEST_TEXT = 2000
GO_AHEAD = 354
CLOSING = 421


class Garbled(Exception):  # noqa: N818 - it describes what the relay said
    """The relay sent data that is not an SMTP reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply code and its text, with the lines joined by a space."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """Return whether the relay accepted the command."""
        return 200 <= self.code < 300  # noqa: PLR2004 - the digits are RFC 5321's

    @property
    def negative(self) -> bool:
        """Return whether the relay refused the command, temporarily or permanently."""
        return self.code >= 400  # noqa: PLR2004 - the digits are RFC 5321's

    @property
    def passing(self) -> bool:
        """Return whether the relay refused the command temporarily."""
        return 400 <= self.code < 500  # noqa: PLR2004 - the digits are RFC 5321's

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


class ReplyReader:
    """A parser that splits a stream of bytes into replies."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] = []

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that `data` completes; raise Garbled if a line is not a reply."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise Garbled("a reply line without an end")
        replies = []
        for line in lines:
            if not self._lines and line[3:4] != b"-":
                replies.append(_reply(line))
                continue
            code, mark = _parts(line)
            self._lines.append(_text(line))
            if mark == b"-":
                if len(self._lines) > MOST_LINES:
                    raise Garbled("a reply without an end")
                continue
            replies.append(_joined(code, self._lines))
            self._lines = []
        return replies


def _parts(line: bytes) -> tuple[bytes, bytes]:
    """Return the code and the mark at the beginning of a line; raise Garbled if there are none."""
    code, mark = line[:3], line[3:4]
    if not code.isdigit() or code[:1] not in b"2345" or mark not in (b" ", b"-", b"\r", b""):
        raise Garbled(repr(line[:80]))
    return code, mark


def _text(line: bytes) -> str:
    return line[4:].decode("utf-8", "replace").strip()


# Most replies of a relay are the same few lines.
@lru_cache(maxsize=256)
def _reply(line: bytes) -> Reply:
    code, _ = _parts(line)
    return _joined(code, [_text(line)])


def _joined(code: bytes, texts: Sequence[str]) -> Reply:
    # A reply is stored with its message, and PostgreSQL does not accept every character.
    return Reply(int(code), cleaned(" ".join(texts))[:LONGEST_TEXT])
