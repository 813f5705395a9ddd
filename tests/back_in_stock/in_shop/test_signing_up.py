"""No sign-up is taken and forgotten: it is refused with a sentence, or its shopper is told."""

from urllib.parse import urlsplit
from uuid import UUID

import pytest

from openstoq.back_in_stock.notifications.links import CONFIRM, link
from openstoq.catalog.jobs import pull_everything
from openstoq.preorders.orders.jobs import read_markets
from openstoq.web.storefront import links
from openstoq.web.v1 import routes as v1
from tests.factories.apps import client_of, make_app
from tests.factories.sandboxed import all_jobs_done, run
from tests.factories.waitlists import rows, set_settings


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=[*v1.routes(runtime), *links.routes(runtime)])


@pytest.fixture
async def page(app, shop):
    """The shop's pages, where strangers fill in forms and follow links."""
    async with client_of(app, base="") as opened:
        opened.headers["X-Shopify-Shop-Domain"] = shop.domain
        yield opened


@pytest.fixture
async def keyed(app, client):
    """A client of API v1 with the shop's key."""
    async with client_of(app, client.headers["X-Auth-Token"], base="") as opened:
        yield opened


def form(tote, email, **intent):
    told = {"shopify_variant_id": tote.variant, "shopify_product_id": tote.product}
    return {
        "intent": {"channel": "email", "source": "api", **told, **intent},
        "customer": {"email": email},
    }


async def test_what_is_in_stock_is_not_waited_for(tote, page, database, shop):
    await tote.stock(2)
    answer = await tote.sign_up("ada@example.com")
    assert answer.status_code == 409
    assert "in stock" in answer.json()["errors"][0]
    answer = await page.post("/api/v1/intents.json", json=form(tote, "ada@example.com"))
    assert answer.status_code == 200
    assert "in stock" in answer.json()["errors"][0]
    assert await rows(database, shop, "signups") == []
    assert await rows(database, shop, "customers") == []
    await tote.stock(0)
    await tote.waits("ada@example.com")


@pytest.mark.parametrize("change", [{"status": "DRAFT"}, {"published": False}])
async def test_what_nobody_can_open_yet_is_waited_for(tote, change):
    await tote.stock(2)
    await tote.change(**change)
    await tote.waits("ada@example.com")
    await tote.change(status="ACTIVE", published=True)
    assert tote.told == ["ada@example.com"]


async def test_below_the_threshold_one_waits_until_it_is_reached(tote, database, shop):
    await set_settings(database, shop, {"delivery": {"stock_threshold": 5}})
    await tote.stock(4)
    await tote.waits("ada@example.com")
    await tote.stock(5)
    assert tote.told == ["ada@example.com"]
    assert (await tote.sign_up("bob@example.com")).status_code == 409


async def test_what_is_not_tracked_is_in_stock(tote):
    await tote.site.control("PATCH", f"variants/{tote.variant}", {"tracked": False})
    await tote.done()
    assert (await tote.sign_up("ada@example.com")).status_code == 409


async def test_a_variant_that_goes_on_selling_without_stock_is_waited_for(tote):
    change = {"inventory_policy": "CONTINUE"}
    await tote.site.control("PATCH", f"variants/{tote.variant}", change)
    await tote.done()
    await tote.waits("ada@example.com")


async def test_a_signup_confirmed_while_it_is_in_stock_is_notified_at_once(
    tote, page, runtime, database, shop
):
    await set_settings(database, shop, {"compliance": {"optin_required": True}})
    signup = await tote.waits("ada@example.com")
    await tote.done()
    await tote.stock(3)
    asked = tote.told
    assert asked == ["ada@example.com"]
    confirm = urlsplit(link(runtime, CONFIRM, shop.id, UUID(signup))).path
    assert (await page.post(confirm)).status_code == 200
    await tote.done()
    assert tote.told == ["ada@example.com", "ada@example.com"]
    (row,) = await rows(database, shop, "signups")
    assert row["notified_at"] is not None


async def test_a_variant_that_does_not_exist_is_refused(tote, page, keyed, runtime, shop):
    await run(runtime, shop, pull_everything)
    await all_jobs_done(tote.database)
    unknown = {"shopify_variant_id": 404, "shopify_product_id": tote.product}
    answer = await tote.sign_up("ada@example.com", **unknown)
    assert answer.status_code == 422
    assert "not a variant of this shop" in answer.json()["errors"][0]
    for caller in (page, keyed):
        answer = await caller.post(
            "/api/v1/intents.json", json=form(tote, "a@x.example", **unknown)
        )
        assert "not a variant of this shop" in answer.json()["errors"][0]
    await tote.site.control("DELETE", f"variants/{tote.variant}")
    await tote.done()
    assert (await tote.sign_up("ada@example.com")).status_code == 422


async def test_one_message_whatever_markets_the_signups_name(tote, keyed, runtime, database, shop):
    await run(runtime, shop, read_markets)
    await all_jobs_done(database)
    markets = [row["id"] for row in await rows(database, shop, "markets")]
    assert len(markets) == 3
    for market in (*markets, None):
        body = form(tote, "ada@example.com", shopify_market_id=market)
        assert (await keyed.post("/api/v1/intents.json", json=body)).status_code == 201
    body = form(tote, "ada@example.com", shopify_market_id=404)
    answer = await keyed.post("/api/v1/intents.json", json=body)
    assert "not a market of this shop" in answer.json()["errors"][0]
    await tote.stock(5)
    assert tote.told == ["ada@example.com"]
    assert all(row["notified_at"] for row in await rows(database, shop, "signups"))


async def test_one_message_by_hand_stands_for_all_signups_of_a_contact(
    tote, keyed, runtime, database, shop
):
    await run(runtime, shop, read_markets)
    await all_jobs_done(database)
    for market in [row["id"] for row in await rows(database, shop, "markets")]:
        body = form(tote, "ada@example.com", shopify_market_id=market)
        assert (await keyed.post("/api/v1/intents.json", json=body)).status_code == 201
    ids = [str(row["id"]) for row in await rows(database, shop, "signups")]
    body = {"signup_ids": [*ids, await tote.waits("bob@example.com")]}
    answer = await tote.client.post("/back_in_stock/signups/bulk_notify", json=body)
    assert answer.status_code == 200
    assert len(answer.json()["success"]) == 4
    await tote.done()
    assert sorted(tote.told) == ["ada@example.com", "bob@example.com"]
    signups = await rows(database, shop, "signups")
    assert all(row["notified_at"] for row in signups)
    assert sum(row["notifications_sent"] for row in signups) == 2
    await tote.stock(5)
    assert len(tote.told) == 2
