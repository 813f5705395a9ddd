"""The port of e-mail transports: the interface for which `bootstrap` picks an adapter."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from openstoq.errors import Systemic
from openstoq.kernel.texts import cleaned

LONGEST_REPLY = 500
# A relay's refusals may be temporary for as long as mail servers retry (RFC 5321, 4.5.4.1).
PATIENCE = timedelta(days=5)
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")


class Outcome(StrEnum):
    """The outcome of a message that was taken from the outbox."""

    ACCEPTED = "accepted"
    """The relay replied 2xx after the message's end, and is now responsible for the message."""
    REFUSED = "refused"
    """Nobody can be reached at the recipient's address, whatever the message."""
    REJECTED = "rejected"
    """This message cannot be delivered, although the recipient's address may be valid."""
    TURNED_AWAY = "turned_away"
    """The relay does not serve us at the moment: our login, sender, account, or its own trouble."""
    DEFERRED = "deferred"
    """The relay said "later", or failed before it had the message's end: retry."""
    UNKNOWN = "unknown"
    """The message's end was sent but no reply was received: the relay may have the message."""


@dataclass(frozen=True, slots=True)
class Email:
    """One message to one recipient; `content` is the whole RFC 5322 message with CRLF line ends."""

    id: UUID
    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """An outcome, and the relay's reply that led to it (or our own text if there was no reply).

    `stage` is the step to which the relay replied: a command of the transaction, or the content.
    `is_quota` is true if the relay turned us away because our quota of an hour, a day or a month is
    used up.
    """

    outcome: Outcome
    reply: str
    stage: str | None = None
    is_quota: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "reply", cleaned(self.reply)[:LONGEST_REPLY])

    @property
    def is_refusal(self) -> bool:
        """Return whether the relay replied and did not accept the message, for whatever reason."""
        return self.says_later or self.outcome in (
            Outcome.REFUSED,
            Outcome.REJECTED,
            Outcome.TURNED_AWAY,
        )

    @property
    def says_later(self) -> bool:
        """Return whether the relay itself said "later".

        A message is also DEFERRED if the relay could not be reached; then this is false.
        """
        return self.outcome is Outcome.DEFERRED and self.reply.startswith("4")

    def reply_without(self, recipient: str) -> str:
        """Return the reply without addresses, for logs.

        Relays quote the recipient's address, which must not reach a log.
        """
        local = re.escape(recipient.rpartition("@")[0])
        whole = re.compile(rf"{re.escape(recipient)}|(?<![\w.@]){local}(?![\w.@])", re.IGNORECASE)
        return _ADDRESS.sub("an address", whole.sub("the recipient", self.reply))


class RelayUnavailable(Systemic):
    """No relay can be reached at the moment; the message says why and what to check."""

    def __init__(self, reason: str) -> None:
        super().__init__(cleaned(reason)[:LONGEST_REPLY])


class Outbox(Protocol):
    """A source of messages, to which a transport reports the outcomes.

    The messages are sent on behalf of `owner`: a transport serves several owners in turn.
    """

    owner: UUID | None = None

    async def next(self) -> Email | None:
        """Wait until a message may be sent, and take it; return None if there will be no more.

        Several connections wait here at once. A cancelled wait takes no message.
        """

    def next_nowait(self) -> Email | None:
        """Take a message if one may be sent immediately; otherwise return None.

        None does not mean that the outbox has ended: a transport that needs to know awaits `next`.
        """

    def record(self, email: Email, delivery: Delivery) -> None:
        """Record the outcome of a taken message; called exactly once for each."""


class EmailTransport(Protocol):
    """The interface of a transport, which hands messages over to a relay."""

    async def send(self, outbox: Outbox) -> None:
        """Send the messages of `outbox` until it ends, over several connections.

        Concurrent calls share the allowed connections. No call waits long until its first message
        is sent: owners take turns, and so do the outboxes of one owner. An outcome is recorded for
        every message that was taken from the outbox, and this never waits for a further message to
        be taken. If the relay cannot be reached, the outcomes of the taken messages are recorded,
        and then RelayUnavailable is raised. The caller should wait before calling again.
        """

    async def aclose(self) -> None:
        """Send QUIT on idle connections and close them."""
