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
    """One server of several: it leaves signals to its owner and sets `ready` once it listens."""

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
        """Take no more requests and end."""
        self.should_exit = True
        self._stop.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def main_loop(self) -> None:
        """Refresh the Date header as uvicorn does, but notice at once when to stop."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), TICK_SECONDS)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self.ready.set()


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    shops = default_shops()[0]
    parser = argparse.ArgumentParser(prog="openstoq-sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="the shops; 0 picks a free port")
    parser.add_argument("--mail-http-port", type=int, default=0)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--currency", default=shops.currency, help="of the first shop, as a code")
    parser.add_argument("--allow-http", action="store_true", help="webhooks to http:// addresses")
    parser.add_argument("--signup-api", help="address of the API that takes sign-ups")
    parser.add_argument("--compliance-url", help="where privacy webhooks go")
    parser.add_argument("--base-url", help="how the shops are reached, if not by host and port")
    parser.add_argument(
        "--retry-scale",
        type=float,
        default=1.0,
        help="factor on the pauses between attempts to deliver a webhook",
    )
    parser.add_argument(
        "--answer-timeout",
        type=float,
        default=SandboxConfig.answer_timeout,
        help="seconds that an attempt to deliver a webhook may take",
    )
    return parser.parse_args(arguments)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT; print the addresses as one line of JSON when ready."""
    shops = default_shops()[0]
    host: str = arguments.host
    sockets = [_bind(host, p) for p in (arguments.port, arguments.mail_http_port)]
    smtp_socket = _bind(host, arguments.smtp_port)
    shops_url, mail_url = (f"http://{host}:{each.getsockname()[1]}" for each in sockets)
    config = SandboxConfig(
        base_url=(base_url or _url(sockets[0])).rstrip("/"),
        shops=default_shops(
            _secret("ACCESS_TOKEN", ShopConfig.access_token),
            _secret("CLIENT_SECRET", ShopConfig.client_secret),
            currency,
        ),
        control_token=_secret("CONTROL_TOKEN", SandboxConfig.control_token),
        allow_http=arguments.allow_http,
        signup_api=arguments.signup_api,
        compliance_url=arguments.compliance_url,
        answer_timeout=arguments.answer_timeout,
        retry_delays=tuple(pause * arguments.retry_scale for pause in SandboxConfig.retry_delays),
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
    # Everybody on the machine can read the command lines of all processes.
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
