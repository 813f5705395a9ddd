"""The process that serves the API."""

import gc
import socket
from functools import partial

from starlette.routing import Route

from openstoq.bootstrap.runtime import runtime
from openstoq.bootstrap.servers import on_signals, server_of
from openstoq.config import GRACE_SECONDS, Settings
from openstoq.jobs.work import Runtime
from openstoq.mcp.endpoint import Endpoint
from openstoq.registry import ACTIONS
from openstoq.web import inbound_webhooks, signup_files
from openstoq.web.app import create_app
from openstoq.web.server import Server
from openstoq.web.storefront import carts, links, offers
from openstoq.web.v1 import routes as v1


async def serve(settings: Settings, *, fd: int | None = None) -> None:
    """Serve the API until SIGTERM or SIGINT.

    `fd` is the file descriptor of a socket that already listens. Without it, the server listens on
    the address and port of the settings.
    """
    async with runtime(settings) as opened:
        mcp = Endpoint(opened, ACTIONS)
        app = create_app(
            opened,
            ACTIONS,
            routes=[*mcp.routes, *routes(opened)],
            services=[mcp.run],
        )
        server = server_of(
            settings,
            app,
            host=settings.http.host,
            port=settings.http.port,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        # All objects so far live as long as the process, so the garbage collector can skip them.
        gc.collect()
        gc.freeze()
        on_signals(partial(stop_serving, opened, server))
        # A socket made from the descriptor has the right family; uvicorn would have to guess it.
        await server.serve([socket.socket(fileno=fd)] if fd is not None else None)


def stop_serving(opened: Runtime, server: Server) -> None:
    """Stop a server; requests that wait for a job are answered at once."""
    opened.stopping.set()
    server.stop()


def routes(opened: Runtime) -> list[Route]:
    """Return the routes of all faces but v2 and MCP, which are generated from the registry."""
    return [
        *v1.routes(opened),
        *signup_files.routes(opened),
        *inbound_webhooks.routes(opened),
        *links.routes(opened),
        *offers.routes(opened),
        *carts.routes(opened),
    ]
