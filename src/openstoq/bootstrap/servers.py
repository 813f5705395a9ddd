"""Create HTTP servers with the limits of the settings, and stop a process on a signal."""

import signal
from asyncio import get_running_loop
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from openstoq.bootstrap.settings import SettingsError
from openstoq.config import Settings
from openstoq.web.connections import ConnectionLimits
from openstoq.web.server import Config, Server, TooFewFiles


def server_of(settings: Settings, app: ASGIApp, **options: Any) -> Server:
    """Return a server of `app`; raise SettingsError if the process may open too few files."""
    http = settings.http
    limits = ConnectionLimits(
        head_bytes=http.max_head_bytes,
        head_seconds=http.head_seconds,
        body_seconds=http.body_seconds,
        answer_seconds=http.answer_seconds,
        keep_alive_seconds=http.keep_alive_seconds,
        connections=http.max_connections,
        address_connections=http.max_connections_per_address,
    )
    try:
        return Server(
            Config(
                app,
                limits,
                trusted_proxies=http.trusted_proxies,
                other_files=settings.database.pool_size,
                **options,
            )
        )
    except TooFewFiles as error:
        raise SettingsError(str(error)) from error


def on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` on SIGTERM and on SIGINT."""
    loop = get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop)
