"""Verdicts: the outcome of a message, judged by the stage, codes and words of the relay's reply.

Codes alone do not show whose fault a refusal is: a relay replies 550 for a mailbox that does not
exist, and also for a missing login. If the reply contains a wording that we know from a relay, the
wording decides. Otherwise, the enhanced code of RFC 3463 decides. If there is no such code, the
words of the reply decide. A refusal that is not clearly about the recipient's mailbox is not held
against the mailbox.
"""

import re
from enum import StrEnum
from functools import lru_cache

from openstoq.messaging.email.replies import CLOSING, Reply
from openstoq.messaging.email.wordings import Meaning, meaning_of, names_quota
from openstoq.messaging.port import Delivery, Outcome


class Stage(StrEnum):
    """The step of a transaction to which a reply belongs."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"


# RFC 3463: class, subject and detail. qmail puts them at the end, after a #.
_ENHANCED = re.compile(r"(?:^#?|[(\s]#)([245])\.(\d{1,3})\.(\d{1,3})(?![.\d])")
# Addresses, links and host names are not the relay's own words.
_NAMES = re.compile(r"\S*@\S*|\w+://\S+|\b[\w-]+(?:\.[\w-]+)+", re.ASCII)

_MAILBOX = r"(?:users?|mailbox(?:es)?|recipients?|address(?:es|ee)?|inbox|alias|person|(?:e-?mail )?account)"
_ABSENT = (
    r"(?:unknown|invalid|bad|not (?:found|exist|local|here|known|valid)|\w+n't exist|unavailable"
    r"|unroute?able|undeliverable|disabled|deactivated|inactive|moved|name not allowed|no longer)"
)
# A word for a mailbox and a word for its absence, in either order and with little between them.
_NOBODY_THERE = re.compile(
    rf"\b{_MAILBOX}\b.{{0,80}}\b{_ABSENT}\b|\b{_ABSENT}\b.{{0,80}}\b{_MAILBOX}\b"
    rf"|\bno (?:such )?(?:\w+ )?{_MAILBOX}\b|\bno such (?:person|name)\b|\bunroute?able\b",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"\b(?:user|mailbox|recipient|inbox)\b.*\b(?:full|quota|storage)\b"
    r"|\b(?:full|quota|storage)\b.*\b(?:user|mailbox|recipient|inbox)\b",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\bsize\b|\blength\b|too (?:big|large|long)", re.IGNORECASE)
_GREYLISTED = re.compile(r"gr[ae]y ?-?list", re.IGNORECASE)
# A reply with one of these words is about the sender, whatever else it says.
_SENDER = re.compile(
    r"\b(?:sender|from address|return[ -]path|client host|helo|ehlo|sending|submission|daily|hourly"
    r"|per (?:day|hour)|relay(?! recipient))",
    re.IGNORECASE,
)
# Words of policy, login, account, contract, reputation, rate and trouble. A reply that is only
# about a mailbox has none of them. A needless word costs a dead address some retries; a missing
# word gets the shoppers of a waitlist blocked.
_POLICY = re.compile(
    r"\b(?:polic|(?:un)?auth|log ?[io]n|sign ?in|credential|passw|user ?names?\b|token|key\b|api\b"
    r"|permission|permit|prohibit|forbid|denied|deny|(?<!mailbox name )not allowed|allowed to"
    r"|(?<!suppression )list(?:s|ed|ing)?\b|\w+ ?-?list(?:ed|ing)\b"
    r"|(?:allow|deny|white|black|block|safe|grey|gray) ?-?list"
    r"|spam|junk|virus|black|block|reputation|suspicious|abus|complain|blacklist|fraud|phish"
    r"|rate\b|limit|quota|exceed|too many|too much|throttl|hour|max|reached|server busy|overload"
    r"|credit|billing|payment|invoice|paid\b|unpaid|fund|balance|suspend|upgrade|plan\b|tier\b"
    r"|trial|free\b|demo\b|sandbox|evaluation|test\b|testing|subscription|contract|licen[cs]e"
    r"|expire|customer|client|tenant|reseller|(?:this|your|our|the sending) account"
    r"|support\b|administrator|help ?desk|please contact|contact (?:us|your|the)\b"
    r"|activat|register|enroll|confirm|(?:un)?verif|valida|complian|legal|region|country"
    r"|from\b|your\b|you (?:are not|have|must|need|may|can|cannot|should)\b|ip\b|dns|rbl|ptr\b"
    r"|reverse|spf|dkim|dmarc|tls|ssl|encrypt|service|temporar|try again|later\b|connection|bounce"
    r"|maintenance|outage|timed? ?out|internal|database|ldap|backend|directory|system\b"
    r"|lookup (?:fail|error)|configur)",
    re.IGNORECASE,
)
_INACTIVE = re.compile(
    rf"\b{_MAILBOX}\b.{{0,80}}\b(?:inactive|suppress)|\bsuppress\w*\b.{{0,80}}\b{_MAILBOX}\b",
    re.IGNORECASE,
)

_MAILBOXES, _MESSAGE = 2, 6
"""Subjects of RFC 3463: the status of the mailbox, and the content of the message."""
# The mailbox does not exist (RFC 3463, 5248 and 7505).
_NOBODY = {(1, 1), (1, 2), (1, 3), (1, 6), (1, 10)}
# These codes also cover cases without a code of their own, so the words have to agree.
_EQUIVOCAL = {(1, 0), (2, 1)}
# The mailbox exists, but cannot accept this message: it is full, or the message is too big.
_NO_ROOM = {(2, 2), (2, 3), (3, 4)}
_NOT_AT_MAIL = {(3, 4), (6, 7)}
"""Codes that are the message's fault even in reply to MAIL: its size, and SMTPUTF8."""
_CODES_OF_NOBODY = {550, 551, 553}
_CODE_OF_SIZE = 552
_CODE_OF_BUSY = 450


# Most replies of a relay are the same few.
@lru_cache(maxsize=256)
def delivery(stage: Stage, reply: Reply) -> Delivery:
    """Return the delivery result of a message, given the relay's `reply` at this SMTP `stage`."""
    meaning = meaning_of(reply.text) if reply.negative else None
    outcome = _outcome(stage, reply, meaning)
    is_quota = (
        outcome is Outcome.TURNED_AWAY
        and reply.negative
        and (meaning is Meaning.QUOTA or (meaning is None and names_quota(reply.text)))
    )
    return Delivery(outcome, str(reply), stage.value, is_quota)


def _outcome(stage: Stage, reply: Reply, meaning: Meaning | None) -> Outcome:
    if reply.code == CLOSING or not reply.negative:
        # The relay hangs up, or its reply is not a refusal: neither is the fault of a message.
        is_taken = stage is Stage.CONTENT and reply.positive
        return Outcome.ACCEPTED if is_taken else Outcome.TURNED_AWAY
    found = _ENHANCED.search(reply.text)
    status = (int(found[2]), int(found[3])) if found is not None else None
    if stage is Stage.MAIL or stage is Stage.DATA:
        is_messages = status in _NOT_AT_MAIL and not reply.passing
        return Outcome.REJECTED if is_messages else Outcome.TURNED_AWAY
    if meaning is not None:
        return _by_meaning(meaning, is_passing=reply.passing)
    if reply.passing:
        return _passing(reply.code, status, _words_of(reply))
    # Two codes that contradict each other do not make a final refusal.
    is_contradictory = found is not None and found[1] != "5"
    return Outcome.TURNED_AWAY if is_contradictory else _final(stage, reply, status)


def _words_of(reply: Reply) -> str:
    return _NAMES.sub(" ", _ENHANCED.sub(" ", reply.text))


def _final(stage: Stage, reply: Reply, status: tuple[int, int] | None) -> Outcome:
    words = _words_of(reply)
    if _SENDER.search(words):
        return Outcome.TURNED_AWAY
    if status is None:
        return _by_words(stage, reply.code, words)
    return _by_status(stage, status, words)


def _by_meaning(meaning: Meaning, *, is_passing: bool) -> Outcome:
    if meaning in (Meaning.QUOTA, Meaning.SENDER):
        return Outcome.TURNED_AWAY
    return Outcome.DEFERRED if is_passing else Outcome.REJECTED


def _passing(code: int, status: tuple[int, int] | None, words: str) -> Outcome:
    """Return the outcome of a temporary refusal.

    It is DEFERRED if the reply is about the recipient's mailbox, and otherwise TURNED_AWAY.
    """
    if _GREYLISTED.search(words):
        return Outcome.DEFERRED
    if _SENDER.search(words):
        return Outcome.TURNED_AWAY
    if status is not None:
        is_mailboxes = status[0] == _MAILBOXES or status in _NOBODY
    else:
        is_mailboxes = bool(_FULL.search(words)) or (
            code == _CODE_OF_BUSY and not _POLICY.search(words)
        )
    return Outcome.DEFERRED if is_mailboxes else Outcome.TURNED_AWAY


def _by_status(stage: Stage, status: tuple[int, int], words: str) -> Outcome:
    is_nobody = status in _NOBODY or (status in _EQUIVOCAL and _NOBODY_THERE.search(words))
    if is_nobody and not _POLICY.search(words):
        # A relay that has seen the content may mean the content instead.
        return Outcome.REFUSED if stage is Stage.RCPT else Outcome.REJECTED
    if status in _NO_ROOM or status[0] == _MESSAGE or status == (_MAILBOXES, 1):
        return Outcome.REJECTED
    # The other subjects: the sender's address, system, routing, protocol and policy.
    return Outcome.TURNED_AWAY


def _by_words(stage: Stage, code: int, words: str) -> Outcome:
    if _FULL.search(words):
        return Outcome.REJECTED
    if stage is Stage.CONTENT:
        is_size = code == _CODE_OF_SIZE and _SIZE.search(words)
        is_inactive = _INACTIVE.search(words) and not _POLICY.search(words)
        return Outcome.REJECTED if is_size or is_inactive else Outcome.TURNED_AWAY
    is_there = not (_NOBODY_THERE.search(words) or _INACTIVE.search(words))
    is_nobody = code in _CODES_OF_NOBODY and not is_there and not _POLICY.search(words)
    return Outcome.REFUSED if is_nobody else Outcome.TURNED_AWAY
