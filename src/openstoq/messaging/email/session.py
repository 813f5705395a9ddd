"""One connection to the relay after greeting, TLS and login: write commands, await replies."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from typing import cast

from openstoq.messaging.email.replies import CLOSING, Garbled, Reply, ReplyReader

CLOSING_SECONDS = 2


class SessionLost(Exception):  # noqa: N818 - it describes the connection
    """The connection can no longer be used; the message is a sentence that says why."""


class Session(asyncio.Protocol):
    """The asyncio protocol of a connection opened by `connect`.

    `served` counts the messages on this connection for which the relay has given its final reply.
    """

    def __init__(self, extensions: Collection[str], timeout: float) -> None:
        self.pipelining = "pipelining" in extensions
        self.eight_bit = "8bitmime" in extensions
        self.international = "smtputf8" in extensions
        self.served = 0
        self.stale = False
        """True if a failed transaction is still open, so that the next must begin with RSET."""
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._awaited = 0
        self._waiter: asyncio.Future[None] | None = None
        self._fault: str | None = None
        self._paused = False
        self._closed = self._loop.create_future()
        self._transport: asyncio.Transport

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        # A cast, because uvloop's stream transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read replies, and wake the coroutine that waits for one."""
        try:
            for reply in self._reader.feed(data):
                if not self._awaited:
                    # An unexpected reply, such as a farewell: the connection is of no more use.
                    self._break(f"The relay closed the connection: {reply}")
                    return
                self._awaited -= 1
                self._replies.append(reply)
                if reply.code == CLOSING:
                    self._break(f"The relay closed the connection: {reply}")
                    return
        except Garbled as garbled:
            self._break(f"The relay answered with something that is not SMTP: {garbled}")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Record that no more data will be received."""
        self._break(f"The connection to the relay was lost ({exc or 'closed by the relay'}).")
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """Record that the write buffer is full; `drain` then waits."""
        self._paused = True

    def resume_writing(self) -> None:
        """Record that the write buffer has room again."""
        self._paused = False
        self._wake()

    # Called by our side.

    @property
    def usable(self) -> bool:
        """Return whether the connection has no known fault; this does not contact the relay."""
        return self._fault is None and not self._transport.is_closing()

    def write(self, data: bytes, replies: int) -> None:
        """Write `data`, to which the relay must send `replies` replies.

        If the connection is known to be lost, nothing is written. SessionLost is then raised,
        unless a reply was received that the caller has not read yet: the caller needs that reply
        more than the error.
        """
        if self.usable:
            self._awaited += replies
            self._transport.write(data)
        elif not self._replies:
            raise SessionLost(self._fault or "The relay closed the connection.")

    async def reply(self) -> Reply:
        """Return the next reply; raise SessionLost if none is received in time."""
        while not self._replies:
            if self._fault is not None:
                raise SessionLost(self._fault)
            await self._wait("The relay did not answer in time.")
        return self._replies.popleft()

    async def replies(self, count: int) -> list[Reply]:
        """Return the next `count` replies, or fewer if the relay announces that it is closing.

        Raises SessionLost if they are not received in time.
        """
        replies: list[Reply] = []
        while len(replies) < count and not (replies and replies[-1].code == CLOSING):
            # Awaiting each reply would take longer, and most often all are here.
            replies.append(self._replies.popleft() if self._replies else await self.reply())
        return replies

    async def ask(self, commands: Sequence[bytes]) -> list[Reply]:
        """Send commands one at a time, until a reply is not 2xx; return all replies."""
        replies: list[Reply] = []
        for command in commands:
            self.write(command, 1)
            replies.append(await self.reply())
            if not replies[-1].positive:
                break
        return replies

    async def drain(self) -> None:
        """Wait until most of the written data has been sent, or until the relay replies."""
        while self._paused and not self._replies:
            if self._fault is not None:
                raise SessionLost(self._fault)
            await self._wait("The relay did not take the message in time.")

    def abort(self) -> None:
        """Close the connection immediately, without QUIT."""
        self._break("The connection was given up.")
        self._transport.abort()

    def quit(self) -> None:
        """Send QUIT and close, without waiting for the relay's reply."""
        if self.usable:
            self._transport.write(b"QUIT\r\n")
        self._break("The connection was closed.")
        self._transport.close()

    async def wait_closed(self) -> None:
        """Wait until the written data has been sent and the connection is closed."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await asyncio.shield(self._closed)
        except TimeoutError:
            self._transport.abort()
            await self._closed

    async def _wait(self, overdue: str) -> None:
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(self._timeout, self._break, overdue)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _break(self, why: str) -> None:
        if self._fault is None:
            self._fault = why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
