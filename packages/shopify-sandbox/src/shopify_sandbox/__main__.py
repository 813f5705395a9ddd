"""Run a sandbox: the shops, the mail catcher's pages and its SMTP port, in one process."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import uvicorn
from starlette.applications import Starlette

from shopify_sandbox.config import SandboxConfig, default_shops
from shopify_sandbox.mail.mailbox import Mailbox
from shopify_sandbox.mail.pages import create_mail_app
from shopify_sandbox.mail.smtp import serve_smtp
from shopify_sandbox.server import create_app

# How long requests that are under way may take when the server stops.
GRACE_SECONDS = 2
TICK_SECONDS = 0.1


class Server(uvicorn.Server):
    """A server among others: it leaves signals to its owner and tells when it listens."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
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
    return parser.parse_args(arguments)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT; print the addresses as one line of JSON when ready."""
    shops = default_shops()[0]
    host: str = arguments.host
    sockets = [_bind(host, p) for p in (arguments.port, arguments.mail_http_port)]
    smtp_socket = _bind(host, arguments.smtp_port)
    shops_url, mail_url = (f"http://{host}:{each.getsockname()[1]}" for each in sockets)
    config = SandboxConfig(
        base_url=(arguments.base_url or shops_url).rstrip("/"),
        shops=default_shops(
            _secret("ACCESS_TOKEN", shops.access_token),
            _secret("CLIENT_SECRET", shops.client_secret),
            arguments.currency,
        ),
        control_token=_secret("CONTROL_TOKEN", SandboxConfig.control_token),
        allow_http=arguments.allow_http,
        signup_api=arguments.signup_api,
        compliance_url=arguments.compliance_url,
        retry_delays=tuple(pause * arguments.retry_scale for pause in SandboxConfig.retry_delays),
    )
    mailbox = Mailbox()
    servers = [Server(create_app(config)), Server(create_mail_app(mailbox))]
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    smtp = await serve_smtp(mailbox, smtp_socket)
    running = [
        asyncio.create_task(server.serve(sockets=[each]))
        for server, each in zip(servers, sockets, strict=True)
    ]
    await asyncio.gather(*(server.ready.wait() for server in servers))
    addresses = {
        "sandbox": config.base_url,
        "mail": mail_url,
        "smtp": f"{host}:{smtp_socket.getsockname()[1]}",
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sandbox until it is told to stop."""
    asyncio.run(serve(read_arguments(sys.argv[1:] if arguments is None else arguments)))


if __name__ == "__main__":
    main()
