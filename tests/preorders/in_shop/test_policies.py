"""Inventory policies in the shop: flipped when asked, watched while they matter, repaired."""

import pytest

from openstoq.catalog.jobs import pull_product
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.variants import store
from openstoq.preorders.variants.jobs import reconcile
from tests.factories.sandboxed import accepted, all_jobs_done, run, variant_in_shop


async def by_hand(site, variant, policy):
    """Somebody sets a variant's policy in Shopify."""
    await site.control("PATCH", f"variants/{variant}", {"inventory_policy": policy})


async def policies(site, variants):
    return [(await variant_in_shop(site, variant))[1] for variant in variants]


async def drift(client, variant):
    read = (await client.get(f"/preorders/product_variants/{variant}")).json()
    assert read["has_drifted"] is bool(read["drift"])
    return read["drift"]


@pytest.fixture
async def hear(runtime, shop, site, database):
    """Have the catalogue hear of a variant's product, as a webhook would."""

    async def hear(variant):
        product = site.shop().variants[variant].product
        await run(runtime, shop, pull_product, product_id=product.id)
        await all_jobs_done(database)

    return hear


@pytest.mark.parametrize(
    ("action", "policy", "narrowed", "expected"),
    [
        ("disable", "DENY", False, ["DENY"] * 3),
        ("disable", "DENY", True, ["DENY", "CONTINUE", "CONTINUE"]),
        ("enable", "CONTINUE", False, ["CONTINUE"] * 3),
        ("enable", "CONTINUE", True, ["CONTINUE", "DENY", "DENY"]),
    ],
)
async def test_enable_and_disable_flip_the_policies_when_asked(
    site, client, database, offer, variants, action, policy, narrowed, expected
):
    other = {"DENY": "CONTINUE", "CONTINUE": "DENY"}[policy]
    for variant in variants[:3]:
        await by_hand(site, variant, other)
    await accepted(client, f"{offer}/{action}")
    await all_jobs_done(database)
    assert await policies(site, variants[:3]) == [other] * 3
    chosen = {"variant_ids": variants[:1]} if narrowed else {}
    await accepted(client, f"{offer}/{action}", update_inventory_policy=True, **chosen)
    await all_jobs_done(database)
    assert await policies(site, variants[:3]) == expected


async def test_a_policy_changed_by_hand_is_shown_and_repaired_when_asked(
    site, client, database, offer, variants, hear
):
    assert await drift(client, variants[0]) == {}
    await by_hand(site, variants[0], "DENY")
    await hear(variants[0])
    told = {"inventory_policy": {"expected": "CONTINUE", "found": "DENY"}}
    assert await drift(client, variants[0]) == told
    await accepted(client, f"/preorders/product_variants/{variants[0]}/sync_metafields")
    await all_jobs_done(database)
    assert await policies(site, variants[:1]) == ["CONTINUE"]
    assert await drift(client, variants[0]) == {}


async def test_the_night_repairs_a_policy_of_which_no_webhook_told(
    runtime, shop, site, client, database, offer, variants
):
    await by_hand(site, variants[0], "DENY")
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    assert await policies(site, variants[:1]) == ["CONTINUE"]


async def test_a_variant_that_reached_its_most_has_blocks_from_selling(
    runtime, shop, site, client, database, offer, variants
):
    await client.patch(f"{offer}/inventory", json={"continue_selling": {"enabled": False}})
    settings = f"{offer}/products/variants/{variants[0]}"
    assert (await client.patch(settings, json={"max_count": 1})).status_code == 202
    async with runtime.work(shop.id, request_id="test") as work:
        await store.set_counts(work.db, shop.id, {variants[0]: (1, {})})
        storefront_jobs.request(work)
    await all_jobs_done(database)
    assert await policies(site, variants[:1]) == ["DENY"]
    for variant in variants[:2]:
        await by_hand(site, variant, {variants[0]: "CONTINUE", variants[1]: "DENY"}[variant])
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    # The other one has no most, and its offer does not ask for overselling any more.
    assert await policies(site, variants[:2]) == ["DENY", "DENY"]


@pytest.mark.parametrize("ending", ["disable", "discard"])
async def test_policies_are_the_merchants_own_once_the_offer_is_not_live(
    runtime, shop, site, client, database, offer, variants, hear, ending
):
    await accepted(client, f"{offer}/{ending}")
    await by_hand(site, variants[0], "DENY")
    await hear(variants[0])
    assert await drift(client, variants[0]) == {}
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    assert await policies(site, variants[:1]) == ["DENY"]


async def test_restore_brings_back_no_variants_and_flips_no_policies(
    site, client, database, offer, variants
):
    await accepted(client, f"{offer}/discard")
    await all_jobs_done(database)
    for variant in variants[:3]:
        await by_hand(site, variant, "DENY")
    back = await accepted(client, f"{offer}/restore")
    assert (back["status"], back["products"]["variant_count"]) == ("disabled", 0)
    await accepted(client, f"{offer}/enable", update_inventory_policy=True)
    await all_jobs_done(database)
    assert await policies(site, variants[:3]) == ["DENY"] * 3
    assert [(await variant_in_shop(site, one))[0] for one in variants[:3]] == [{}] * 3
    await accepted(client, f"{offer}/products/add_variants", variant_ids=variants[:1])
    await all_jobs_done(database)
    assert await policies(site, variants[:2]) == ["CONTINUE", "DENY"]
    assert "selling_plan_ids" in (await variant_in_shop(site, variants[0]))[0]


async def test_the_policy_that_was_asked_for_last_is_the_one(
    runtime, shop, worker, site, client, database, offer, variants
):
    await worker.stop()
    async with database.transaction(shop.id) as db:
        # A run has not come to it yet.
        await db.execute("UPDATE preorder_variants SET policy_wanted = 'continue'")
    at = f"{offer}/products/bulk_toggle_inventory_policy"
    await accepted(client, at, policy="DENY", variant_ids=variants[:3])
    worker.start()
    await all_jobs_done(database)
    await run(runtime, shop, storefront_jobs.sync_storefront)
    await all_jobs_done(database)
    assert await policies(site, variants[:3]) == ["DENY"] * 3
