"""Fixtures of the faces: a shop with a key, and the application to call with it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from openstoq.db.pool import Database
from openstoq.jobs.work import Runtime
from openstoq.shops.model import Shop
from tests.factories.apps import client_of, make_app
from tests.factories.runtimes import make_runtime
from tests.factories.shops import make_key, make_shop


@pytest.fixture
def runtime(database: Database) -> Runtime:
    return make_runtime(database)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await make_shop(database)


@pytest.fixture
async def key(database: Database, shop: Shop) -> str:
    return await make_key(database, shop)


@pytest.fixture
def app(runtime: Runtime) -> Starlette:
    return make_app(runtime)


@pytest.fixture
async def client(app: Starlette, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the shop's key, based at /api/v2/external."""
    async with client_of(app, key) as opened:
        yield opened
