"""Ids of markets, variants, products and locations that the shop does not have."""

from uuid import UUID

import pytest

from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from tests.factories.catalogs import LOCATION, NOON, PRODUCT

GONE, NEVER = 31, 999


@pytest.fixture
async def known(client, offer_id, database, shop, catalogue):
    """A shop whose catalogue was read whole, with a market, a location and a deleted variant."""
    async with database.transaction(shop.id) as db:
        await db.execute(
            "INSERT INTO catalog_pulls (shop_id, started_at, finished_at, complete) "
            "VALUES ($1, now(), now(), true)",
            shop.id,
        )
        await db.execute("INSERT INTO markets VALUES ($1, 5, 'Europe', true, '{DE}')", shop.id)
        await db.execute(
            "INSERT INTO locations VALUES ($1, $2, 'Here', true, now()) ON CONFLICT DO NOTHING",
            shop.id,
            LOCATION,
        )
        await db.execute("UPDATE variants SET deleted_at = now() WHERE id = $1", GONE)
        offer = await store.load(db, shop.id, UUID(offer_id), lock=True)
        await resolve.attach(db, shop.id, offer, catalogue[:1], NOON)
    return f"/preorders/offers/{offer_id}"


async def refused(client, method, at, body, sentence):
    answer = await client.request(method, at, json=body)
    assert (answer.status_code, answer.json()["errors"]) == (422, [sentence])


@pytest.mark.parametrize(
    ("method", "at", "body", "field"),
    [
        ("POST", "/markets/add_market", {"market_id": 77}, "market_id"),
        (
            "POST",
            "/markets/set_markets",
            {"market_ids": [5, "gid://shopify/Market/77"]},
            "market_ids",
        ),
        ("PATCH", "/markets", {"enabled": True, "market_ids": [77]}, "market_ids"),
        ("PATCH", "", {"markets": {"market_ids": [77]}}, "markets.market_ids"),
    ],
)
async def test_unknown_markets_are_refused_by_the_field_as_it_was_sent(
    client, known, method, at, body, field
):
    sentence = f"{field} must be markets of this shop, which has no 77"
    await refused(client, method, known + at, body, sentence)
    assert (await client.get(f"{known}/markets")).json()["market_ids"] == []
    body = {"market_ids": [5]}
    assert (await client.post(f"{known}/markets/set_markets", json=body)).status_code == 202


async def test_a_market_that_went_keeps_nothing_from_being_changed(client, known, database, shop):
    body = {"market_ids": [5]}
    assert (await client.post(f"{known}/markets/set_markets", json=body)).status_code == 202
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE markets SET id = 6")
    assert (await client.patch(known, json={"name": "Other"})).status_code == 202
    removed = await client.post(f"{known}/markets/remove_market", json={"market_id": 5})
    assert removed.status_code == 202


async def test_market_overrides_are_for_markets_of_the_shop(client, known, catalogue):
    at = f"{known}/products/variants/{catalogue[0]}"
    for market in ("77", "gid://shopify/Market/77"):
        body = {"market_overrides": {market: {"max_count": 1}, "5": {"max_count": 2}}}
        sentence = "market_overrides must be markets of this shop, which has no 77"
        await refused(client, "PATCH", at, body, sentence)
    cleared = {"market_overrides": {"77": None, "5": {"max_count": 2}}}
    assert (await client.patch(at, json=cleared)).status_code == 202


@pytest.mark.parametrize("variant_id", [GONE, NEVER])
async def test_variants_that_the_shop_does_not_have_are_refused(client, known, variant_id):
    at = f"{known}/products"
    must = f"must be variants of this shop, which has no {variant_id}"
    ids = {"variant_ids": [11, variant_id]}
    for action in ("add_variants", "set_source_to_custom"):
        await refused(client, "POST", f"{at}/{action}", ids, f"variant_ids {must}")
    custom = {"source": "custom", "custom": ids}
    await refused(client, "PATCH", at, custom, f"custom.variant_ids {must}")
    excluded = {"confirm": True, "excluded_variant_ids": [variant_id]}
    sentence = f"excluded_variant_ids {must}"
    await refused(client, "POST", f"{at}/set_source_to_all", excluded, sentence)
    whole = {"source": "all", "confirm": True, "all": {"excluded_variant_ids": [variant_id]}}
    await refused(client, "PATCH", at, whole, f"all.excluded_variant_ids {must}")
    assert (await client.get(at)).json()["source"] == "custom"
    made = await client.post(f"{at}/set_source_to_all", json={"confirm": True})
    assert made.status_code == 202
    sentence = f"variant_ids {must}"
    await refused(client, "POST", f"{at}/set_excluded_variants", ids, sentence)


async def test_before_the_catalogue_is_read_only_the_job_can_tell(client, offer_id, catalogue):
    at = f"/preorders/offers/{offer_id}"
    body = {"variant_ids": [NEVER]}
    assert (await client.post(f"{at}/products/add_variants", json=body)).status_code == 202
    body = {"market_ids": [77]}
    assert (await client.post(f"{at}/markets/set_markets", json=body)).status_code == 202


@pytest.mark.parametrize(("at", "under"), [("", "delivery."), ("/delivery", "")])
async def test_locations_and_products_of_the_settings(client, known, at, under):
    path = f"/back_in_stock/settings{at}"

    def body(lists):
        return {"delivery": lists} if under else lists

    lists = {"locations": {"location_ids": [LOCATION, 77]}}
    must = "must be locations of this shop, which has no 77"
    sentence = f"{under}locations.location_ids {must}"
    await refused(client, "PATCH", path, body(lists), sentence)
    must = "must be products of this shop, which has no 78"
    lists = {"any_variant": {"product_ids": [PRODUCT, 78]}}
    await refused(client, "PATCH", path, body(lists), f"{under}any_variant.product_ids {must}")
    lists = {
        "any_variant": {"product_ids": [PRODUCT]},
        "locations": {"location_ids": [LOCATION]},
    }
    assert (await client.patch(path, json=body(lists))).status_code == 202


async def test_many_missing_ids_are_named_in_part(client, known):
    answer = await client.post(
        f"{known}/products/add_variants", json={"variant_ids": list(range(2000, 2100))}
    )
    (sentence,) = answer.json()["errors"]
    assert sentence.endswith("2019 and 80 more")


@pytest.mark.parametrize("verb", ["enable", "disable"])
async def test_both_optional_fields_of_a_switch_are_taken(client, known, catalogue, verb):
    status = {"enable": "enabled", "disable": "disabled"}[verb]
    for body in (
        {"variant_ids": catalogue[:1]},
        {"update_inventory_policy": False, "variant_ids": catalogue[:1]},
        {"update_inventory_policy": None, "variant_ids": None},
        {"update_inventory_policy": True, "variant_ids": catalogue[:1]},
        {"update_inventory_policy": True},
        {},
    ):
        answer = await client.post(f"{known}/{verb}", json=body)
        assert (answer.status_code, answer.json()["status"]) == (202, status), body
    body = {"update_inventory_policy": True, "variant_ids": [catalogue[0], 21]}
    sentence = "variant_ids must be attached to this offer, which does not sell 21"
    await refused(client, "POST", f"{known}/{verb}", body, sentence)
