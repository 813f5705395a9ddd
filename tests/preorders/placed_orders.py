"""An order of a shop that can be written about, and the relay that takes the mails."""

import pytest

from openstoq.commerce.port import ShopConnector
from openstoq.commerce.shopify.adapter import ShopifyConnector
from openstoq.config import Mail, Security, Settings
from openstoq.jobs.work import Run
from openstoq.kernel.ids import new_id
from openstoq.messaging.port import EmailTransport
from tests.commerce.order_answers import ORDER
from tests.commerce.server import serving
from tests.factories.clients import patient_client
from tests.factories.orders import make_line, make_order, make_payment
from tests.factories.relays import Relay
from tests.factories.runtimes import KEY, make_runtime
from tests.factories.shops import install_shop
from tests.messaging.reading import body, parsed

DOMAIN = "snowdevil.myshopify.com"


@pytest.fixture
async def admin():
    async with serving() as admin:
        yield admin


@pytest.fixture
def relay():
    return Relay()


@pytest.fixture
async def runtime(database, relay):
    async with patient_client() as http:
        ports = {ShopConnector: ShopifyConnector(http), EmailTransport: relay}
        settings = Settings(security=Security(key=KEY), mail=Mail(sender="shop@snowdevil.example"))
        yield make_runtime(database, ports=ports, settings=settings)


@pytest.fixture
async def shop(database, admin):
    return await install_shop(database, admin.url, "shpat_test", "owner@snowdevil.example")


@pytest.fixture
async def placed(database, shop):
    """Add the order that is written about, with two units in it, and return our id of it."""

    async def place(**facts):
        async with database.transaction(shop.id) as db:
            number = await make_order(db, shop.id, ORDER, **{"name": "#1001"} | facts)
            await make_line(db, shop.id, ORDER)
            return number

    return place


@pytest.fixture
async def paid(database, shop):
    async def pay(**facts):
        async with database.transaction(shop.id) as db:
            return await make_payment(db, shop.id, ORDER, **facts)

    return pay


@pytest.fixture
def send(runtime, shop):
    """Run one of the jobs that send mails."""

    async def send(job, **arguments):
        run = Run(runtime=runtime, shop_id=shop.id, request_id="test", attempt=1)
        sent = {"order_id": ORDER, "notice_id": new_id()} | arguments
        await job.handler(run, **job.arguments(sent))

    return send


def only(relay):
    (email,) = relay.taken
    message = parsed(email.content)
    return email, message, body(message, "plain")
