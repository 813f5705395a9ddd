"""`openstoq serve`: the API."""

import asyncio
import socket
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvloop

from openstoq.bootstrap.settings import read_settings
from openstoq.commands.processes import Child, Children, wait_for_stop
from openstoq.config import Settings

LISTEN_BACKLOG = 1024

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    fd: Annotated[int | None, typer.Option(hidden=True, help="A listening socket.")] = None,
) -> None:
    """Serve the API, in OPENSTOQ_HTTP_WORKERS processes that share the port."""
    settings = read_settings()
    if fd is None and settings.http.workers > 1:
        asyncio.run(wait_for_stop(_serve_many(settings)))
        return
    # The parent of several processes serves nothing itself, so it does without all of this.
    from openstoq.bootstrap import api  # noqa: PLC0415

    uvloop.run(api.serve(settings, fd=fd))


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


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port`, and that child processes may inherit."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    shared = socket.socket(family, socket.SOCK_STREAM)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.bind((host, port))
    shared.listen(LISTEN_BACKLOG)
    shared.set_inheritable(True)
    return shared
