"""A relay in this process: an e-mail transport whose answers the test writes."""

import asyncio
from collections.abc import Awaitable, Callable

from openstoq.messaging.port import Delivery, Email, EmailTransport, Outbox, Outcome

ACCEPTED = Delivery(Outcome.ACCEPTED, "250 OK")
REFUSED = Delivery(Outcome.REFUSED, "550 no such user", "RCPT")
DEFERRED = Delivery(Outcome.DEFERRED, "451 greylisted")
UNKNOWN = Delivery(Outcome.UNKNOWN, "connection lost")

Answer = Callable[[Email], Awaitable[Delivery]]


async def accept(_: Email) -> Delivery:
    return ACCEPTED


class Relay(EmailTransport):
    """Hands messages over on several connections at once, and keeps what it was given."""

    def __init__(self, answer: Answer = accept, *, connections: int = 4) -> None:
        self.answer = answer
        self.taken: list[Email] = []
        self.connections = connections

    @property
    def recipients(self) -> list[str]:
        return [email.recipient for email in self.taken]

    async def send(self, outbox: Outbox) -> None:
        async with asyncio.TaskGroup() as connections:
            for _ in range(self.connections):
                connections.create_task(self._send(outbox))

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _send(self, outbox: Outbox) -> None:
        while (email := await outbox.next()) is not None:
            self.taken.append(email)
            outbox.record(email, await self.answer(email))
