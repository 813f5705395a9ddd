"""Parts of mails to one reader: the headers of single mails, and the name in a greeting."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from uuid import UUID

from openstoq.messaging import mime
from openstoq.messaging.brand import Brand

LONGEST_NAME = 60
# Characters of names besides letters: punctuation, and signs that join or direct letters.
_IN_NAMES = frozenset(
    " .,'\u2018\u2019\u02bc`\u00b4-\u2010\u2011\u2013\u00b7\u30fb&()\"\u200c\u200d\u200e\u200f"
)
# Characters that a browser (IDNA) or a reader takes for a dot; NFKC makes plain dots of the rest.
_DOTS = str.maketrans(dict.fromkeys("\u3002\u06d4\u0701\u0702\ua4f8\ua60e\u0589", "."))
# After one of these and a dot, the next word belongs to the name as well: Mr.Smith, Dr.med.Huber.
_TITLES = frozenset({
    "mr", "mrs", "ms", "mx", "dr", "prof", "st", "jr", "sr", "rev", "hon", "med", "dent", "vet",
    "rer", "nat", "phil", "iur", "theol", "ing", "dipl", "mag", "herr", "frau", "hr", "sra",
    "srta", "sig", "mme", "mlle",
})  # fmt: skip
# Endings of the domains that strangers advertise. The list need not be complete: a dot between
# words is suspect anyway, and these endings are suspect after a dot and a space as well. Particles
# of names (de, la, di) are not listed.
_ENDINGS = frozenset({
    "com", "net", "org", "info", "biz", "pro", "name", "mobi", "io", "co", "ai", "app", "dev",
    "me", "tv", "cc", "ly", "gl", "gg", "link", "click", "shop", "store", "online", "site",
    "website", "web", "space", "tech", "top", "xyz", "club", "live", "life", "vip", "bid", "loan",
    "icu", "fun", "buzz", "today", "world", "news", "blog", "page", "cloud", "digital", "email",
    "host", "press", "agency", "group", "center", "company", "services", "solutions", "support",
    "market", "sale", "deals", "money", "cash", "finance", "games", "bet", "casino", "poker",
    "pizza", "ru", "cn", "uk", "us", "eu",
})  # fmt: skip
# A text with one of these words is no name, even if the word has no dot beside it.
_PARTS_OF_ADDRESSES = frozenset({"www", "http", "https", "com"})
# The characters that most often show that a text is no name.
_NOT_IN_NAMES = re.compile(r"[\d_@/:]")
# Names of this form, which most are, need no other check than for these words.
_WORDS = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,})*")
_CHAIN = re.compile(r"\w+(?:\.\w+)+")
_AFTER_A_DOT = re.compile(r"(?:\.\s+|\s\.\s*)(\w+)")
_LEADING_DOT = re.compile(r"(?<!\w)\.\w")
_SPELT = re.compile(r"(?:\b\w\b[\s.\u2010-\u2013-]*){4,}")
# Up to four single letters may be initials; a word that is spelt out has more.
_MOST_INITIALS = 4
# Ideographs of numbers occur in names, 五十嵐, but more of them in a row are a telephone number.
_MOST_NUMERALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The sender and the recipient of a mail outside any wave.

    `written_at` is the mail's date. It and `id` stay the same if the mail is sent again. Replies go
    to `reply_to`; if it is None, they go to the sender.
    """

    id: UUID
    written_at: datetime
    sender: str
    sender_name: str
    recipient: str
    message_id_domain: str
    reply_to: str | None = None
    brand: Brand = field(default_factory=Brand)


def notice_headers(notice: Notice, subject: str) -> bytes:
    """Return the headers of a notice; raise ValueError for an invalid address."""
    number = str(notice.id)
    return (
        mime.header("To", mime.mailbox(notice.recipient))
        + mime.date_header(notice.written_at)
        + mime.header(
            "Message-ID", f"<{number}@{mime.message_id_domain(notice.message_id_domain)}>"
        )
        + mime.header("Idempotency-Key", number)
        + mime.from_header(notice.sender_name, notice.sender)
        + mime.reply_to_header(notice.reply_to)
        + mime.text_header("Subject", subject)
        + mime.common_headers()
    )


def presentable(name: str | None) -> str:
    """Return the name for use in a greeting, or "" if it does not look like a name.

    A stranger who signs somebody else up chooses the name, so the name must not carry a message
    from the stranger: no address, no domain, no number. The greeting also works without a name.
    """
    shown = " ".join(mime.single_line(name or "").split())
    if len(shown) > LONGEST_NAME or _NOT_IN_NAMES.search(shown):
        return ""
    if _WORDS.fullmatch(shown):
        return shown if _PARTS_OF_ADDRESSES.isdisjoint(shown.lower().split()) else ""
    if not all(map(_is_in_names, shown)):
        return ""
    plain = unicodedata.normalize("NFKC", shown).translate(_DOTS)
    letters = "".join(one for one in plain if unicodedata.category(one)[0] not in "MC")
    if not any(map(str.isalpha, letters)) or not all(map(_is_in_names, plain)):
        return ""
    return "" if _has_domain(letters.lower()) or _has_number(letters) else shown


def _has_domain(text: str) -> bool:
    """Return whether a text contains a domain, or anything that would be read as one."""
    spelt = ["".join(re.findall(r"\w", found[0])) for found in _SPELT.finditer(text)]
    return (
        not _PARTS_OF_ADDRESSES.isdisjoint(re.findall(r"\w+", text))
        or any(map(_is_domain, _CHAIN.findall(text)))
        or not _ENDINGS.isdisjoint(_AFTER_A_DOT.findall(text))
        or _LEADING_DOT.search(text) is not None
        or any(len(one) > _MOST_INITIALS or one.endswith("com") for one in spelt)
    )


def _is_domain(chain: str) -> bool:
    """Return whether dotted words are a domain, rather than initials or titles with a name."""
    *before, last = chain.split(".")
    if len(last) == 1:
        return any(len(one) > 1 and one not in _TITLES for one in before)
    # Any two letters may be the domain of a country.
    is_name = len(last) > 2 and last not in _ENDINGS  # noqa: PLR2004
    return not (is_name and _TITLES.issuperset(before))


def _has_number(text: str) -> bool:
    """Return whether a text has enough consecutive numerals to be a telephone number."""
    numerals = (unicodedata.numeric(one, None) is not None for one in text if one.isalpha())
    return any(is_one and len(list(row)) > _MOST_NUMERALS for is_one, row in groupby(numerals))


def _is_in_names(character: str) -> bool:
    return character in _IN_NAMES or unicodedata.category(character)[0] in "LM"
