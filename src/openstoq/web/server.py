"""The server: uvicorn with bounded connections, stopped by its owner instead of by signals."""

from __future__ import annotations

import resource
from asyncio import get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from openstoq.web.connection import Connection
from openstoq.web.connections import ConnectionLimits, Connections

log = structlog.get_logger(__name__)

# Time limits are checked every so many ticks; there are ten ticks a second.
_TICKS = 5
# Open files for logs and libraries, and for connections that are accepted but not yet counted.
_OTHER_FILES = 300
_FEWEST_CONNECTIONS = 50


class TooFewFiles(Exception):  # noqa: N818 - the message is a sentence
    """The limit on the process's open files is too low to serve clients."""


class Config(uvicorn.Config):
    """uvicorn's settings, with the connections that the server counts and limits."""

    def __init__(
        self,
        app: ASGIApp,
        limits: ConnectionLimits,
        *,
        trusted_proxies: str = "",
        other_files: int = 0,
        **options: Any,
    ) -> None:
        proxied = ProxyHeadersMiddleware(app, trusted_proxies)  # type: ignore[arg-type]
        super().__init__(
            proxied,
            # uvicorn would otherwise choose any parser that is installed; ours needs the one in C.
            http=Connection,
            ws="none",
            proxy_headers=False,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=int(limits.keep_alive_seconds) or 1,
            **options,
        )
        self.open_connections = Connections(
            within_files(limits, other_files=other_files),
            is_exempt=proxied.trusted_hosts.__contains__,
        )


class Server(uvicorn.Server):
    """A server without signal handlers: its owner stops it, and closes the database afterwards."""

    config: Config

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers."""
        yield

    def stop(self) -> None:
        """Finish the requests that are being handled, then stop; a second call stops at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Check all connections' time limits every few ticks; return whether the server should exit."""
        if counter % _TICKS == 0:
            now = get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.check(now)
        return await super().on_tick(counter)


def within_files(limits: ConnectionLimits, *, other_files: int) -> ConnectionLimits:
    """Increase the process's limit on open files as far as needed and allowed.

    Returns `limits`, with fewer connections if the process may not open enough files. Raises
    TooFewFiles when the process could hold hardly any connections.
    """
    besides = other_files + _OTHER_FILES
    needed = limits.connections + limits.refused_connections + besides
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return limits
    if granted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted >= needed:
        return limits
    fitting = replace(limits, connections=(granted - besides) * 8 // 9 - 1)
    if fitting.connections < _FEWEST_CONNECTIONS:
        raise TooFewFiles(
            f"this process may open {hard} files and needs {needed}: raise the hard limit "
            "(ulimit -Hn, or LimitNOFILE of systemd)"
        )
    log.warning(
        "server.connections_lowered",
        to=fitting.connections,
        because=f"{needed} open files are needed for {limits.connections} connections, and the "
        f"hard limit is {hard}: raise it, or lower OPENSTOQ_HTTP_MAX_CONNECTIONS",
    )
    return fitting
