"""Applications: the faces over a runtime, called in this process or through a real server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from openstoq.actions.action import Action
from openstoq.actions.help import BASE_PATH
from openstoq.jobs.work import Runtime
from openstoq.mcp.endpoint import Endpoint
from openstoq.registry import ACTIONS
from openstoq.web.app import create_app
from tests.factories.patience import until


def make_app(
    runtime: Runtime,
    actions: Sequence[Action] = ACTIONS,
    routes: Iterable[Route] = (),
) -> Starlette:
    mcp = Endpoint(runtime, actions)
    return create_app(runtime, actions, routes=[*mcp.routes, *routes], services=[mcp.run])


def client_of(app: Starlette, key: str | None = None, base: str = BASE_PATH) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url=f"http://shop.test{base}",
        headers={"X-Auth-Token": key} if key else {},
    )


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """Serve `app` on a free port of the loopback; yields the server's address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
    task = asyncio.create_task(server.serve([listener]))
    try:
        await until(lambda: server.started or task.done())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()
