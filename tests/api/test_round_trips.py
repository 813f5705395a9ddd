"""How often the hot requests ask PostgreSQL and wait for its answer."""

import asyncpg
import pytest

from openstoq.back_in_stock.settings import store as settings
from openstoq.back_in_stock.settings.model import BackInStockSettings
from openstoq.db.pool import Database
from openstoq.web.v1 import routes as v1
from tests.factories.apps import client_of, make_app
from tests.factories.catalogs import NOON, PRODUCT, VARIANT
from tests.factories.runtimes import make_runtime
from tests.factories.shops import make_key, make_shop
from tests.factories.wires import counted_wire


@pytest.fixture
async def wired(database_url):
    """A pool whose round trips are counted, and their counter."""
    async with counted_wire(database_url) as (url, wire):
        pool = await Database.connect(url, size=5)
        yield pool, wire
        await pool.close()


def app_over(database):
    runtime = make_runtime(database)
    return make_app(runtime, routes=v1.routes(runtime))


def form(number):
    return {
        "intent": {
            "shopify_variant_id": VARIANT,
            "shopify_product_id": PRODUCT,
            "channel": "email",
            "quantity": 1,
            "source": "api",
        },
        "customer": {"email": f"shopper{number}@example.com"},
    }


async def counts(wire, *requests):
    """Send the requests one after another; return the round trips of each."""
    taken = []
    for request in requests:
        before = wire.round_trips
        answer = await request
        taken.append((answer.status_code, wire.round_trips - before))
    return taken


def of_stranger(shop):
    return {"X-Shopify-Shop-Domain": shop.domain}


async def test_a_sign_up_takes_two_round_trips(wired):
    database, wire = wired
    shop = await make_shop(database)
    key = await make_key(database, shop)
    app = app_over(database)
    async with client_of(app, base="") as strangers, client_of(app, key) as client:
        await strangers.post("/api/v1/intents", json=form(0), headers=of_stranger(shop))
        v2 = {
            "channel": "email",
            "shopify_variant_id": VARIANT,
            "shopify_product_id": PRODUCT,
        }
        await client.post("/back_in_stock/signups", json=v2 | {"email": "first@example.com"})
        assert await counts(
            wire,
            strangers.post("/api/v1/intents", json=form(1), headers=of_stranger(shop)),
            strangers.post("/api/v1/intents", json=form(1), headers=of_stranger(shop)),
            client.post("/back_in_stock/signups", json=v2 | {"email": "ada@example.com"}),
        ) == [(201, 2), (200, 2), (202, 2)]


async def test_shops_that_take_turns_take_no_further_round_trip(wired):
    database, wire = wired
    shops = [await make_shop(database, f"{name}.myshopify.com") for name in ("one", "two")]
    async with client_of(app_over(database), base="") as client:
        for number in range(2):
            for shop in shops:
                await client.post("/api/v1/intents", json=form(number), headers=of_stranger(shop))
        assert await counts(
            wire,
            *(
                client.post("/api/v1/intents", json=form(9), headers=of_stranger(shop))
                for shop in shops
            ),
        ) == [(201, 2), (201, 2)]


async def test_a_refused_sign_up_leaves_nothing(wired, database_url):
    database, _ = wired
    shop = await make_shop(database)
    key = await make_key(database, shop)
    sent = {"channel": "email", "shopify_variant_id": VARIANT, "email": "ada@example.com"}
    owner = await asyncpg.connect(database_url)
    async with client_of(app_over(database), key) as client:
        refused = await client.post("/back_in_stock/signups", json=sent)
        assert refused.status_code == 422
        assert "shopify_product_id is required" in refused.text
        assert await owner.fetchval("SELECT count(*) FROM customers") == 0
        assert await owner.fetchval("SELECT count(*) FROM audit_log") == 0
        whole = sent | {"shopify_product_id": PRODUCT}
        assert (await client.post("/back_in_stock/signups", json=whole)).status_code == 202
        before = await owner.fetch("SELECT * FROM customers")
        again = await client.post("/back_in_stock/signups", json=whole | {"name": "Another"})
        assert again.status_code == 409
        assert await owner.fetch("SELECT * FROM customers") == before
        assert await owner.fetchval("SELECT count(*) FROM audit_log") == 1
    await owner.close()


async def test_a_sign_up_that_has_to_be_confirmed_enqueues_its_mail_with_it(wired, database_url):
    database, _ = wired
    shop = await make_shop(database)
    document = BackInStockSettings()
    document.compliance.optin_required = True
    async with database.transaction(shop.id) as db:
        await settings.save_if_absent(db, shop.id, document, NOON)
    owner = await asyncpg.connect(database_url)
    async with client_of(app_over(database), base="") as client:
        for number in range(3):
            answer = await client.post(
                "/api/v1/intents", json=form(number), headers=of_stranger(shop)
            )
            assert answer.status_code == 201
    assert await owner.fetchval("SELECT count(*) FROM signups") == 3
    assert await owner.fetchval("SELECT count(*) FROM queue.pgqueuer") == 3
    assert await owner.fetchval("SELECT count(*) FROM audit_log") == 3
    await owner.close()


async def test_a_patch_of_an_offer(wired):
    database, wire = wired
    shop = await make_shop(database)
    async with client_of(app_over(database), await make_key(database, shop)) as client:
        offer = (await client.post("/preorders/offers", json={"name": "Summer"})).json()
        at = f"/preorders/offers/{offer['id']}"
        await client.patch(f"{at}/limits", json={"total": {"max": 5}})
        await client.patch(at, json={"name": "Winter"})
        assert await counts(
            wire,
            client.patch(at, json={"name": "Spring"}),
            client.patch(f"{at}/limits", json={"total": {"max": 6}}),
        ) == [(202, 6), (202, 6)]
