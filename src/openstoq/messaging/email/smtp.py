"""The SMTP transport: a limited number of connections to one relay, kept between waves."""

import asyncio
from collections import deque
from time import monotonic

from typing_extensions import override

from openstoq.messaging.email.connect import connect
from openstoq.messaging.email.courier import Courier
from openstoq.messaging.email.session import Session
from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.email.turns import Turn, Turns
from openstoq.messaging.port import (
    Delivery,
    Email,
    EmailTransport,
    Outbox,
    Outcome,
    RelayUnavailable,
)

# A relay is unavailable if it drops this many connections in a row without settling a message.
MOST_LOSSES = 3


class SMTPTransport(EmailTransport):
    """The transport that hands messages over to the relay given in the settings."""

    def __init__(self, settings: SMTPSettings) -> None:
        self._settings = settings
        self._context = settings.tls_context()
        self._turns = Turns(settings.connections)
        # Idle connections and connections in use never exceed the turns: a lane that needs a
        # connection looks here first, and waits until closed connections are gone.
        self._idle: deque[tuple[Session, float]] = deque()

    @override
    async def send(self, outbox: Outbox) -> None:
        gate = asyncio.Lock()
        ended = await asyncio.gather(
            *(self._lane(outbox, gate) for _ in range(self._turns.size)),
            return_exceptions=True,
        )
        for failure in ended:
            if isinstance(failure, BaseException) and not isinstance(failure, RelayUnavailable):
                raise failure
        # A relay may allow fewer connections than we open: it is available if one lane got through.
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

    async def _lane(self, outbox: Outbox, gate: asyncio.Lock) -> bool:
        """Send messages until the outbox ends, over one connection at a time.

        Several of these loops (lanes) run for an outbox at the same time. Before a lane uses a
        connection, it waits for a turn. Returns whether the lane was given any turn.
        """
        has_sent = False
        losses = 0
        while True:
            # Only one lane of an outbox waits at a time, so its other lanes hold no message then.
            async with gate:
                email = await outbox.next()
                if email is None:
                    return has_sent
                turn = await self._turn_for(email, outbox)
            has_sent = True
            try:
                losses = await self._spend(turn, email, outbox, losses)
            finally:
                self._turns.give_back(outbox.owner)

    async def _turn_for(self, email: Email, outbox: Outbox) -> Turn:
        try:
            return await self._turns.take(outbox.owner, id(outbox))
        except BaseException:
            stopped = "Sending was stopped before there was a connection for it."
            outbox.record(email, Delivery(Outcome.DEFERRED, stopped))
            raise

    async def _spend(self, turn: Turn, first: Email, outbox: Outbox, losses: int) -> int:
        """Send `first` and further ready messages within `turn`; return the updated `losses`.

        `losses` counts the connections in a row that were lost before the relay had given its final
        reply for a message on them.
        """
        email: Email | None = first
        while email is not None:
            session = await self._session_for(email, outbox)
            served = session.served
            most = self._settings.messages_per_connection
            try:
                email = await Courier(session, outbox, turn, most).carry(email)
            except BaseException:
                session.abort()
                raise
            is_lost = not session.usable and session.served == served
            losses = losses + 1 if is_lost else 0
            if losses >= MOST_LOSSES:
                session.abort()
                reason = "The relay drops connections before it answers for a message."
                if email is not None:
                    outbox.record(email, Delivery(Outcome.DEFERRED, reason))
                raise RelayUnavailable(reason)
            try:
                await self._keep(session)
            except BaseException:
                if email is not None:
                    stopped = "Sending was stopped before the relay was reached again."
                    outbox.record(email, Delivery(Outcome.DEFERRED, stopped))
                raise
        return losses

    async def _session_for(self, email: Email, outbox: Outbox) -> Session:
        """Return an idle session, or open a new one.

        If no session can be opened, `email` gets the outcome DEFERRED, and the error is raised.
        """
        closing: list[Session] = []
        while self._idle:
            session, since = self._idle.pop()
            if session.usable and monotonic() - since < self._settings.idle_seconds:
                return session
            session.quit()
            closing.append(session)
        try:
            await asyncio.gather(*(session.wait_closed() for session in closing))
            return await connect(self._settings, self._context)
        except RelayUnavailable as unavailable:
            outbox.record(email, Delivery(Outcome.DEFERRED, str(unavailable)))
            raise
        except BaseException:
            stopped = "Sending was stopped before the relay was reached."
            outbox.record(email, Delivery(Outcome.DEFERRED, stopped))
            raise

    async def _keep(self, session: Session) -> None:
        if session.usable and session.served < self._settings.messages_per_connection:
            self._idle.append((session, monotonic()))
            return
        if session.usable:
            session.quit()
        else:
            session.abort()
        await session.wait_closed()
