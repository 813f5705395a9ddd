"""A fast SMTP sink, which accepts and counts all messages and can log every Message-ID.

    python benchmarks/sinks/smtp_sink.py --port 0 --log ids.txt

It prints its port as one line of JSON, and its counts on SIGTERM. aiosmtpd would be the bottleneck
of a benchmark; this sink accepts tens of thousands of messages a second. With --stop-at it stops
itself with SIGSTOP after so many messages, so that tests can act at that moment, however fast the
machine is. They let it continue with SIGCONT.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import IO, cast

import uvloop

_GREETING = b"220 sink ready\r\n"
_EHLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_ANSWERS = {
    b"MAIL": b"250 ok\r\n",
    b"RCPT": b"250 ok\r\n",
    b"RSET": b"250 ok\r\n",
    b"NOOP": b"250 ok\r\n",
    b"HELO": b"250 sink\r\n",
    b"EHLO": _EHLO,
    b"DATA": b"354 go on\r\n",
}
_END = b"\r\n.\r\n"


class Counts:
    """The counts of all connections."""

    def __init__(self, log: IO[bytes] | None, delay: float, stop_at: Collection[int]) -> None:
        self.messages = 0
        self.first_at = self.last_at = 0.0
        self.delay = delay
        self._log = log
        self._stop_at = frozenset(stop_at)

    def take(self, message: bytes) -> None:
        """Count a message and log its Message-ID."""
        now = time.time()
        self.messages += 1
        self.first_at = self.first_at or now
        self.last_at = now
        if self._log is not None:
            start = message.lower().find(b"\nmessage-id:")
            line = message[start + 1 : message.find(b"\r\n", start + 1)]
            self._log.write(line.partition(b":")[2].strip() + b"\n")
        if self.messages in self._stop_at:
            os.kill(os.getpid(), signal.SIGSTOP)


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._rest = b""
        self._in_message = False
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        """Answer every command and message that is complete."""
        self._rest += data
        answers: list[bytes] = []
        while self._step(answers):
            pass
        if answers:
            self._transport.write(b"".join(answers))

    def _step(self, answers: list[bytes]) -> bool:
        if self._in_message:
            return self._finish_message(answers)
        line, end, rest = self._rest.partition(b"\r\n")
        if not end:
            return False
        self._rest = rest
        verb = line[:4].upper()
        if verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
            return False
        answers.append(_ANSWERS.get(verb, b"500 what\r\n"))
        self._in_message = verb == b"DATA"
        return True

    def _finish_message(self, answers: list[bytes]) -> bool:
        message, end, rest = self._rest.partition(_END)
        if not end:
            return False
        self._rest, self._in_message = rest, False
        self._counts.take(message)
        if not self._counts.delay:
            answers.append(b"250 taken\r\n")
            return True
        # Later commands in the pipeline wait too, as they would at a slow relay.
        self._transport.pause_reading()
        self._loop.call_later(self._counts.delay, self._go_on)
        return False

    def _go_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"250 taken\r\n")
            self._transport.resume_reading()
            self.data_received(b"")


async def serve(port: int, log: Path | None, delay: float, stop_at: Collection[int]) -> None:
    """Serve until SIGTERM."""
    with log.open("ab", buffering=0) if log else sys.stdin.buffer as file:
        counts = Counts(cast("IO[bytes]", file) if log else None, delay, stop_at)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Sink(counts), "127.0.0.1", port)
        print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
        told = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, told.set)
        loop.add_signal_handler(
            signal.SIGUSR1, lambda: print(json.dumps(_counted(counts)), flush=True)
        )
        await told.wait()
        print(json.dumps(_counted(counts)), flush=True)


def _counted(counts: Counts) -> dict[str, float]:
    return {
        "messages": counts.messages,
        "first_at": counts.first_at,
        "last_at": counts.last_at,
    }


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--stop-at", type=int, nargs="*", default=[])
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.log, given.delay_ms / 1000, given.stop_at))


if __name__ == "__main__":
    main()
