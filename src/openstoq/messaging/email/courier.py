"""Mail transactions on one session, pipelined if the relay announces PIPELINING (RFC 2920).

With PIPELINING, a message costs one round trip: the next message's MAIL, RCPT and DATA are sent
together with the current message's content. Without PIPELINING, each command waits for its reply.
"""

from dataclasses import dataclass
from time import monotonic

import structlog

from openstoq.kernel.faults import trace_of
from openstoq.messaging.email.envelope import END_OF_CONTENT, Undeliverable, envelope, stuffed
from openstoq.messaging.email.replies import CLOSING, GO_AHEAD, Reply
from openstoq.messaging.email.session import Session, SessionLost
from openstoq.messaging.email.turns import Turn
from openstoq.messaging.email.verdicts import Stage, delivery
from openstoq.messaging.port import Delivery, Email, Outbox, Outcome

log = structlog.get_logger(__name__)

# The end of a message larger than this is written only once the rest was sent. A message that got
# stuck halfway is then known not to have arrived.
LARGE = 256 * 1024
RESET = b"RSET\r\n"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message prepared for one relay: the commands of its envelope, and its content."""

    email: Email
    commands: list[bytes]
    content: bytes


class Courier:
    """The sender of messages over one session, which tracks how far each message got.

    `most` is the number of messages that the session may carry in all.
    """

    def __init__(self, session: Session, outbox: Outbox, turn: Turn, most: int) -> None:
        self._session = session
        self._outbox = outbox
        self._turn = turn
        self._most = most
        self._opening: Parcel | None = None
        """The parcel whose envelope is written or about to be written, but not its content."""
        self._handed: Parcel | None = None
        """The parcel whose content is completely written and whose reply is due."""

    async def carry(self, email: Email) -> Email | None:
        """Send `email` and, until the turn is over, further messages that the outbox has ready.

        If the session is lost before a message from the outbox was handed over, returns that
        message. No outcome was recorded for it, so another session may send it. Otherwise returns
        None.
        """
        try:
            self._opening = self._packed(email) or self._upcoming()
            written = False
            while self._opening is not None:
                if await self._agreed(self._opening, written=written):
                    written = await self._hand_over(self._opening)
                else:
                    self._opening, written = self._upcoming(), False
        except SessionLost as lost:
            self._settle_handed(Delivery(Outcome.UNKNOWN, str(lost)))
            return self._opening.email if self._opening is not None else None
        except BaseException:
            stopped = "Sending was stopped before the relay had answered."
            self._settle_handed(Delivery(Outcome.UNKNOWN, stopped))
            if self._opening is not None:
                self._outbox.record(self._opening.email, Delivery(Outcome.DEFERRED, stopped))
            raise
        return None

    async def _agreed(self, parcel: Parcel, *, written: bool) -> bool:
        """Send the envelope, unless it is already `written`; return whether the relay accepts it.

        If the relay does not accept the envelope, this is recorded as the message's outcome.
        """
        if self._session.stale:
            [reset] = await self._session.ask([RESET])
            if not reset.positive:
                raise SessionLost(f"The relay refused to begin a new transaction: {reset}")
            self._session.stale = False
        if self._session.pipelining:
            if not written:
                self._session.write(b"".join(parcel.commands), len(parcel.commands))
            replies = await self._session.replies(len(parcel.commands))
        else:
            replies = await self._session.ask(parcel.commands)
        last = replies[-1]
        if last.code == CLOSING and self._session.served:
            # The relay ended this connection; it may accept the message on another one.
            raise SessionLost(f"The relay closed the connection: {last}")
        # In the order of the commands; without pipelining, the first refused command is the last.
        answers = list(zip((Stage.MAIL, Stage.RCPT, Stage.DATA), replies, strict=False))
        refused = [answer for answer in answers[:2] if not answer[1].positive]
        if last.code == GO_AHEAD and not refused:
            return True
        if last.code == GO_AHEAD:
            # DATA was accepted without a recipient: an empty message ends it (RFC 2920).
            await self._session.ask([END_OF_CONTENT])
        elif replies[0].positive:
            self._session.stale = True
        self._settle_opening(*(refused or answers[-1:])[0])
        return False

    async def _hand_over(self, parcel: Parcel) -> bool:
        """Send the content; return whether the envelope of the next message was sent with it."""
        content, due = parcel.content, 1
        if len(content) > LARGE:
            # The reply is due from now on: a relay may refuse content before the end of it.
            self._session.write(content, 1)
            await self._session.drain()
            content, due = b"", 0
        following = self._upcoming()
        self._opening = following
        opens = self._session.pipelining and following is not None
        commands = following.commands if opens and following is not None else []
        try:
            self._session.write(b"".join((content, END_OF_CONTENT, *commands)), due + len(commands))
        except SessionLost:
            # Nothing was written: this parcel is incomplete, and the next was not begun.
            self._opening = parcel
            if following is not None:
                lost = Delivery(Outcome.DEFERRED, "The connection to the relay was lost.")
                self._outbox.record(following.email, lost)
            raise
        self._handed, handed_at = parcel, monotonic()
        reply = await self._session.reply()
        self._turn.note_answer(monotonic() - handed_at)
        self._session.served += 1
        self._settle_handed(delivery(Stage.CONTENT, reply))
        return opens

    @property
    def _may_go_on(self) -> bool:
        return self._session.usable and not self._turn.is_over

    def _upcoming(self) -> Parcel | None:
        """Take the next ready message that this relay can accept.

        Returns None if no message is ready, or if this session must not take another.
        """
        while self._session.served + 1 < self._most and self._may_go_on:
            email = self._outbox.next_nowait()
            if email is None:
                return None
            parcel = self._packed(email)
            if parcel is not None:
                return parcel
        return None

    def _packed(self, email: Email) -> Parcel | None:
        """Return a message prepared for this relay.

        If the message cannot be prepared, records this as its outcome, and returns None.
        """
        try:
            return Parcel(email, envelope(email, self._session), stuffed(email.content))
        except Undeliverable as reason:
            self._outbox.record(email, Delivery(reason.outcome, str(reason)))
        except Exception as error:  # noqa: BLE001 - any error here concerns this message alone
            self._outbox.record(email, _unpacked(email, error))
        return None

    def _settle_opening(self, stage: Stage, reply: Reply) -> None:
        parcel, self._opening = self._opening, None
        if parcel is not None:
            self._session.served += 1
            self._outbox.record(parcel.email, delivery(stage, reply))

    def _settle_handed(self, outcome: Delivery) -> None:
        parcel, self._handed = self._handed, None
        if parcel is not None:
            self._outbox.record(parcel.email, outcome)


def _unpacked(email: Email, error: Exception) -> Delivery:
    kind = type(error).__name__
    log.error("mail.not_packed", message_id=str(email.id), error=kind, trace=trace_of(error))
    return Delivery(Outcome.REJECTED, f"openstoq could not pack this message ({kind})")
