"""An Admin API of the test's own, and a clock that never makes a test wait."""

import asyncio
import socket

import pytest

from openstoq.commerce.port import ShopCredentials
from openstoq.commerce.shopify.adapter import ShopifyConnector
from openstoq.commerce.shopify.client import Client, http_client
from openstoq.commerce.shopify.throttle import Patience, Throttle
from sandbox.site import SNOWDEVIL, running
from tests.commerce.server import DOMAIN, TOKEN, serving


@pytest.fixture
async def admin():
    async with serving() as admin:
        yield admin


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def patience(clock):
    return Patience(attempts=4, answer=5.0, now=lambda: clock.now, sleep=clock.sleep)


@pytest.fixture
async def http():
    async with http_client() as http:
        yield http


@pytest.fixture
def throttle():
    return Throttle()


@pytest.fixture
def client(http, admin, throttle, patience):
    return Client(http, ShopCredentials(DOMAIN, TOKEN, admin.url), throttle, patience)


@pytest.fixture
def shop(http, admin, patience):
    return ShopifyConnector(http, patience)(ShopCredentials(DOMAIN, TOKEN, admin.url))


@pytest.fixture
async def dead_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture
async def site():
    async with running() as site:
        yield site


async def soon(seconds):
    # The sandbox's bucket fills in real time, quickly; nobody has to sit out a whole second.
    await asyncio.sleep(min(seconds, 0.02))


@pytest.fixture
def connect(site, http):
    def connect(token="shpat_sandbox", domain=SNOWDEVIL):
        credentials = ShopCredentials(domain, token, f"{site.url}/shops/{domain}")
        return ShopifyConnector(http, Patience(attempts=12, answer=2.0, sleep=soon))(credentials)

    return connect
