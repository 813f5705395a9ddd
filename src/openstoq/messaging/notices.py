"""What mails that are written for one reader have in common: their headers, and who is greeted."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.messaging import mime

LONGEST_NAME = 60
_LINK = re.compile(r"://|www\.", re.IGNORECASE)


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
    """Return how to address someone; nothing where a "name" is a link to advertise."""
    shown = mime.one_line(name or "")
    return "" if len(shown) > LONGEST_NAME or _LINK.search(shown) else shown
