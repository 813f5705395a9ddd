"""The files of an embedded server: create and check them, and start a server on them."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from openstoq.db.embedded.binaries import Account, Binaries, EmbeddedServerError, surroundings

NAME = "openstoq"
ATTEMPTS_AT_A_PORT = 5
SECONDS_TO_RECOVER = 300.0
SECONDS_FOR_A_LEFTOVER = 30.0

# Settings that differ from the server's defaults, which otherwise suit a small machine. An operator
# may override them with `ALTER SYSTEM`.
SETTINGS = """
# openstoq
shared_buffers = 128MB
max_connections = 100
max_wal_size = 1GB
wal_compression = on
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
# A table's first statistics come soon: until then, plans ignore all columns but shop_id.
autovacuum_naptime = 5s
"""
AUTHENTICATION = """\
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""
# There is no Unix socket: its path must be under 108 bytes, and a data folder's may be longer.
COMMAND_LINE = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "logging_collector": "off",
}
# The shell becomes the server, after it has started a watcher that reads from a pipe whose other
# end we hold. The pipe closes without a message only when our process dies, however it dies. Then
# the watcher asks the server to stop.
WATCHED = """
exec 3<&0 </dev/null
( (read -r dismissed <&3 || kill -INT $$) & )
exec "$@" 3<&-
"""


class Cluster:
    """The files of one server: `cluster`, `password` and `postgres.log` in the data folder."""

    def __init__(self, data_dir: Path, binaries: Binaries, account: Account | None) -> None:
        self.binaries = binaries
        self.account = account
        self.folder = data_dir / "cluster"
        self.password_file = data_dir / "password"
        self.log_file = data_dir / "postgres.log"

    def prepare(self) -> str:
        """Create the cluster if it does not exist, and return its password.

        Raises EmbeddedServerError if another server uses the files, or another version wrote them.
        """
        password = self.password_file.read_text() if self.password_file.exists() else ""
        known = bool(password)
        password = password or secrets.token_urlsafe(32)
        set_password = f"ALTER ROLE {NAME} PASSWORD '{password}'"
        if not self.folder.exists():
            self._make(f"CREATE DATABASE {NAME}", set_password)
        else:
            self._check_version()
            self._wait_for_leftovers()
            if not known:
                self._run_single(self.folder, set_password)
        if not known:
            _write_private(self.password_file, password)
        return password

    def launch(self, port: int) -> tuple[subprocess.Popen[bytes], int]:
        """Start the server; return its process and port as soon as it accepts connections.

        Port 0 means any free port. Raises EmbeddedServerError if the port is taken, or the server
        does not start.
        """
        for _ in range(ATTEMPTS_AT_A_PORT):
            chosen = port or _free_port()
            if _is_free(chosen):
                process, failure = self._try(chosen)
                if not failure:
                    return process, chosen
                if _is_free(chosen):
                    raise EmbeddedServerError(
                        f"PostgreSQL did not start on {self.folder}; its log {self.log_file} "
                        f"says: {failure}"
                    )
            if port:
                break
        raise EmbeddedServerError(
            f"Port {chosen} of 127.0.0.1 is taken: choose another one, or 0 for any that is free."
        )

    def _make(self, *statements: str) -> None:
        # The cluster is created under another name and renamed at the end. So a folder with the
        # name `cluster` is always complete.
        made = self.folder.with_name("cluster.new")
        if made.exists():
            shutil.rmtree(made)
        made.mkdir(mode=0o700)
        if self.account is not None:
            os.chown(made, *self.account)
        # The builtin C.UTF-8 knows the case of all letters and sorts by code point in the same way
        # on every machine. Versions before 17 only have the C library's locale.
        locale = (
            ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if self.binaries.major >= 17  # noqa: PLR2004 - the first version with this locale
            else ["--locale=C.UTF-8"]
        )
        self._run(
            made,
            "initdb",
            "--encoding=UTF8",
            "--data-checksums",
            f"--username={NAME}",
            # Trust is safe: no server listens before the rules below are in place.
            "--auth=trust",
            "--lc-messages=C",
            *locale,
        )
        with (made / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
        (made / "pg_hba.conf").write_text(AUTHENTICATION)
        self._run_single(made, *statements)
        made.rename(self.folder)

    def _check_version(self) -> None:
        found = (self.folder / "PG_VERSION").read_text().strip()
        if found != str(self.binaries.major):
            raise EmbeddedServerError(
                f"The data in {self.folder} is of PostgreSQL {found} and the server here is "
                f"{self.binaries.major}: dump the database {NAME} with a server of version "
                f"{found}, move the folder away, start again and restore the dump."
            )

    def _wait_for_leftovers(self) -> None:
        # After a kill -9 of its openstoq, a server needs a moment to stop. Its pid file is not
        # trusted: a stale file may name a process that is no server.
        deadline = time.monotonic() + SECONDS_FOR_A_LEFTOVER
        while running := next(_servers_on(self.folder), None):
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"A PostgreSQL server that openstoq does not control runs on {self.folder}: "
                    f"stop it with `kill -INT {running}`."
                )
            time.sleep(0.05)
        if Path("/proc/self/cwd").exists():
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _run_single(self, folder: Path, *statements: str) -> None:
        done = self._run(folder, "postgres", "--single", "postgres", input=statements)
        # The standalone backend continues after a failed statement and still exits with 0.
        if "ERROR:" in done.stderr:
            raise EmbeddedServerError(f"PostgreSQL could not set up {folder}: {done.stderr}")

    def _run(
        self, folder: Path, program: str, *arguments: str, input: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        with surroundings(self.account, folder) as options:
            done = subprocess.run(  # noqa: S603 - the program is the server we found
                [str(self.binaries.folder / program), *arguments],
                input="".join(f"{line}\n" for line in input),
                capture_output=True,
                text=True,
                check=False,
                **options,
            )
        if done.returncode:
            raise EmbeddedServerError(f"{program} failed in {folder}: {done.stderr.strip()}")
        return done

    def _try(self, port: int) -> tuple[subprocess.Popen[bytes], str]:
        program = str(self.binaries.folder / "postgres")
        settings = [f"--{name}={value}" for name, value in {**COMMAND_LINE, "port": port}.items()]
        log = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        already = os.fstat(log).st_size
        try:
            # The server has its own session, so Ctrl-C in the terminal reaches only us, and we
            # shut the server down cleanly.
            with surroundings(self.account, self.folder) as options:
                process = subprocess.Popen(  # noqa: S603 - the program is the server we found
                    ["/bin/sh", "-c", WATCHED, "sh", program, *settings],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    bufsize=0,
                    start_new_session=True,
                    **options,
                )
        finally:
            os.close(log)
        if self._becomes_ready(process):
            return process, ""
        dismiss_watcher(process)
        process.send_signal(signal.SIGQUIT)
        process.wait()
        said = self.log_file.read_bytes()[already:].decode(errors="replace").strip()
        return process, said or "nothing"

    def _becomes_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + SECONDS_TO_RECOVER
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                # The first line is the server's process id, and the last is its state.
                told = (self.folder / "postmaster.pid").read_text().rstrip()
                if told.startswith(f"{process.pid}\n") and told.endswith("\nready"):
                    return True
            time.sleep(0.02)
        return False


def dismiss_watcher(process: subprocess.Popen[bytes]) -> None:
    """Dismiss the watcher, which would otherwise stop the server as soon as this process dies.

    Call this once the server has ended, or when this process is about to stop the server itself.
    """
    if process.stdin is not None and not process.stdin.closed:
        # The watcher may be gone: systemd stops all processes of a service at once.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"dismissed\n")
        process.stdin.close()


def _servers_on(cluster: Path) -> Iterator[int]:
    """Yield the process ids of all servers that work in `cluster`, including their backends."""
    here = cluster.stat()
    for link in Path("/proc").glob("[0-9]*/cwd"):
        # A process may end meanwhile. One that we may not read belongs to another user, who cannot
        # use our files.
        with contextlib.suppress(OSError):
            name = (link.parent / "comm").read_text().strip()
            if name == "postgres" and os.path.samestat(link.stat(), here):
                yield int(link.parent.name)


def _write_private(file: Path, text: str) -> None:
    written = file.with_name(f"{file.name}.new")
    written.unlink(missing_ok=True)
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    written.rename(file)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
