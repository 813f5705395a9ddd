"""Clients on sockets of their own, which send what they like."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.e2e.plant import Plant
from tests.factories.patience import PATIENCE


class Client:
    """A client that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Send bytes, or find that nobody takes them any more."""
        with suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def rest(self) -> bytes:
        """Read to the end, which the server has to make."""
        got = b""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                while piece := await self.reader.read(65_536):
                    got += piece
        return got

    async def statuses(self) -> list[int]:
        """Read to the end, and return the status of every answer."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", await self.rest())]


@asynccontextmanager
async def clients(
    plant: Plant, number: int = 1, source: str | None = None, **options: int
) -> AsyncIterator[list[Client]]:
    """Open so many connections to the API."""
    opened = []
    try:
        for _ in range(number):
            made = socket.socket()
            for name, value in options.items():
                made.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
            if source is not None:
                made.bind((source, 0))
            made.setblocking(False)
            await asyncio.get_running_loop().sock_connect(made, plant.listening.getsockname())
            opened.append(Client(*await asyncio.open_connection(sock=made)))
        yield opened
    finally:
        for client in opened:
            client.writer.transport.abort()


async def said_to(plant: Plant, data: bytes) -> list[int]:
    """Send bytes, and return the status of every answer."""
    async with clients(plant) as (client,):
        await client.send(data)
        return await client.statuses()
