"""A load of requests over kept connections, which measures a server's rate."""

import asyncio
import time
from collections.abc import Iterable, Mapping

import uvloop

CONNECTIONS = 16


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def rate_of(port: int, requests: Iterable[bytes]) -> float:
    """Send the requests over CONNECTIONS kept connections; return the answers per second."""
    return uvloop.run(_load(port, requests))


async def _load(port: int, requests: Iterable[bytes]) -> float:
    waiting = iter(requests)
    answered = 0

    async def lane() -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in waiting:
            writer.write(one)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(head.decode())
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            await reader.readexactly(length)
            answered += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    return answered / (time.perf_counter() - began)
