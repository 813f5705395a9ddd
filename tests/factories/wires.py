"""A wire to PostgreSQL that counts the round trips on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

# A server answers a simple query, and what was sent up to a Sync, before more is of use.
_ASKS = {b"Q", b"S"}


class Wire:
    """How often clients have asked the server something and waited."""

    def __init__(self) -> None:
        self.round_trips = 0

    async def take_from(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        """Pass on a client's messages, and count those that ask for an answer."""
        is_started = False
        while True:
            kind = await client.readexactly(1) if is_started else b""
            head = await client.readexactly(4)
            body = await client.readexactly(int.from_bytes(head, "big") - 4)
            # The request for TLS comes before the start, and is refused.
            is_started = is_started or body[:4] != (80877103).to_bytes(4, "big")
            self.round_trips += kind in _ASKS
            server.write(kind + head + body)


@asynccontextmanager
async def counted_wire(url: str) -> AsyncIterator[tuple[str, Wire]]:
    """Open a way to the server at `url` that counts; yields its own address."""
    wire, parts = Wire(), urlsplit(url)
    tasks = set[asyncio.Task[None]]()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
        answers, server = await asyncio.open_connection(parts.hostname, parts.port)

        async def give_back() -> None:
            while chunk := await answers.read(65_536):
                writer.write(chunk)

        back = asyncio.create_task(give_back())
        try:
            await wire.take_from(reader, server)
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            back.cancel()
            server.close()
            writer.close()

    listener = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}")), wire
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
