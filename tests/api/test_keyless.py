"""Every keyless address, asked by strangers: whatever they send, it is no fault of ours.

OPENSTOQ_TEST_BODIES says how many requests are made up, OPENSTOQ_TEST_SEED which.
"""

import os
from collections import Counter
from urllib.parse import quote

import pytest

from api.strangers import Strangers
from factories.apps import make_app
from factories.runtimes import KEY, make_runtime
from openstoq.commerce.inbound import Inbound
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import Limits, Security, Settings
from openstoq.web import webhooks
from openstoq.web.storefront import carts, links, offers
from openstoq.web.v1 import routes as v1

BODIES = int(os.environ.get("OPENSTOQ_TEST_BODIES", "400"))
SEED = int(os.environ.get("OPENSTOQ_TEST_SEED", "9"))


@pytest.fixture
def runtime(database):
    """A runtime in which nobody's points run out."""
    plenty = 1_000_000_000
    settings = Settings(
        security=Security(key=KEY), limits=Limits(address_points=plenty, signup_points=plenty)
    )
    return make_runtime(database, settings=settings, ports={Inbound: ShopifyInbound()})


@pytest.fixture
def app(runtime):
    faces = (v1, offers, carts, links, webhooks)
    return make_app(runtime, routes=[one for face in faces for one in face.routes(runtime)])


async def answer(app, asked):
    """Put a request to the application as a server would; return the status of the answer."""
    unread = [{"type": "http.request", "body": asked.body, "more_body": False}]
    statuses = []

    async def receive():
        return unread.pop() if unread else {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    path = asked.path.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "root_path": "",
        "query_string": asked.query,
        "headers": [*asked.headers, (b"content-length", str(len(asked.body)).encode())],
        "client": ("192.0.2.1", 1234),
        "server": ("shop.test", 80),
        "state": {},
    }
    await app(scope, receive, send)
    return statuses[0]


async def test_whatever_strangers_send_is_no_fault(app, shop):
    strangers = Strangers(SEED)
    answered = Counter()
    async with app.router.lifespan_context(app):
        for _ in range(BODIES):
            asked = strangers.ask()
            status = await answer(app, asked)
            answered[status] += 1
            assert status < 500, (
                asked.method,
                asked.path,
                asked.query,
                asked.headers,
                asked.body[:2000],
            )
    # They got somewhere: sign-ups were made, forms and carts were read.
    assert answered[201]
    assert answered[200]
    assert answered[400]
    assert answered[401]
