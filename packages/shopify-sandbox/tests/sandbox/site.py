"""A running sandbox and a receiver of its webhooks, both on ports of their own."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import httpx
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.patience import PATIENCE
from shopify_sandbox.__main__ import Server
from shopify_sandbox.config import SandboxConfig
from shopify_sandbox.server import create_app
from shopify_sandbox.shop import Shop
from tests.factories.clients import patient_client

SNOWDEVIL = "snowdevil.myshopify.com"
NORTHWIND = "northwind.myshopify.com"


def bound_socket() -> tuple[socket.socket, str]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def serving(app: Starlette, listening: socket.socket) -> AsyncIterator[None]:
    server = Server(app)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    await asyncio.wait_for(server.ready.wait(), PATIENCE)
    try:
        yield
    finally:
        server.stop()
        await asyncio.wait_for(running, PATIENCE)


class Receiver:
    """Takes webhooks; answers with the statuses it was given, then 200."""

    def __init__(self) -> None:
        self.taken: list[tuple[Headers, bytes]] = []
        self.answers: deque[int | Literal["hang"]] = deque()
        self.arrival = asyncio.Condition()
        self.hang = asyncio.Event()
        self.app = Starlette(
            routes=[Route("/hooks", self.take, methods=["POST"])],
        )

    async def take(self, request: Request) -> Response:
        status = self.answers.popleft() if self.answers else 200
        body = await request.body()
        async with self.arrival:
            self.taken.append((request.headers, body))
            self.arrival.notify_all()
        if status == "hang":
            with suppress(TimeoutError):
                await asyncio.wait_for(self.hang.wait(), PATIENCE)
            status = 200
        return Response(status_code=status)

    def topics(self) -> list[str]:
        return [headers["X-Shopify-Topic"] for headers, _ in self.taken]

    async def wait_for(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE), self.arrival:
            await self.arrival.wait_for(lambda: len(self.taken) >= number)


class Site:
    """The sandbox as its clients see it."""

    def __init__(self, url: str, app: Starlette, http: httpx.AsyncClient) -> None:
        self.url = url
        self.app = app
        self.http = http

    def shop(self, domain: str = SNOWDEVIL) -> Shop:
        shop: Shop = self.app.state.sandbox.shops[domain].shop
        return shop

    async def post(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        domain: str = SNOWDEVIL,
        token: str = "shpat_sandbox",
        **body: Any,
    ) -> httpx.Response:
        return await self.http.post(
            f"{self.url}/shops/{domain}/admin/api/2026-07/graphql.json",
            json={"query": query, "variables": variables or {}, **body},
            headers={"X-Shopify-Access-Token": token},
        )

    async def graphql(
        self, query: str, variables: dict[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        answer = await self.post(query, variables, **options)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        domain: str = SNOWDEVIL,
    ) -> httpx.Response:
        return await self.http.request(
            method,
            f"{self.url}/shops/{domain}/control/{path}",
            json=body,
            headers={"X-Sandbox-Token": "sandbox-control"},
        )

    async def control(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        status: int = 200,
        **options: Any,
    ) -> dict[str, Any]:
        answer = await self.ask(method, path, body, **options)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def idle(self) -> None:
        assert (await self.control("POST", "idle", {"timeout": PATIENCE}))["idle"]

    async def subscribe(self, uri: str, *topics: str, **options: Any) -> list[str]:
        made: list[str] = []
        for topic in topics:
            answer = await self.graphql(
                """mutation ($topic: WebhookSubscriptionTopic!, $in: WebhookSubscriptionInput!) {
                  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $in) {
                    webhookSubscription { id } userErrors { field message }
                  }
                }""",
                {"topic": topic, "in": {"uri": uri, **options}},
            )
            payload = answer["data"]["webhookSubscriptionCreate"]
            assert payload["userErrors"] == []
            made.append(payload["webhookSubscription"]["id"])
        return made


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Site]:
    listening, url = bound_socket()
    config = SandboxConfig(
        base_url=url, **{"allow_http": True, "retry_delays": (0.001,) * 8, **settings}
    )
    app = create_app(config)
    async with (
        serving(app, listening),
        patient_client() as http,
    ):
        yield Site(url, app, http)
