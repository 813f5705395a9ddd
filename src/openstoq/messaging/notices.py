"""What mails that are written for one reader have in common: their headers, and who is greeted."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.messaging import mime

LONGEST_NAME = 60
# Beside letters: what stands in names, and what joins or directs the letters of some scripts.
_IN_NAMES = frozenset(
    " .,'\u2018\u2019\u02bc`\u00b4-\u2010\u2011\u2013\u00b7\u30fb&()\"\u200c\u200d\u200e\u200f"
)
# Dots in the eyes of a browser (IDNA) or of a reader, once compatible forms are made plain.
_DOTS = str.maketrans(dict.fromkeys("\u3002\u06d4\u0701\u0702\ua4f8\ua60e\u0589", "."))
# A dot in a name ends it, or an initial, or a word: "J. R.", "J.R. Smith", "J.-P.". A domain goes on.
_DOMAIN = re.compile(r"\.(?!$|[\s,)'\u2019\u2010-\u2013-]|\w(?:$|[.\s,)\u2010-\u2013-]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """From whom to whom a one-off mail goes.

    `id` and `written_at`, the mail's date, stay the same when it is sent again.
    """

    id: UUID
    written_at: datetime
    sender: str
    sender_name: str
    recipient: str
    message_id_domain: str


def notice_headers(notice: Notice, subject: str) -> bytes:
    """Return the headers of a one-off mail; raise ValueError for an address that is none."""
    number = str(notice.id)
    return (
        mime.header("To", mime.mailbox(notice.recipient))
        + mime.date_header(notice.written_at)
        + mime.header(
            "Message-ID", f"<{number}@{mime.message_id_domain(notice.message_id_domain)}>"
        )
        + mime.header("Idempotency-Key", number)
        + mime.from_header(notice.sender_name, notice.sender)
        + mime.text_header("Subject", subject)
        + mime.common_headers()
    )


def presentable(name: str | None) -> str:
    """Return how to address someone; nothing where a "name" is none.

    Whoever signs somebody else up chooses it, so it must not carry what they want to be read: no
    address, no domain, no number. A greeting without a name is a greeting as well.
    """
    shown = mime.one_line(name or "")
    if len(shown) > LONGEST_NAME or not all(map(_is_in_names, shown)):
        return ""
    plain = unicodedata.normalize("NFKC", shown).translate(_DOTS)
    letters = "".join(one for one in plain if unicodedata.category(one)[0] not in "MC")
    if not any(map(str.isalpha, letters)) or not all(map(_is_in_names, plain)):
        return ""
    return "" if _DOMAIN.search(letters) else shown


def _is_in_names(character: str) -> bool:
    return character in _IN_NAMES or unicodedata.category(character)[0] in "LM"
