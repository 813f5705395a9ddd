"""A local server that answers as Shopify does, with what a test tells it to."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DOMAIN = "snowdevil.myshopify.com"
TOKEN = "shpat_0123456789abcdef"
SHOP = {"shop": {"id": "gid://shopify/Shop/1"}}

Reply = Response | Callable[[dict], Response | Awaitable[Response]]


def cost(requested=10, available=1990, maximum=2000, rate=100, actual=10):
    return {
        "cost": {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": maximum,
                "currentlyAvailable": available,
                "restoreRate": rate,
            },
        }
    }


def answer(data=None, errors=None, **costs):
    body = {"extensions": cost(**costs)}
    if data is not None:
        body["data"] = data
    if errors is not None:
        body["errors"] = errors
    return JSONResponse(body)


def coded(code, message="It went wrong."):
    return {"message": message, "extensions": {"code": code}}


def throttled(**costs):
    return answer(errors=[coded("THROTTLED", "Throttled")], actual=None, **costs)


class Admin:
    """Answers with the replies it was given, in order, and keeps what it was asked."""

    def __init__(self):
        self.url = ""
        self.requests = []
        self.headers = []
        self.paths = []
        self.bodies = []
        self._replies = []
        self.operations = {}

    def replies(self, *replies: Reply):
        self._replies += replies

    @property
    def names(self):
        return [request["operationName"] for request in self.requests]

    async def respond(self, request: Request) -> Response:
        body = await request.body()
        self.paths.append(request.url.path)
        self.headers.append(dict(request.headers))
        self.bodies.append(body)
        asked = json.loads(body) if request.url.path.endswith("graphql.json") else {}
        self.requests.append(asked)
        reply = self._replies.pop(0) if self._replies else None
        if reply is None:
            reply = self.operations[asked["operationName"]]
        if not isinstance(reply, Response):
            reply = reply(asked.get("variables", {}))
        return await reply if asyncio.iscoroutine(reply) else reply


@asynccontextmanager
async def serving() -> AsyncIterator[Admin]:
    admin = Admin()
    routes = [Route("/{path:path}", admin.respond, methods=["GET", "POST"])]
    config = uvicorn.Config(
        Starlette(routes=routes), log_config=None, lifespan="off", timeout_graceful_shutdown=0
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        admin.url = f"http://127.0.0.1:{listening.getsockname()[1]}/shops/{DOMAIN}"
        # Its own main loop and shutdown sleep for a tenth of a second, which every test would pay.
        await server.startup([listening])
        yield admin
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
