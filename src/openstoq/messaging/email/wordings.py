"""Wordings of known relays, with the meaning of each.

The codes of these replies do not show their meaning. Amazon says 554 about our account, about the
message, and about a recipient that it suppresses. Microsoft says 5.2.2 about a full mailbox and
about our quota. A wording that is not in the table is judged by its codes and words, in `verdicts`.
"""

import re
from enum import StrEnum


class Meaning(StrEnum):
    """The subject of a refusal: us, the recipient, or the message."""

    QUOTA = "quota"
    """Us: we sent as much as the relay takes from us in an hour, a day or a month."""
    SENDER = "sender"
    """Us: our login, account, reputation or pace, or the relay's own trouble."""
    LATER = "later"
    """The recipient, whose mailbox takes nothing for now."""
    MESSAGE = "message"
    """This message, or this recipient for a reason other than that the address is wrong."""


# By relay, in lower case. A wording about us wins over others that the same reply contains.
WORDINGS: dict[str, tuple[tuple[str, Meaning], ...]] = {
    "amazon ses": (
        ("daily message quota exceeded", Meaning.QUOTA),
        ("maximum sending rate exceeded", Meaning.SENDER),
        ("too many concurrent smtp connections", Meaning.SENDER),
        ("email address is not verified", Meaning.SENDER),
        ("sending suspended for this account", Meaning.SENDER),
        ("sending paused for this", Meaning.SENDER),
        ("is not authorized to perform", Meaning.SENDER),
        ("authentication credentials invalid", Meaning.SENDER),
        ("temporary service failure", Meaning.SENDER),
        ("message rejected: address blacklisted", Meaning.MESSAGE),
        ("message rejected: address is on the suppression list", Meaning.MESSAGE),
        ("message rejected: message contains a virus", Meaning.MESSAGE),
        ("transaction failed: duplicate header", Meaning.MESSAGE),
        ("invalid rcpt to address provided", Meaning.MESSAGE),
    ),
    "gmail": (
        ("daily user sending limit exceeded", Meaning.QUOTA),
        ("daily smtp relay sending limit exceeded", Meaning.QUOTA),
        ("daily smtp relay limit exceeded", Meaning.QUOTA),
        ("daily sending quota exceeded", Meaning.QUOTA),
        ("email quota exceeded", Meaning.QUOTA),
        ("peak smtp relay limit exceeded", Meaning.SENDER),
        ("unusual rate of unsolicited mail", Meaning.SENDER),
        ("too many login attempts", Meaning.SENDER),
    ),
    "postfix": (
        ("policy rejection- quota exceeded", Meaning.QUOTA),
        ("sender address rejected: quota exceeded", Meaning.QUOTA),
        ("error: too much mail from", Meaning.SENDER),
        ("error: too many recipients", Meaning.SENDER),
        ("recipient address rejected: over quota", Meaning.LATER),
        ("recipient address rejected: mailbox is over quota", Meaning.LATER),
    ),
    "exchange": (
        ("you've reached your daily limit for message recipients", Meaning.QUOTA),
        ("exceeded its daily limit for sending email", Meaning.QUOTA),
        ("submissionquotaexceededexception", Meaning.QUOTA),
        ("submission quota exceeded", Meaning.QUOTA),
        ("tenant has exceeded threshold", Meaning.QUOTA),
        ("sender throttled due to continuous", Meaning.SENDER),
        ("concurrent connections limit exceeded", Meaning.SENDER),
        ("access denied, bad outbound sender", Meaning.SENDER),
        ("recipient thread limit exceeded", Meaning.LATER),
        ("remote server returned unknown recipient", Meaning.MESSAGE),
    ),
    "mailgun": (
        ("is not allowed to send: recipient limit exceeded", Meaning.QUOTA),
        ("is not allowed to send: request limit exceeded", Meaning.QUOTA),
        ("monthly message limit exceeded", Meaning.QUOTA),
        ("is not allowed to send", Meaning.SENDER),
        ("sandbox subdomains are for test purposes only", Meaning.SENDER),
        ("too many connections from your host", Meaning.SENDER),
    ),
    "postmark": (
        ("you ran out of credits", Meaning.QUOTA),
        ("found inactive addresses", Meaning.MESSAGE),
        ("while your account is pending approval", Meaning.SENDER),
        ("sender signature", Meaning.SENDER),
        ("server has been disabled", Meaning.SENDER),
        ("rate limit exceeded", Meaning.SENDER),
    ),
}
# So short that servers say the same of a recipient's mailbox. They have their meaning only in a reply
# that is not about a mailbox.
_SHORT = {"email quota exceeded", "rate limit exceeded"}
_BY_WEIGHT = list(Meaning)
_ALL = sorted(
    (one for wordings in WORDINGS.values() for one in wordings),
    key=lambda one: _BY_WEIGHT.index(one[1]),
)
# Between the lines of a reply, Google and others repeat the enhanced code.
_CODE = re.compile(r"\b[245]\.(\d{1,3})\.\d{1,3}\b")
_MAILBOX = re.compile(r"\b(?:users?|mailbox|recipients?|inbox)\b(?![\w.+-]*@)", re.IGNORECASE)

_MOST = r"(?:limit|quota|maximum|max|cap)"
_SPAN = r"(?:per|this|each|an?|in|within|last) (?:\d+ ?)?(?:day|hour|month|week|24)"
# A quota of an hour or longer, in the words of relays that are not in the table.
_QUOTA = re.compile(
    rf"\b(?:daily|hourly|monthly|weekly|24[- ]hour)\b.{{0,60}}\b{_MOST}\b"
    rf"|\b{_MOST}\b.{{0,60}}\b(?:{_SPAN}|daily|hourly|monthly)|\b{_SPAN}.{{0,60}}\b{_MOST}\b"
    r"|\b(?:sending|recipients?|messages?|e-?mails?|submission) (?:limit|quota)s? (?:\w+ ){0,2}"
    r"(?:exceeded|reached)|\b(?:exceeded|reached) \w+ (?:sending|recipient|message|e-?mail) (?:limit|quota)"
    r"|\bquota\b.{0,40}\b(?:exceeded|reached|exhausted|used up)"
    r"|\bcredits? (?:exceeded|exhausted|used up)|\bout of credits?\b|\bmaximum credits\b",
    re.IGNORECASE,
)


def meaning_of(text: str) -> Meaning | None:
    """Return the meaning of a reply's text.

    Returns None if the text contains no wording of a known relay.
    """
    words = " ".join(_CODE.sub(" ", text).lower().replace("\u2019", "'").split())
    ignored = _SHORT if _is_about_mailbox(text) else set()
    return next(
        (meaning for wording, meaning in _ALL if wording in words and wording not in ignored), None
    )


def _is_about_mailbox(text: str) -> bool:
    """Return whether a reply is about a mailbox.

    The enhanced status code decides. If the reply has none, its words decide.
    """
    subjects = _CODE.findall(text)
    return "2" in subjects if subjects else bool(_MAILBOX.search(text))


def names_quota(text: str) -> bool:
    """Return whether a reply that is about us names a quota for an hour or for a longer time."""
    return bool(_QUOTA.search(_CODE.sub(" ", text)))
