"""Child processes: start them, restart those that die, and stop them together."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Result = TypeVar("Result")

RESTART_SECONDS = 0.3
STOP_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """A process of this installation: `openstoq …` or another Python module."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[int, ...] = ()
    module: str = "openstoq"
    wants_output: bool = False
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            *self.arguments,
            env={**os.environ, **self.environment},
            pass_fds=self.files,
            stdout=asyncio.subprocess.PIPE if self.wants_output else None,
            # With its own session the child does not get the terminal's Ctrl-C. We stop the
            # children in order instead.
            start_new_session=True,
            preexec_fn=_stop_with_parent,
        )

    async def first_line(self) -> bytes:
        """Return the first line of the process's output, which must be piped (`wants_output`)."""
        if self.process is None or self.process.stdout is None:
            raise RuntimeError(f"{self.name} was not started with its output piped")
        return await self.process.stdout.readline()


def _stop_with_parent() -> None:
    """Make the kernel send SIGTERM to this process if its parent dies, even by kill -9 (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Children:
    """Child processes that are restarted whenever they end, until `stop` is called."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self, child: Child) -> None:
        """Start a process, and restart it whenever it ends."""
        await child.start()
        self._children.append(child)
        self._watchers.append(asyncio.create_task(self._keep(child)))

    async def stop(self) -> None:
        """Stop all processes, beginning with the one that was started last."""
        self._stopping = True
        # Restarts under way are awaited, because their processes would otherwise never be stopped.
        await asyncio.gather(*self._starting, return_exceptions=True)
        for watcher in self._watchers:
            watcher.cancel()
        for child in reversed(self._children):
            await _stop(child)

    async def _keep(self, child: Child) -> None:
        while not self._stopping:
            if child.process is not None:
                await child.process.wait()
            await asyncio.sleep(RESTART_SECONDS)
            if not self._stopping:
                starting = asyncio.create_task(child.start())
                self._starting.add(starting)
                starting.add_done_callback(self._starting.discard)
                await starting


async def _stop(child: Child) -> None:
    process = child.process
    if process is None or process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def wait_for_stop(work: Coroutine[Any, Any, Result]) -> Result | None:
    """Run `work` until it ends, or until SIGTERM or SIGINT cancels it.

    Return its result, or None if it was cancelled.
    """
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        # A second signal is ignored, because it must not interrupt the clean-up after the first.
        loop.add_signal_handler(one, lambda: task.cancelling() or task.cancel())
    try:
        return await task
    except asyncio.CancelledError:
        return None
