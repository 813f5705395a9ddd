"""Every keyless address, asked by strangers: whatever they send, it is no fault of ours.

Nor does it stop a wave, which has to write a mail to everybody that they signed up.

OPENSTOQ_TEST_BODIES says how many requests are made up, OPENSTOQ_TEST_SEED which.
"""

import os
from collections import Counter
from urllib.parse import quote

import pytest

from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.bootstrap import api
from openstoq.commerce.inbound import Inbound
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import Limits, Security, Settings
from openstoq.kernel.clock import utc_now
from openstoq.messaging.port import EmailTransport
from tests.api.strangers import PRODUCT, VARIANT, Strangers
from tests.factories.apps import make_app
from tests.factories.catalogs import ITEM, NOON, product, save, variant
from tests.factories.catalogs import VARIANT as FIRST
from tests.factories.relays import Relay
from tests.factories.runtimes import KEY
from tests.factories.waitlists import restocking_runtime, rows, run_of, stock_becomes

BODIES = int(os.environ.get("OPENSTOQ_TEST_BODIES", "400"))
ITEM_OF_VARIANT = VARIANT + ITEM - FIRST
SEED = int(os.environ.get("OPENSTOQ_TEST_SEED", "9"))


@pytest.fixture
def relay():
    return Relay()


@pytest.fixture
def runtime(database, relay):
    """A runtime in which nobody's points run out."""
    plenty = 1_000_000_000
    settings = Settings(
        security=Security(key=KEY), limits=Limits(address_points=plenty, signup_points=plenty)
    )
    ports = {Inbound: ShopifyInbound(), EmailTransport: relay}
    return restocking_runtime(database, utc_now, settings=settings, ports=ports)


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=api.routes(runtime))


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


async def check_all_are_told(database, runtime, relay, shop):
    """Of all that was taken in nothing keeps a wave from telling everybody."""
    (wave_id,) = await stock_becomes(
        runtime, shop, 5, utc_now().timestamp() - NOON.timestamp(), item=ITEM_OF_VARIANT
    )
    await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
    waited = [
        row
        for row in await rows(database, shop, "signups")
        if row["variant_id"] == VARIANT and row["channel"] == "email"
    ]
    assert all(row["notified_at"] for row in waited)
    assert sorted(relay.recipients) == sorted({row["contact"] for row in waited})


async def test_whatever_strangers_send_is_no_fault(app, database, runtime, relay, shop):
    await save(database, shop, product(variant(VARIANT, product_id=PRODUCT), id=PRODUCT))
    await stock_becomes(runtime, shop, 0, -60, item=ITEM_OF_VARIANT)
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
    await check_all_are_told(database, runtime, relay, shop)
    # They got somewhere: sign-ups were made, forms and carts were read.
    assert answered[201]
    assert answered[200]
    assert answered[400]
    assert answered[401]
