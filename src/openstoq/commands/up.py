"""`openstoq up`: all processes of an installation on this machine."""

import asyncio
import os

import typer

from openstoq.bootstrap.settings import embedded_address, owner_url, read_settings
from openstoq.commands.database import embedded_server
from openstoq.commands.processes import Child, Children, wait_for_stop
from openstoq.config import Settings, variable
from openstoq.db import embedded
from openstoq.db.migrate import migrate

app = typer.Typer(add_completion=False)


@app.command()
def up() -> None:
    """Run the API and a worker on this machine, with embedded PostgreSQL if no other is set."""
    asyncio.run(wait_for_stop(_up(read_settings())))


async def _up(settings: Settings) -> None:
    if settings.database.url is not None:
        await _run_all(settings)
        return
    address = embedded_address(settings)
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
            await _run_all(read_settings())
        finally:
            address.unlink(missing_ok=True)


async def _run_all(settings: Settings) -> None:
    children = Children()
    try:
        await migrate(owner_url(settings))
        await children.start(Child("api", ("serve",)))
        await children.start(Child("worker", ("worker",)))
        typer.echo(f"openstoq is up at {settings.http.public_url}; Ctrl-C stops it.")
        await asyncio.Event().wait()
    finally:
        await children.stop()
