"""What the shop refused once is asked for again: by the night's job, and when somebody asks."""

from uuid import UUID

import pytest

from openstoq.preorders.offers.storefront.jobs import sync_storefront
from openstoq.preorders.variants.jobs import reconcile
from tests.factories.sandboxed import (
    accepted,
    all_jobs_done,
    plan_groups,
    run,
    shop_metafields,
    variant_in_shop,
)


@pytest.fixture
async def refused(site, client, database, offer, variants):
    """A variant that the shop did not have when the offer was to sell it, and has now."""
    lost = site.shop().variants.pop(variants[3])
    await accepted(client, f"{offer}/products/add_variants", variant_ids=variants[3:5])
    await all_jobs_done(database)
    site.shop().variants[lost.id] = lost
    return lost.id


async def state(client, at):
    return (await client.get(at)).json()["sync"]["state"]


async def assert_sold(site, client, offer, variant):
    (group,) = await plan_groups(site)
    assert variant in group["variant_ids"]
    assert "selling_plan_ids" in (await variant_in_shop(site, variant))[0]
    assert await state(client, f"{offer}/products/variants/{variant}") == "synced"
    assert await state(client, f"/preorders/product_variants/{variant}") == "synced"
    assert await state(client, offer) == "synced"


async def test_a_refused_variant_keeps_no_other_back_and_is_named(
    site, client, offer, variants, refused
):
    assert (await plan_groups(site))[0]["variant_ids"] == sorted({*variants[:5]} - {refused})
    assert await state(client, f"{offer}/products/variants/{refused}") == "failed"
    assert await state(client, offer) == "failed"


async def test_sync_metafields_has_a_refused_variant_tried_again(
    site, client, database, offer, refused
):
    await accepted(client, f"/preorders/product_variants/{refused}/sync_metafields")
    await all_jobs_done(database)
    await assert_sold(site, client, offer, refused)


async def test_the_night_tries_refused_variants_again(
    runtime, shop, site, client, database, offer, refused
):
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    await assert_sold(site, client, offer, refused)


async def test_a_refused_metafield_of_the_shop_is_told_on_the_offers_and_tried_again(
    runtime, shop, site, client, database, offer
):
    async with database.transaction(shop.id) as db:
        # As before there was a bound.
        await db.execute(
            """
            INSERT INTO offer_translations (shop_id, offer_id, locale, path, value)
            VALUES ($1, $2, 'fr', 'widget.badge.text', repeat('a', 140000))
            """,
            shop.id,
            UUID(offer.rpartition("/")[2]),
        )
    await run(runtime, shop, sync_storefront)
    await all_jobs_done(database)
    told = (await client.get(offer)).json()["sync"]
    assert told["state"] == "failed"
    assert "the shop's metafield selling_plans was refused: Value is too large" in told["error"]
    await accepted(client, f"{offer}/translations/unset", locale="fr", field="widget.badge.text")
    await all_jobs_done(database)
    assert await state(client, offer) == "synced"
    (shown,) = (await shop_metafields(site))["selling_plans"]["offers"].values()
    assert shown["translations"] == {}


async def test_the_night_makes_a_group_that_was_refused_at_first(
    runtime, shop, site, client, database, variants
):
    await site.control("POST", "faults", {"fault": "status", "status": 403})
    made = await accepted(client, "/preorders/offers", name="Refused")
    at = f"/preorders/offers/{made['id']}"
    await all_jobs_done(database)
    assert (await plan_groups(site), await state(client, at)) == ([], "failed")
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    assert [group["name"] for group in await plan_groups(site)] == ["Refused"]
    assert await state(client, at) == "synced"
    assert (await shop_metafields(site))["selling_plans"]["offers"] == {}


@pytest.mark.parametrize("source", ["custom", "all"])
async def test_a_collection_that_does_not_exist_detaches_nothing(
    client, database, offer, variants, source
):
    products = f"{offer}/products"
    if source == "all":
        await accepted(client, f"{products}/set_source_to_all", confirm=True)
        await all_jobs_done(database)
    before = (await client.get(f"{products}/variants")).json()["variants"]
    asked = await accepted(client, f"{products}/set_source_to_collection", collection_id=404)
    await all_jobs_done(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{asked['job_id']}")).json()
    assert job["status"] == "failed"
    after = (await client.get(f"{products}/variants")).json()["variants"]
    assert [one["shopify_variant_id"] for one in after] == [
        one["shopify_variant_id"] for one in before
    ]
    assert (await client.get(products)).json()["variant_count"] == len(before)
