"""Tests of preorders on a real PostgreSQL: a shop with a product of three variants."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from openstoq.db.pool import Database
from openstoq.jobs.work import Runtime
from openstoq.shops.model import Shop
from openstoq.web.v1 import routes
from tests.factories.apps import client_of, make_app
from tests.factories.catalogs import product, save, variant
from tests.factories.fixtures import app, client, key, runtime, shop

__all__ = ["app", "client", "key", "runtime", "shop"]

VARIANTS = [11, 21, 31]


@pytest.fixture
async def catalogue(database: Database, shop: Shop) -> list[int]:
    await save(database, shop, product(*(variant(number) for number in VARIANTS)))
    return VARIANTS


@pytest.fixture
async def offer_id(client: httpx.AsyncClient) -> str:
    answer = await client.post("/preorders/offers", json={})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def v1_app(runtime: Runtime) -> Starlette:
    return make_app(runtime, routes=routes.routes(runtime))


@pytest.fixture
async def v1(v1_app: Starlette, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the shop's key, based at /api/v1/external."""
    async with client_of(v1_app, key, base="/api/v1/external") as opened:
        yield opened
