"""What a storefront reads of preorders, without a key."""

from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from openstoq.kernel.clock import utc_now
from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from openstoq.web.storefront import offers
from tests.factories.apps import client_of, make_app

AT = "/api/storefront/preorders"


@pytest.fixture
async def shopper(runtime, shop):
    app = make_app(runtime, routes=offers.routes(runtime))
    async with client_of(app, base="") as opened:
        opened.headers["X-Shopify-Shop-Domain"] = shop.domain
        yield opened


async def selling(client, database, shop, variant, **fields):
    """An enabled offer that sells a variant."""
    made = (await client.post("/preorders/offers", json=fields)).json()
    at = f"/preorders/offers/{made['id']}"
    async with database.transaction(shop.id) as db:
        offer = await store.load(db, shop.id, UUID(made["id"]), lock=True)
        await resolve.attach(db, shop.id, offer, [variant], utc_now())
    assert (await client.post(f"{at}/enable", json={})).status_code == 202
    return at, made["id"]


async def patched(client, path, **changes):
    answer = await client.patch(path, json=changes)
    assert answer.status_code == 202, answer.text


async def offer_of(shopper, variant, **query):
    answer = await shopper.get(AT, params={"variant_id": variant, **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return answer.json()


async def test_texts_are_in_the_language_asked_for(client, database, shop, shopper, catalogue):
    at, _ = await selling(client, database, shop, catalogue[0])
    await client.post(
        f"{at}/translations/set_many",
        json={
            "locale": "fr",
            "translations": {
                "widget.button.text": "Précommander",
                "payments.options.full.billing_title": "Payer {{ discount }} de moins",
            },
        },
    )
    body = {"type": "percentage", "value": 10}
    assert (await client.post(f"{at}/payments/set_discount", json=body)).status_code == 202
    french = (await offer_of(shopper, catalogue[0], locale="fr-CA"))["offer"]
    assert french["widget"]["button"]["text"] == "Précommander"
    assert french["payments"]["options"]["full"]["billing_title"] == "Payer 10% de moins"
    english = (await offer_of(shopper, catalogue[0], locale="en"))["offer"]
    assert english["widget"]["button"]["text"] == "Preorder"


async def test_the_offer_that_applies_first_is_shown(client, database, shop, shopper, catalogue):
    at, everywhere = await selling(client, database, shop, catalogue[0], name="Everywhere")
    at_five, five = await selling(client, database, shop, catalogue[0], name="Market 5")
    await client.post(f"{at_five}/markets/set_markets", json={"market_ids": [5]})
    assert (await offer_of(shopper, catalogue[0]))["offer"]["id"] == everywhere
    assert (await offer_of(shopper, catalogue[0], market_id=5))["offer"]["id"] == five
    await client.post(f"{at}/disable", json={})
    assert (await offer_of(shopper, catalogue[0]))["offer"] is None


async def test_the_properties_of_a_cart_line_are_told_with_the_variants_own_shipping_text(
    client, database, shop, shopper, catalogue
):
    at, offer_id = await selling(client, database, shop, catalogue[0])
    await client.post(f"{at}/shipping/set_shipping_text", json={"text": "In May"})
    body = {"locale": "fr", "translations": {"shipping.display.shipping_text": "En mai"}}
    await client.post(f"{at}/translations/set_many", json=body)
    french = await offer_of(shopper, catalogue[0], locale="fr")
    told = {"_openstoq_offer": offer_id, "Shipping": "En mai"}
    assert french["offer"]["line_item_properties"] == {"full": told, "partial": None}
    assert french["shipping_text"] == "En mai"
    variant = f"{at}/products/variants/{catalogue[0]}"
    own = {"shipping_text": "In June", "market_overrides": {"7": {"shipping_text": "In July"}}}
    assert (await client.patch(variant, json=own)).status_code == 202
    for market, text in ((None, "In June"), (7, "In July")):
        query = {"market_id": market} if market else {}
        answer = await offer_of(shopper, catalogue[0], locale="fr", **query)
        assert answer["shipping_text"] == text
        assert answer["offer"]["line_item_properties"]["full"]["Shipping"] == text
    off = {"line_item_properties": {"include_shipping_text": False}}
    await client.patch(f"{at}/advanced", json=off)
    plain = (await offer_of(shopper, catalogue[0]))["offer"]["line_item_properties"]
    assert plain == {"full": {"_openstoq_offer": offer_id}, "partial": None}


@asynccontextmanager
async def locked(database_url, *tables):
    """Lock tables, so that no request can read them meanwhile."""
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await other.close()


async def test_only_what_decides_is_read(client, database, database_url, shop, shopper, catalogue):
    variant = catalogue[0]
    lower, _ = await selling(client, database, shop, variant)
    await patched(client, f"{lower}/limits", total={"max": 1})
    assert (await offer_of(shopper, variant))["sold_out"] is False
    upper, _ = await selling(client, database, shop, variant)
    async with locked(database_url, "preorder_lines", "variants"):
        assert (await offer_of(shopper, variant))["sold_out"] is False
    await patched(client, f"{upper}/inventory", provider="shopify")
    async with locked(database_url, "preorder_lines"):
        assert (await offer_of(shopper, variant))["sold_out"] is False
    for at in (lower, upper):
        assert (await client.post(f"{at}/disable", json={})).status_code == 202
    async with locked(database_url, "preorder_lines", "variants"):
        nothing = {"variant_id": variant, "offer": None, "sold_out": False}
        assert await offer_of(shopper, variant) == nothing


@pytest.mark.parametrize(("left", "sold_out"), [(None, False), (1, False), (0, True), (-1, True)])
async def test_the_stock_decides_where_the_offer_that_applies_goes_by_it(
    client, database, shop, shopper, catalogue, left, sold_out
):
    variant = catalogue[0]
    at, _ = await selling(client, database, shop, variant)
    await patched(client, f"{at}/inventory", provider="shopify")
    ours, _ = await selling(client, database, shop, variant)
    await client.post(f"{ours}/markets/set_markets", json={"market_ids": [5]})
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE variants SET available = $2 WHERE id = $1", variant, left)
    assert (await offer_of(shopper, variant))["sold_out"] is sold_out
    assert (await offer_of(shopper, variant, market_id=5))["sold_out"] is False
    own = {"5": {"max_count": 0}}
    await patched(client, f"{ours}/products/variants/{variant}", market_overrides=own)
    assert (await offer_of(shopper, variant, market_id=5))["sold_out"] is True
    assert (await offer_of(shopper, variant))["sold_out"] is sold_out


async def test_no_stock_numbers_are_told(client, database, shop, shopper, catalogue):
    at, offer_id = await selling(client, database, shop, catalogue[0])
    await client.patch(f"{at}/products/variants/{catalogue[0]}", json={"max_count": 4321})
    answer = await shopper.get(AT, params={"variant_id": catalogue[0]})
    assert "4321" not in answer.text.replace(offer_id, "")


async def test_what_is_wrong_is_said(shopper, catalogue):
    assert (await shopper.get(AT)).status_code == 422
    assert (await shopper.get(AT, params={"variant_id": "x"})).status_code == 422
    assert (await offer_of(shopper, 999))["offer"] is None
    shopper.headers["X-Shopify-Shop-Domain"] = "nobody.myshopify.com"
    assert (await shopper.get(AT, params={"variant_id": catalogue[0]})).status_code == 401
