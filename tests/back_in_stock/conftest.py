"""Tests of back-in-stock on a real PostgreSQL: a shop whose one variant is sold out."""

import pytest

from openstoq.back_in_stock.notifications import supply
from openstoq.back_in_stock.notifications.waves import Wave
from openstoq.db.pool import Database
from openstoq.jobs.work import Runtime
from openstoq.messaging.port import EmailTransport
from openstoq.shops.model import Shop
from tests.factories.catalogs import save
from tests.factories.fixtures import app, client, key, shop
from tests.factories.relays import Relay
from tests.factories.waitlists import Watch, load_wave, restocking_runtime, stock_becomes

__all__ = ["app", "client", "key", "shop"]


@pytest.fixture
def claimed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run claims up to 200 waiting shoppers at once, as it does once it has sent for some."""
    monkeypatch.setattr(supply, "FIRST_GROUP", supply.GROUP)


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
async def wave(
    database: Database, runtime: Runtime, shop: Shop, sold_out: None, watch: Watch
) -> Wave:
    """A wave that the restock at noon started."""
    (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
    return await load_wave(database, shop, wave_id)
