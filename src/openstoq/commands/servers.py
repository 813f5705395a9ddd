"""`serve`, `worker`, `up` and `migrate`: the processes of an installation."""

import asyncio
import os
import socket
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvloop

from openstoq import bootstrap
from openstoq.commands.database import embedded_server
from openstoq.commands.processes import Child, Children, wait_for_stop
from openstoq.config import Settings, variable
from openstoq.db import embedded
from openstoq.db.migrate import migrate as apply_migrations
from openstoq.db.migrate import migrate_now

LISTEN_BACKLOG = 1024


def serve(
    fd: Annotated[int | None, typer.Option(hidden=True, help="A listening socket.")] = None,
) -> None:
    """Serve the API, in OPENSTOQ_HTTP_WORKERS processes that share the port."""
    settings = Settings()
    if fd is not None or settings.http.workers == 1:
        uvloop.run(bootstrap.serve(settings, fd=fd))
    else:
        asyncio.run(wait_for_stop(_serve_many(settings)))


def worker() -> None:
    """Run background jobs: webhooks, restocks, mails, reconciliation."""
    uvloop.run(bootstrap.work(Settings()))


def up() -> None:
    """Run the API and a worker on this machine, with embedded PostgreSQL if no other is set."""
    asyncio.run(wait_for_stop(_up(Settings())))


def migrate() -> None:
    """Bring the database up to date."""
    applied = migrate_now(bootstrap.owner_url(Settings()))
    typer.echo("\n".join(f"applied {revision}" for revision in applied) or "already up to date")


async def _serve_many(settings: Settings) -> None:
    with (
        listening(settings.http.host, settings.http.port) as shared,
        # With this folder, /metrics of any process adds up the metrics of all processes.
        TemporaryDirectory(prefix="openstoq-metrics-") as counts,
    ):
        children = Children()
        try:
            for number in range(settings.http.workers):
                await children.start(
                    Child(
                        f"api {number}",
                        ("serve", "--fd", str(shared.fileno())),
                        {"PROMETHEUS_MULTIPROC_DIR": counts},
                        files=(shared.fileno(),),
                    )
                )
            await asyncio.Event().wait()
        finally:
            await children.stop()


async def _up(settings: Settings) -> None:
    if settings.database.url is not None:
        await _run_all(settings)
        return
    address = bootstrap.embedded_address(settings)
    folder = settings.database.data_dir / "postgres"
    if not embedded.is_running(folder):
        # A killed `up` leaves its address file, which would mislead other commands until we replace it.
        address.unlink(missing_ok=True)
    async with embedded_server(folder) as server:
        # The URL holds a password, so the file is made private before the URL is written.
        written = address.with_name(f"{address.name}.new")
        written.touch(mode=0o600)
        written.write_text(server.url, encoding="ascii")
        written.rename(address)
        os.environ[variable("database", "url")] = server.url
        try:
            await _run_all(Settings())
        finally:
            address.unlink(missing_ok=True)


async def _run_all(settings: Settings) -> None:
    children = Children()
    try:
        await apply_migrations(bootstrap.owner_url(settings))
        await children.start(Child("api", ("serve",)))
        await children.start(Child("worker", ("worker",)))
        typer.echo(f"openstoq is up at {settings.http.public_url}; Ctrl-C stops it.")
        await asyncio.Event().wait()
    finally:
        await children.stop()


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port`, and that child processes may inherit."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    shared = socket.socket(family, socket.SOCK_STREAM)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.bind((host, port))
    shared.listen(LISTEN_BACKLOG)
    shared.set_inheritable(True)
    return shared
