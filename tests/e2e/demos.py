"""Demos that tests start and stop: where they are, and what they leave behind."""

import atexit
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from tests.e2e.plant import first_line, start
from tests.factories.patience import PATIENCE


def five_free_ports() -> int:
    """Return the first of five ports in a row that are free, and this process's alone.

    Tests run beside each other: whoever holds the name of five ports keeps others off them, until
    the process ends.
    """
    for first in range(21_000, 32_000, 5):
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0openstoq-ports-{first}")
            _check_free(first)
        except OSError:
            name.close()
            continue
        atexit.register(name.close)
        return first
    raise AssertionError("there are no five free ports in a row")


def _check_free(first: int) -> None:
    with ExitStack() as held:
        for port in range(first, first + 5):
            held.enter_context(socket.socket()).bind(("127.0.0.1", port))


class Demo:
    """A running demo and what it printed."""

    def __init__(self, process: subprocess.Popen[bytes], line: bytes) -> None:
        self.process, self.line = process, line
        self.where: dict[str, Any] = json.loads(line)

    def key(self, place: dict[str, Any] | None = None) -> dict[str, str]:
        return {"X-Auth-Token": (place or self.where)["api_key"]}

    def family(self) -> list[psutil.Process]:
        """Return all processes that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def children(self, *commands: str) -> list[psutil.Process]:
        """Return the processes of `openstoq <command>`."""
        return [one for one, _, command in self.running() if command in commands]

    def running(self) -> list[tuple[psutil.Process, str, str]]:
        """Return the processes, their names and how their command lines end.

        Those that end at this moment are left out: PostgreSQL has some at any time.
        """
        found = []
        for one in self.family():
            with suppress(psutil.NoSuchProcess):
                found.append((one, one.name(), "".join(one.cmdline()[-1:])))
        return found

    def stop(self) -> None:
        """Stop it as a service manager does; see that it says nothing more and leaves nothing."""
        family = self.family()
        assert {name for _, name, _ in self.running()} >= {"postgres"}
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=PATIENCE)
        assert (self.process.returncode, rest) == (0, b"")
        assert [one for one in family if one.is_running()] == []


@pytest.fixture
def demos() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Demos that a test starts; what still runs at its end is told to stop, children and all."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


async def started(
    folder: Path,
    port: int,
    demos: list[subprocess.Popen[bytes]],
    *options: str,
    log: IO[bytes] | None = None,
) -> Demo:
    """Start a demo and wait until it has told where it is."""
    where = ["--data-dir", str(folder), "--port", str(port)]
    process = start(["-m", "openstoq", "demo", "--json", *where, *options], {}, errors=log)
    demos.append(process)
    return Demo(process, await first_line(process))
