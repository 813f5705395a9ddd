"""A variant's own settings by market: kept under the ids that were sent, found by the number."""

from uuid import UUID

import pytest

from openstoq.errors import Invalid
from openstoq.preorders.offers import rules, store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.offered_variants import load_variants
from openstoq.preorders.offers.storefront.metafields import on_variant
from tests.factories.catalogs import NOON

GID = "gid://shopify/Market/7"


NAMES = ("7", "007", GID, GID.replace("7", "007"), f"{GID}?country=DE")


@pytest.fixture
async def at(client, offer_id, database, shop, catalogue):
    async with database.transaction(shop.id) as db:
        offer = await store.load(db, shop.id, UUID(offer_id), lock=True)
        assert await resolve.attach(db, shop.id, offer, catalogue, NOON) == []
    assert (await client.post(f"/preorders/offers/{offer_id}/enable")).status_code == 202
    return f"/preorders/offers/{offer_id}/products/variants/{catalogue[0]}"


async def patched(client, at, overrides):
    answer = await client.patch(at, json={"market_overrides": overrides})
    assert answer.status_code == 202, answer.text
    shown = answer.json()["market_overrides"]
    read = (await client.get(at)).json()
    assert read["market_overrides"] == shown
    context = await client.get(f"/preorders/product_variants/{read['shopify_variant_id']}")
    (offer,) = context.json()["offers"]
    assert set(offer["market_overrides"]) == set(shown)
    return {
        market: {name: value for name, value in fields.items() if value is not None}
        for market, fields in shown.items()
    }


async def test_a_market_has_blocks_as_it_was_sent(client, at):
    for market in (GID, "8", "gid://shopify/Market/9?country=DE"):
        assert market in await patched(client, at, {market: {"max_count": 3}})
    assert set(await patched(client, at, {})) == {GID, "8", "gid://shopify/Market/9?country=DE"}


async def test_one_market_is_one_however_it_is_named(client, at):
    await patched(client, at, {GID: {"max_count": 3}})
    merged = await patched(client, at, {"7": {"shipping_text": "In May"}})
    assert merged == {"7": {"max_count": 3, "shipping_text": "In May"}}
    merged = await patched(client, at, {GID: {"shipping_text": None}})
    assert merged == {GID: {"max_count": 3}}
    assert await patched(client, at, {"7": None}) == {}
    twice = await client.patch(at, json={"market_overrides": {GID: {}, "7": {"max_count": 1}}})
    assert (twice.status_code, twice.json()["errors"]) == (
        422,
        [f"market_overrides names one market twice: {GID} and 7"],
    )
    other = await client.patch(at, json={"market_overrides": {"gid://shopify/Product/7": {}}})
    assert other.json()["errors"] == [
        "market_overrides.gid://shopify/Product/7 must be the id of a Market"
    ]


@pytest.mark.parametrize("name", NAMES)
async def test_every_name_of_a_market_is_the_same_market(client, at, name):
    await patched(client, at, {"7": {"max_count": 3}})
    merged = await patched(client, at, {name: {"shipping_text": "In May"}})
    assert merged == {name: {"max_count": 3, "shipping_text": "In May"}}
    assert await patched(client, at, {"7": None}) == {}


@pytest.mark.parametrize("name", NAMES)
async def test_the_storefront_reads_the_number(client, at, database, shop, catalogue, name):
    await patched(client, at, {name: {"max_count": 3, "shipping_text": "In May"}})
    async with database.transaction(shop.id) as db:
        (found, *_) = await load_variants(db, shop.id, catalogue)
    metafields = on_variant(found.selling, NOON)
    assert metafields["shipping_text"] == ("json", '{"7":"In May"}')
    assert metafields["market_preorder_max_count"] == ("json", '{"7":3}')


def test_markets_of_older_rows_are_found():
    known = {"7": {"max_count": 3}, GID.replace("7", "8"): {"max_count": 4}}
    assert rules.by_number(known) == {"7": {"max_count": 3}, "8": {"max_count": 4}}
    assert rules.merged_markets(known, {GID: {"max_count": 5}})[GID] == {"max_count": 5}
    with pytest.raises(Invalid):
        rules.merged_markets({}, {"7": None, GID: None})
