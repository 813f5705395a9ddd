"""Tests of back-in-stock on a real PostgreSQL: a shop whose one variant is sold out."""

import pytest

from factories.catalogs import save
from factories.fixtures import app, client, key, shop
from factories.relays import Relay
from factories.waitlists import Watch, load_wave, restocking_runtime, stock_becomes
from openstoq.db.pool import Database
from openstoq.jobs.work import Runtime
from openstoq.messaging.port import EmailTransport
from openstoq.shops.model import Shop

__all__ = ["app", "client", "key", "shop"]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def runtime(database: Database, watch: Watch, relay: Relay) -> Runtime:
    return restocking_runtime(database, watch, ports={EmailTransport: relay})


@pytest.fixture
async def sold_out(database: Database, runtime: Runtime, shop: Shop) -> None:
    """The variant is known and sold out since a minute before noon."""
    await save(database, shop)
    await stock_becomes(runtime, shop, 0, -60)


@pytest.fixture
async def wave(database, runtime, shop, sold_out, watch):
    """A wave that the restock at noon started."""
    (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
    return await load_wave(database, shop, wave_id)
