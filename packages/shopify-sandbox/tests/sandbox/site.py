"""A running sandbox and a receiver of its webhooks, both on ports of their own."""

import asyncio
import socket
from collections import deque
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from sandbox.patience import PATIENCE
from shopify_sandbox.__main__ import Server
from shopify_sandbox.config import SandboxConfig
from shopify_sandbox.server import create_app
from tests.factories.clients import patient_client

SNOWDEVIL = "snowdevil.myshopify.com"
NORTHWIND = "northwind.myshopify.com"


def bound_socket():
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def serving(app, listening):
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

    def __init__(self):
        self.taken = []
        self.answers = deque()
        self.arrival = asyncio.Condition()
        self.hang = asyncio.Event()
        self.app = Starlette(
            routes=[Route("/hooks", self.take, methods=["POST"])],
        )

    async def take(self, request):
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

    def topics(self):
        return [headers["X-Shopify-Topic"] for headers, _ in self.taken]

    async def wait_for(self, number):
        async with asyncio.timeout(PATIENCE), self.arrival:
            await self.arrival.wait_for(lambda: len(self.taken) >= number)


class Site:
    """The sandbox as its clients see it."""

    def __init__(self, url, app, http):
        self.url = url
        self.app = app
        self.http = http

    def shop(self, domain=SNOWDEVIL):
        return self.app.state.sandbox.shops[domain].shop

    async def post(self, query, variables=None, *, domain=SNOWDEVIL, token="shpat_sandbox", **body):
        return await self.http.post(
            f"{self.url}/shops/{domain}/admin/api/2026-07/graphql.json",
            json={"query": query, "variables": variables or {}, **body},
            headers={"X-Shopify-Access-Token": token},
        )

    async def graphql(self, query, variables=None, **options):
        answer = await self.post(query, variables, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, method, path, body=None, *, domain=SNOWDEVIL):
        return await self.http.request(
            method,
            f"{self.url}/shops/{domain}/control/{path}",
            json=body,
            headers={"X-Sandbox-Token": "sandbox-control"},
        )

    async def control(self, method, path, body=None, *, status=200, **options):
        answer = await self.ask(method, path, body, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def idle(self):
        assert (await self.control("POST", "idle", {"timeout": PATIENCE}))["idle"]

    async def subscribe(self, uri, *topics, **options):
        made = []
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
async def running(**settings):
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
