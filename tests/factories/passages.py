"""A way to a server that a test can cut."""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Passage:
    """A port that leads to the server of an address until it is cut; then nobody answers there."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._ways: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        credentials, _, _ = self._parts.netloc.rpartition("@")
        self.url = self._parts._replace(netloc=f"{credentials}@127.0.0.1:{port}").geturl()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Close the port and break every connection through it."""
        self._server.close()
        while self._ways:
            self._ways.pop().transport.abort()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._ways += [writer, back]
        with suppress(ConnectionError):
            await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
