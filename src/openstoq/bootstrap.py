"""Turn settings into a running process; no other module chooses adapters."""

import gc
import signal
import socket
from asyncio import create_task, get_running_loop
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from openstoq.commerce.inbound import Inbound
from openstoq.commerce.port import ShopConnector
from openstoq.commerce.shopify.adapter import ShopifyConnector
from openstoq.commerce.shopify.client import http_client
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import GRACE_SECONDS, Settings
from openstoq.db import embedded
from openstoq.db.pool import Database
from openstoq.jobs.work import Runtime
from openstoq.jobs.worker import Worker
from openstoq.kernel.clock import utc_now
from openstoq.kernel.logging import configure
from openstoq.kernel.ports import Ports
from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import EmailTransport
from openstoq.messaging.unmarked import UnmarkedBudget, limit_for
from openstoq.preorders.offers.storefront.sold_units import SoldUnits
from openstoq.preorders.orders.limits.counts import sold_units
from openstoq.registry import ACTIONS, JOBS, SUBSCRIBERS
from openstoq.shops import store as shops
from openstoq.shops.seal import Seal
from openstoq.web import health, inbound_webhooks
from openstoq.web.app import create_app
from openstoq.web.connections import ConnectionLimits
from openstoq.web.server import Config, Server, TooFewFiles
from openstoq.web.storefront import carts, links, offers
from openstoq.web.v1 import routes as v1

SHORTEST_KEY = 32


class SettingsError(Exception):
    """A setting prevents the process from starting; the message names the setting and the remedy."""


@asynccontextmanager
async def runtime(
    settings: Settings, *, statement_seconds: float | None = None
) -> AsyncIterator[Runtime]:
    """Open the objects that all requests and jobs share; close them when the block ends.

    `statement_seconds` limits each SQL statement. Without it, the limit for requests that write
    applies. Raises SettingsError if the security key is too short or no database is known.
    """
    url = database_url(settings)
    key = settings.security.key.get_secret_value()
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"set OPENSTOQ_SECURITY_KEY to at least {SHORTEST_KEY} random characters"
        )
    configure(settings.log.format, settings.log.level)
    transport = SMTPTransport(_smtp(settings))
    async with http_client(settings.shopify.timeout_seconds) as http:
        database = await Database.connect(
            url,
            size=settings.database.pool_size,
            prepared_statements=settings.database.prepared_statements,
            seconds=statement_seconds or settings.database.write_seconds,
        )
        try:
            yield Runtime(
                database=database,
                settings=settings,
                ports=Ports(
                    {
                        Seal: Seal(key),
                        ShopConnector: ShopifyConnector(http),
                        Inbound: ShopifyInbound(),
                        EmailTransport: transport,
                        SoldUnits: sold_units,
                        UnmarkedBudget: UnmarkedBudget(limit_for(settings.mail.connections)),
                    }
                ),
                clock=utc_now,
                subscribers=SUBSCRIBERS,
            )
        finally:
            await transport.aclose()
            await database.close()


async def serve(settings: Settings, *, fd: int | None = None) -> None:
    """Serve the API until SIGTERM or SIGINT.

    `fd` is the file descriptor of a socket that already listens. Without it, the server listens on
    the address and port of the settings.
    """
    # The MCP library takes half a second to load, and a worker does not need it.
    from openstoq.mcp.endpoint import Endpoint  # noqa: PLC0415

    async with runtime(settings) as opened:
        mcp = Endpoint(opened, ACTIONS)
        app = create_app(
            opened,
            ACTIONS,
            routes=[*mcp.routes, *routes(opened)],
            services=[mcp.run],
        )
        server = _server(
            settings,
            app,
            host=settings.http.host,
            port=settings.http.port,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        # All objects so far live as long as the process, so the garbage collector can skip them.
        gc.collect()
        gc.freeze()
        _on_signals(partial(stop_serving, opened, server))
        # A socket made from the descriptor has the right family; uvicorn would have to guess it.
        await server.serve([socket.socket(fileno=fd)] if fd is not None else None)


def stop_serving(opened: Runtime, server: Server) -> None:
    """Stop a server, and make requests that wait for a job answer at once."""
    opened.stopping.set()
    server.stop()


def routes(opened: Runtime) -> list[BaseRoute]:
    """Return the routes of all faces but v2 and MCP, which are generated from the registry."""
    return [
        *v1.routes(opened),
        *inbound_webhooks.routes(opened),
        *links.routes(opened),
        *offers.routes(opened),
        *carts.routes(opened),
    ]


async def work(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT, then wait for the running jobs to end."""
    async with runtime(settings, statement_seconds=settings.database.job_seconds) as opened:
        listen = settings.database.listen_url
        url = listen.get_secret_value() if listen else database_url(settings)
        worker = Worker(
            opened, JOBS, url=url, forget=[shops.forget_spent_points, shops.forget_requests]
        )
        _on_signals(worker.stop)
        async with _watchable(opened):
            await worker.run()


@asynccontextmanager
async def _watchable(opened: Runtime) -> AsyncIterator[None]:
    """Serve the worker's own /metrics and /healthz while the block runs, if a port is set.

    They are served by the event loop that runs the jobs, so a worker that hangs stops responding.
    """
    host, port = opened.settings.worker.metrics_host, opened.settings.worker.metrics_port
    if port is None:
        yield
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"the worker's metrics cannot be served on port {port} of {host} ({error.strerror}): "
            "set OPENSTOQ_WORKER_METRICS_PORT to a port of its own for each worker"
        ) from error
    server = _server(
        opened.settings,
        health.create_app(opened),
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    serving = create_task(server.serve([listening]))
    try:
        yield
    finally:
        server.stop()
        await serving


def database_url(settings: Settings) -> str:
    """Return the URL of PostgreSQL; raise SettingsError if none is known.

    While `openstoq up` runs an embedded server, other commands find its URL in a file.
    """
    if settings.database.url is not None:
        return settings.database.url.get_secret_value()
    left_by_up = embedded_address(settings)
    if left_by_up.exists() and embedded.is_running(settings.database.data_dir / "postgres"):
        return left_by_up.read_text(encoding="ascii")
    raise SettingsError(
        "set OPENSTOQ_DATABASE_URL to a PostgreSQL server (15 to 18), or start one with "
        "`openstoq up`"
    )


def embedded_address(settings: Settings) -> Path:
    """Return the path of the file that holds the embedded server's URL while it runs."""
    return settings.database.data_dir / "database.url"


def owner_url(settings: Settings) -> str:
    """Return the URL that migrations connect to: `owner_url` if it is set, else the usual URL."""
    owner = settings.database.owner_url
    return owner.get_secret_value() if owner is not None else database_url(settings)


def _server(settings: Settings, app: ASGIApp, **options: Any) -> Server:
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


def _smtp(settings: Settings) -> SMTPSettings:
    mail = settings.mail
    return SMTPSettings(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        username=mail.username,
        password=mail.password.get_secret_value() if mail.password else None,
        sender=mail.sender,
        ca_file=mail.ca_file,
        connections=mail.connections,
        timeout=mail.timeout_seconds,
    )


def _on_signals(stop: Callable[[], None]) -> None:
    loop = get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop)
