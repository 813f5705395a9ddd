"""The wire format of a message (RFC 5322, 2045, 2047): headers, encoded bodies and parts."""

import re
from base64 import b64encode
from binascii import b2a_qp
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from openstoq.kernel.contacts import with_ascii_domain

SOFT_BREAK = b"=\r\n"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_SPACES = re.compile(r"\s+")
_NO_BREAK = ("\u00a0", "\u202f")
_URL = re.compile(r"https?://[\w.~:/?#\[\]@!$&'()*+;=%-]+", re.ASCII | re.IGNORECASE)
_URL_CHARACTERS = "/:?#[]@!$&'()*+;=%~"
# Octets of text in one encoded word: base64 adds a third, and with "=?utf-8?b?" and "?=" the word
# stays within 75.
_WORD = 45
# A longer text is written in encoded words, because only these can be folded anywhere.
_LINE = 64
_LONGEST_LINE = 998
# "=_" cannot occur in quoted-printable, and "=" only at the end in base64.
_BOUNDARY = b"=_openstoq_part"


def single_line(text: str) -> str:
    """Return `text` on one line, without control characters, lone surrogates or repeated spaces.

    A no-break space stays: French has one before some signs, and amounts have them between digits.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(_one_space, _CONTROLS.sub(" ", text)).strip()


def _one_space(spaces: re.Match[str]) -> str:
    return spaces[0] if spaces[0] in _NO_BREAK else " "


def mailbox(address: str) -> str:
    """Return `address` for use in a header, with an ASCII domain if the rest is ASCII.

    Raises ValueError for anything other than one plain address.
    """
    carried = with_ascii_domain(address)
    return carried if carried.isascii() else address


def web_address(url: str) -> str:
    """Return `url` in ASCII, ready for a header or link; raise ValueError if it is not http(s)."""
    if not _URL.fullmatch(url):
        url = quote(single_line(url), safe=_URL_CHARACTERS)
        if not _URL.fullmatch(url):
            raise ValueError(f"{url!r} is not a web address; it has to begin with https://.")
    return url


def web_address_or_none(url: str | None) -> str | None:
    """Return `url` as `web_address` does, or None if it is missing or invalid.

    A mail is written without a link or picture that has no valid address.
    """
    try:
        return web_address(url) if url else None
    except ValueError:
        return None


def header(name: str, value: str) -> bytes:
    """Return one header line; raise ValueError if it would make the message malformed."""
    line = f"{name}: {value}\r\n".encode()
    if len(line) > _LONGEST_LINE or "\r" in value or "\n" in value or "\0" in value:
        raise ValueError(f"The header {name} is too long or has a line break; shorten its value.")
    return line


def text_header(name: str, text: str) -> bytes:
    """Return a header of free text, using encoded words where needed."""
    text = single_line(text)
    if text.isascii() and len(text) <= _LINE and "=?" not in text:
        return header(name, text)
    return f"{name}: {_encoded_words(text)}\r\n".encode()


def from_header(display_name: str, address: str) -> bytes:
    """Return the From header of `address`, shown as `display_name`."""
    shown, address = single_line(display_name), mailbox(address)
    if not shown:
        return header("From", address)
    if shown.isascii() and len(shown) <= _LINE and "=?" not in shown:
        escaped = shown.replace("\\", r"\\").replace('"', r"\"")
        return f'From: "{escaped}"\r\n <{address}>\r\n'.encode()
    return f"From: {_encoded_words(shown)}\r\n <{address}>\r\n".encode()


def reply_to_header(address: str | None) -> bytes:
    """Return the Reply-To header for `address`, or b"" if there is no address that can be used.

    An address that is not ASCII would need a relay with SMTPUTF8 for every recipient.
    """
    try:
        carried = mailbox(address) if address else ""
    except ValueError:
        return b""
    return header("Reply-To", carried) if carried and carried.isascii() else b""


def message_id_domain(domain: str) -> str:
    """Return `domain` for Message-IDs; each character not allowed there becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", domain)


def date_header(when: datetime) -> bytes:
    """Return the Date header, with a precision of one second."""
    return _date_header(when.replace(microsecond=0))


@lru_cache(maxsize=64)
def _date_header(second: datetime) -> bytes:
    return header("Date", format_datetime(second))


def common_headers() -> bytes:
    """Return the headers that are the same in all our messages."""
    return header("MIME-Version", "1.0") + header("Auto-Submitted", "auto-generated")


def quoted_printable(text: str) -> bytes:
    """Encode a text, or the last piece of a text, in lines of at most 76 octets."""
    return b2a_qp(text.replace("\r\n", "\n").encode()).replace(b"\n", b"\r\n")


# A message has most pieces in both of its bodies.
@lru_cache(maxsize=64)
def quoted_printable_piece(text: str) -> bytes:
    """Encode a piece of a text such that a soft line break may follow it."""
    # The letter keeps the last line one octet short of the limit, which leaves room for the "=".
    return quoted_printable(text + "x")[:-1]


def alternative(text: bytes, html: bytes) -> bytes:
    """Return the rest of a message from its Content-Type header on, with two encoded bodies."""
    return _multipart("alternative", _part("plain", text), _part("html", html))


def with_attachment(text: bytes, filename: str, document: bytes) -> bytes:
    """Return the rest of a message from its Content-Type header on, with text and attached JSON."""
    encoded = b64encode(document)
    lines = b"\r\n".join(encoded[start : start + 76] for start in range(0, len(encoded), 76))
    attachment = (
        b"Content-Type: application/json\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="%b"\r\n\r\n%b'
    ) % (filename.encode(), lines)
    return _multipart("mixed", _part("plain", text), attachment)


def _multipart(subtype: str, first: bytes, second: bytes) -> bytes:
    return (
        b'Content-Type: multipart/%(subtype)b;\r\n boundary="%(mark)b"\r\n\r\n'
        b"--%(mark)b\r\n%(first)b\r\n--%(mark)b\r\n%(second)b\r\n--%(mark)b--\r\n"
    ) % {b"subtype": subtype.encode(), b"mark": _BOUNDARY, b"first": first, b"second": second}


def _part(subtype: str, encoded: bytes) -> bytes:
    return (
        b"Content-Type: text/%b; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%b"
    ) % (subtype.encode(), encoded)


def _encoded_words(text: str) -> str:
    words: list[bytes] = []
    word = b""
    for character in text:
        octets = character.encode()
        if len(word) + len(octets) > _WORD:
            words.append(word)
            word = b""
        word += octets
    words.append(word)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words)
