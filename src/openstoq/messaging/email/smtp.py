"""The SMTP transport: several connections to one relay, kept between waves."""

import asyncio
from collections import deque
from time import monotonic

from typing_extensions import override

from openstoq.messaging.email.connect import connect
from openstoq.messaging.email.courier import Courier
from openstoq.messaging.email.session import Session
from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.port import (
    Delivery,
    Email,
    EmailTransport,
    Outbox,
    Outcome,
    RelayUnavailable,
)

# A relay that drops this many connections in a row before taking anything is not there.
MOST_LOSSES = 3


class SMTPTransport(EmailTransport):
    """Hands messages over to the relay that the settings name."""

    def __init__(self, settings: SMTPSettings) -> None:
        self._settings = settings
        self._context = settings.tls_context()
        self._idle: deque[tuple[Session, float]] = deque()

    @override
    async def send(self, outbox: Outbox) -> None:
        ended = await asyncio.gather(
            *(self._lane(outbox) for _ in range(self._settings.connections)),
            return_exceptions=True,
        )
        for failure in ended:
            if isinstance(failure, BaseException) and not isinstance(failure, RelayUnavailable):
                raise failure
        # A relay may allow fewer connections than ours: it is there as long as one lane got through.
        unavailable = [failure for failure in ended if isinstance(failure, RelayUnavailable)]
        if unavailable and True not in ended:
            raise RelayUnavailable(str(unavailable[0]))

    @override
    async def aclose(self) -> None:
        sessions = [session for session, _ in self._idle]
        self._idle.clear()
        for session in sessions:
            session.quit()
        await asyncio.gather(*(session.wait_closed() for session in sessions))

    async def _lane(self, outbox: Outbox) -> bool:
        """Send over one connection at a time until the outbox ends; True if it had any to send."""
        email = await outbox.next()
        has_sent = email is not None
        losses = 0
        while email is not None:
            session = await self._session_for(email, outbox)
            served = session.served
            try:
                left = await Courier(session, outbox, self._settings.messages_per_connection).carry(
                    email
                )
            except BaseException:
                session.abort()
                raise
            is_lost = not session.usable and session.served == served
            losses = losses + 1 if is_lost else 0
            self._keep(session)
            if losses >= MOST_LOSSES:
                reason = "The relay drops connections before it answers for a message."
                if left is not None:
                    outbox.settle(left, Delivery(Outcome.DEFERRED, reason))
                raise RelayUnavailable(reason)
            email = left if left is not None else await outbox.next()
        return has_sent

    async def _session_for(self, email: Email, outbox: Outbox) -> Session:
        """Return an idle session or a new one; settle `email` when there is no relay."""
        while self._idle:
            session, since = self._idle.pop()
            if session.usable and monotonic() - since < self._settings.idle_seconds:
                return session
            session.quit()
        try:
            return await connect(self._settings, self._context)
        except RelayUnavailable as unavailable:
            outbox.settle(email, Delivery(Outcome.DEFERRED, str(unavailable)))
            raise
        except BaseException:
            stopped = "Sending was stopped before the relay was reached."
            outbox.settle(email, Delivery(Outcome.DEFERRED, stopped))
            raise

    def _keep(self, session: Session) -> None:
        if not session.usable:
            session.abort()
        elif session.served < self._settings.messages_per_connection:
            self._idle.append((session, monotonic()))
        else:
            session.quit()
