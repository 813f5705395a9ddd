"""The embedded PostgreSQL: a server that we start ourselves, for operators who have none."""

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from openstoq.db.embedded.binaries import CACHE, EmbeddedServerError, account_for, find_binaries
from openstoq.db.embedded.cluster import NAME, Cluster, dismiss_watcher

__all__ = ["EmbeddedServer", "EmbeddedServerError", "is_running", "start"]

SECONDS_TO_STOP = 60.0
# PostgreSQL's message while processes of an earlier server on the same files still run.
OLD_PROCESSES = "Terminate any old server processes"


class EmbeddedServer:
    """A running server that belongs to this process and stops with it."""

    def __init__(
        self,
        cluster: Cluster,
        process: subprocess.Popen[bytes],
        *,
        lock: int,
        port: int,
        password: str,
    ) -> None:
        self._cluster = cluster
        self._process = process
        self._lock = lock
        self.port = port
        self.url = f"postgresql://{NAME}:{password}@127.0.0.1:{port}/{NAME}"

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Return whether the postmaster is running."""
        return self._process.poll() is None

    def revive(self) -> None:
        """Restart the server on the same port after something else has ended it.

        This blocks until the server is ready. Raises EmbeddedServerError if it does not start.
        """
        dismiss_watcher(self._process)
        deadline = time.monotonic() + SECONDS_TO_STOP
        while True:
            try:
                self._process, _ = self._cluster.launch(self.port)
                return
            except EmbeddedServerError as error:
                # The other processes of a killed server end a moment after it.
                if OLD_PROCESSES not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def stop(self) -> None:
        """Shut the server down cleanly and end its sessions; do nothing if it is not running."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Stop the server at once, so that its next start has to recover from its WAL."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        dismiss_watcher(self._process)
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(data_dir: Path, *, port: int = 0, cache_dir: Path = CACHE) -> EmbeddedServer:
    """Start a server on `data_dir`, and return it once it is ready.

    The folder is created if necessary. This blocks, so call it through `asyncio.to_thread` in a
    running loop. Port 0 means any free port. Only root uses `cache_dir`; see `find_binaries`.
    Raises EmbeddedServerError if the server cannot run.
    """
    data_dir = data_dir.absolute()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = _lock(data_dir)
    except OSError as error:
        raise EmbeddedServerError(
            f"The data folder {data_dir} cannot be used ({error.strerror}): choose another one "
            "or start as the user who owns it."
        ) from error
    try:
        account = account_for(data_dir / "cluster")
        binaries = find_binaries(account, cache_dir)
        cluster = Cluster(data_dir, binaries, account)
        password = cluster.prepare()
        process, port = cluster.launch(port)
    except BaseException:
        os.close(lock)
        raise
    return EmbeddedServer(cluster, process, lock=lock, port=port, password=password)


def is_running(data_dir: Path) -> bool:
    """Return whether an openstoq process, possibly this one, runs its server on `data_dir`."""
    try:
        lock = os.open(data_dir / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def _lock(data_dir: Path) -> int:
    # The kernel releases the lock when this process ends, however it ends.
    lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # The file is empty if the other process has only just started.
        holder = os.pread(lock, 20, 0).decode() or "just starting"
        os.close(lock)
        raise EmbeddedServerError(
            f"Another openstoq ({holder}) runs its server on {data_dir}: stop it, or "
            "choose another data folder."
        ) from None
    os.truncate(lock, 0)
    os.pwrite(lock, f"process {os.getpid()}".encode(), 0)
    return lock
