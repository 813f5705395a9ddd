"""Run a sandbox: the shops, the mail catcher's pages and its SMTP port, in one process."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette

from shopify_sandbox.config import SandboxConfig, ShopConfig, default_shops
from shopify_sandbox.mail.mailbox import Mailbox
from shopify_sandbox.mail.pages import create_mail_app
from shopify_sandbox.mail.smtp import serve_smtp
from shopify_sandbox.server import create_app

# How long requests that are under way may take when the server stops.
GRACE_SECONDS = 2
# Longer than clients keep an idle connection, which is five seconds for most: a request that is
# sent just as the server closes its connection is lost.
KEEP_ALIVE_SECONDS = 75
TICK_SECONDS = 0.1


class Server(uvicorn.Server):
    """One of the servers of this process, which sets `ready` once it listens.

    It handles no signals: `serve` does that for all servers.
    """

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self.ready = asyncio.Event()
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin a graceful shutdown: accept no more requests."""
        self.should_exit = True
        self._stop.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers, because `serve` handles signals for all servers."""
        yield

    async def main_loop(self) -> None:
        """Refresh the Date header as uvicorn does, but return as soon as `stop` is called."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), TICK_SECONDS)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and set `ready`."""
        await super().startup(sockets)
        self.ready.set()


def run(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port of the shops; 0 picks a free one.")] = 0,
    mail_http_port: Annotated[int, typer.Option(help="The port of the mail catcher's pages.")] = 0,
    smtp_port: Annotated[int, typer.Option(help="The port of the mail catcher's SMTP server.")] = 0,
    currency: Annotated[
        str, typer.Option(help="The first shop's currency, as a code.")
    ] = ShopConfig.currency,
    allow_http: Annotated[
        bool, typer.Option("--allow-http", help="Accept webhook addresses with http://.")
    ] = False,
    signup_api: Annotated[
        str | None, typer.Option(help="The address of an openstoq API that accepts sign-ups.")
    ] = None,
    compliance_url: Annotated[
        str | None, typer.Option(help="The address that privacy webhooks are sent to.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="The public address of the shops, if not host and port.")
    ] = None,
    retry_scale: Annotated[
        float, typer.Option(help="Factor on the pauses between attempts to deliver a webhook.")
    ] = 1.0,
    answer_timeout: Annotated[
        float, typer.Option(help="Seconds that an attempt to deliver a webhook may take.")
    ] = SandboxConfig.answer_timeout,
) -> None:
    """Serve two shops and a mail catcher; print their addresses as one line of JSON when ready."""
    sockets = [_bind(host, each) for each in (port, mail_http_port, smtp_port)]
    config = SandboxConfig(
        base_url=(base_url or _url(sockets[0])).rstrip("/"),
        shops=default_shops(
            _secret("ACCESS_TOKEN", ShopConfig.access_token),
            _secret("CLIENT_SECRET", ShopConfig.client_secret),
            currency,
        ),
        control_token=_secret("CONTROL_TOKEN", SandboxConfig.control_token),
        allow_http=allow_http,
        signup_api=signup_api,
        compliance_url=compliance_url,
        answer_timeout=answer_timeout,
        retry_delays=tuple(pause * retry_scale for pause in SandboxConfig.retry_delays),
    )
    asyncio.run(serve(config, *sockets))


async def serve(
    config: SandboxConfig, shops: socket.socket, mail: socket.socket, smtp_socket: socket.socket
) -> None:
    """Serve until SIGTERM or SIGINT; print the addresses as one line of JSON when ready."""
    mailbox = Mailbox()
    servers = [Server(create_app(config)), Server(create_mail_app(mailbox))]
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    smtp = await serve_smtp(mailbox, smtp_socket)
    running = [
        asyncio.create_task(server.serve(sockets=[each]))
        for server, each in zip(servers, (shops, mail), strict=True)
    ]
    await asyncio.gather(*(server.ready.wait() for server in servers))
    addresses = {
        "sandbox": config.base_url,
        "mail": _url(mail),
        "smtp": _url(smtp_socket).removeprefix("http://"),
        "shops": [shop.domain for shop in config.shops],
    }
    sys.stdout.write(json.dumps(addresses) + "\n")
    sys.stdout.flush()
    await stopped.wait()
    smtp.close()
    for server in servers:
        server.stop()
    await asyncio.gather(*running)
    await smtp.wait_closed()


def _secret(name: str, default: str) -> str:
    # Secrets are read from the environment: every user of a machine can read command lines.
    return os.environ.get(f"SANDBOX_{name}", default)


def _bind(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()
    return f"http://{host}:{port}"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(run)


def main() -> None:
    """Run the sandbox until it is stopped."""
    app(prog_name="shopify-sandbox")


if __name__ == "__main__":
    main()
