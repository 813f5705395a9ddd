"""What an offer means in the shop: a real worker against a running sandbox."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from openstoq.catalog.jobs import pull, pull_product
from openstoq.preorders.offers.attachments.jobs import follow_sources
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.variants.jobs import reconcile
from openstoq.preorders.variants.schedule_jobs import follow_schedules
from tests.factories.patience import until
from tests.factories.sandboxed import (
    accepted,
    all_jobs_done,
    plan_groups,
    run,
    shop_metafields,
    variant_in_shop,
)


async def test_ten_changes_at_once_end_at_the_last(site, client, database, offer):
    await asyncio.gather(
        *(client.patch(offer, json={"name": f"Drop {number}"}) for number in range(10))
    )
    await accepted(client, f"{offer}/widget/set_button_text", text="Last")
    await all_jobs_done(database)
    read = (await client.get(offer)).json()
    (group,) = await plan_groups(site)
    assert group["name"] == read["name"]
    shown = (await shop_metafields(site))["selling_plans"]["offers"][read["id"]]
    assert shown["widget"]["button"]["text"] == "Last"


async def test_changes_soon_after_a_run_are_one_more_run(
    site, client, database, shop, offer, worker, monkeypatch
):
    async def named(name):
        assert (await client.patch(offer, json={"name": name})).status_code == 202

    async def names():
        return [group["name"] for group in await plan_groups(site)]

    async def lease(statement):
        async with database.transaction(shop.id) as db:
            return await db.fetchval(statement)

    monkeypatch.setattr(
        plan_group_jobs, "LEASES", replace(plan_group_jobs.LEASES, lasts=timedelta(hours=1))
    )
    await named("First")
    await until(lambda: lease("SELECT sync_lease_until > now() + interval '1 minute' FROM offers"))
    # A fault that does no harm counts how often the shop is asked.
    noted = {"fault": "hang", "seconds": 0, "operation": "SellingPlanGroupUpdate", "count": 10}
    await site.control("POST", "faults", noted)
    for number in range(9):
        await named(f"Drop {number}")
    assert await names() == ["First"]
    await worker.stop()
    await lease("UPDATE offers SET sync_lease_until = now()")
    worker.start()
    await all_jobs_done(database)
    assert await names() == ["Drop 8"]
    (left,) = (await site.control("GET", "faults"))["graphql"]
    assert left["count"] == 9


async def test_a_removed_variant_leaves_nothing_behind(site, client, database, offer, variants):
    await accepted(client, f"{offer}/products/remove_variants", variant_ids=[variants[0]])
    await all_jobs_done(database)
    ((group),) = await plan_groups(site)
    assert group["variant_ids"] == sorted(variants[1:3])
    assert (await variant_in_shop(site, variants[0]))[0] == {}


async def test_a_paused_offer_is_not_on_sale_and_comes_back(
    site, client, database, offer, variants
):
    await accepted(client, f"{offer}/disable", update_inventory_policy=True)
    await all_jobs_done(database)
    (group,) = await plan_groups(site)
    assert group["variant_ids"] == []
    assert await variant_in_shop(site, variants[0]) == ({}, "DENY")
    assert (await shop_metafields(site))["selling_plans"]["offers"] == {}
    await accepted(client, f"{offer}/enable", update_inventory_policy=True)
    await all_jobs_done(database)
    (group,) = await plan_groups(site)
    assert group["variant_ids"] == sorted(variants[:3])
    assert (await variant_in_shop(site, variants[0]))[1] == "CONTINUE"


async def test_a_discarded_offer_is_detached_and_restored_without_variants(
    site, client, database, offer, variants
):
    await accepted(client, f"{offer}/discard")
    await all_jobs_done(database)
    assert (await plan_groups(site))[0]["variant_ids"] == []
    assert (await variant_in_shop(site, variants[0]))[0] == {}
    await accepted(client, f"{offer}/restore")
    await all_jobs_done(database)
    read = (await client.get(offer)).json()
    assert (read["status"], read["products"]["variant_count"]) == ("disabled", 0)


async def test_variant_settings_reach_the_storefront(site, client, database, offer, variants):
    at = f"{offer}/products/variants/{variants[0]}"
    body = {
        "shipping_text": "In May",
        "max_count": 5,
        "market_overrides": {"gid://shopify/Market/7": {"shipping_text": "Im Mai"}},
    }
    assert (await client.patch(at, json=body)).status_code == 202
    await all_jobs_done(database)
    metafields, _ = await variant_in_shop(site, variants[0])
    assert json.loads(metafields["shipping_text"]) == {"default": "In May", "7": "Im Mai"}
    assert metafields["preorder_max_count"] == "5"
    cleared = dict.fromkeys(body)
    assert (await client.patch(at, json=cleared)).status_code == 202
    await all_jobs_done(database)
    metafields, _ = await variant_in_shop(site, variants[0])
    assert "shipping_text" not in metafields
    assert "preorder_max_count" not in metafields


async def test_an_offer_of_everything_leaves_out_the_excluded(
    site, client, database, offer, variants
):
    started = await accepted(
        client,
        f"{offer}/products/set_source_to_all",
        confirm=True,
        excluded_variant_ids=variants[:2],
    )
    assert started["variant_count"] == len(variants) - 2
    await all_jobs_done(database)
    assert (await plan_groups(site))[0]["variant_ids"] == sorted(variants[2:])
    products = (await site.control("GET", "products"))["products"]
    tagged = next(one for one in products if one["tags"])
    await accepted(client, f"{offer}/products/set_exclusion_tag", tag=tagged["tags"][0])
    await all_jobs_done(database)
    left = set((await plan_groups(site))[0]["variant_ids"])
    assert not left & {variant["id"] for variant in tagged["variants"]}


async def test_an_offer_may_follow_its_collection(runtime, shop, site, client, database, offer):
    first, second, *_ = (await site.control("GET", "products"))["products"]
    made = await site.control(
        "POST", "collections", {"title": "Boards", "product_ids": [first["id"]]}
    )
    body = {"collection_id": made["id"], "auto_refresh": True}
    answer = await client.patch(
        f"{offer}/products", json={"source": "collection", "collection": body}
    )
    assert answer.status_code == 202, answer.text
    await all_jobs_done(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{answer.json()['job_id']}")).json()
    assert (job["status"], job["total"]) == ("completed", len(first["variants"]))
    mistyped = await accepted(client, f"{offer}/products/set_collection", collection_id=4242)
    await all_jobs_done(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{mistyped['job_id']}")).json()
    assert (job["status"], "no collection 4242" in job["error"]) == ("failed", True)
    assert (await client.get(offer)).json()["products"]["variant_count"] == len(first["variants"])
    await accepted(client, f"{offer}/products/set_collection", collection_id=made["id"])
    await site.control("PATCH", f"collections/{made['id']}", {"product_ids": [second["id"]]})
    await run(runtime, shop, follow_sources)
    await all_jobs_done(database)
    assert (await plan_groups(site))[0]["variant_ids"] == sorted(
        variant["id"] for variant in second["variants"]
    )


async def test_a_variant_that_is_excluded_from_a_collection_is_detached(
    site, client, database, offer
):
    first, *_ = (await site.control("GET", "products"))["products"]
    made = await site.control(
        "POST", "collections", {"title": "Boards", "product_ids": [first["id"]]}
    )
    ids = sorted(variant["id"] for variant in first["variants"])
    await accepted(client, f"{offer}/products/set_source_to_collection", collection_id=made["id"])
    await all_jobs_done(database)
    assert (await plan_groups(site))[0]["variant_ids"] == ids
    for excluded, left in ((ids[:1], ids[1:]), ([], ids)):
        block = {"source": "collection", "collection": {"excluded_variant_ids": excluded}}
        answer = await client.patch(f"{offer}/products", json=block)
        assert answer.status_code == 202, answer.text
        await all_jobs_done(database)
        assert (await plan_groups(site))[0]["variant_ids"] == left
        assert (await client.get(offer)).json()["products"]["variant_count"] == len(left)


async def test_a_window_that_opens_changes_the_order_of_a_variants_offers(
    runtime, shop, site, client, database, offer, variants
):
    made = await accepted(client, "/preorders/offers", name="Later")
    at = f"/preorders/offers/{made['id']}"
    await accepted(client, f"{at}/products/add_variants", variant_ids=variants[:1])
    await accepted(client, f"{at}/schedule", start="2099-01-01")
    await accepted(client, f"{at}/enable")
    await all_jobs_done(database)
    first, later = offer.rpartition("/")[2], made["id"]
    metafields, _ = await variant_in_shop(site, variants[0])
    assert json.loads(metafields["selling_plan_ids"]) == [first, later]
    async with database.transaction(shop.id) as db:
        # Time passes.
        await db.execute(
            "UPDATE offers SET schedule_start = now() - interval '1 second', "
            "schedule_start_local = NULL WHERE id = $1",
            UUID(later),
        )
    await run(runtime, shop, follow_schedules)
    await all_jobs_done(database)
    metafields, _ = await variant_in_shop(site, variants[0])
    assert json.loads(metafields["selling_plan_ids"]) == [later, first]


async def test_a_missing_collection_fails_the_job_alone(client, database, offer):
    started = await accepted(client, f"{offer}/products/set_source_to_collection", collection_id=77)
    await all_jobs_done(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{started['job_id']}")).json()
    assert (job["status"], job["error"]) == ("failed", "the shop has no collection 77")


async def test_policies_are_flipped_with_each_failure_named(
    site, client, database, offer, variants
):
    started = await accepted(
        client,
        f"{offer}/products/bulk_toggle_inventory_policy",
        policy="DENY",
        variant_ids=[variants[0], variants[9]],
    )
    await all_jobs_done(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{started['job_id']}")).json()
    assert (job["status"], job["processed"], job["progress"]) == ("completed", 2, 100)
    assert job["failed"] == [{"id": str(variants[9]), "error": "not attached to this offer"}]
    assert (await variant_in_shop(site, variants[0]))[1] == "DENY"
    assert (await variant_in_shop(site, variants[1]))[1] == "CONTINUE"


async def test_detached_from_all_offers(site, client, database, offer, variants):
    gone = await accepted(
        client, f"/preorders/product_variants/{variants[0]}/detach_from_all_offers"
    )
    await all_jobs_done(database)
    assert len(gone["detached_from"]) == 1
    assert (await plan_groups(site))[0]["variant_ids"] == sorted(variants[1:3])
    assert (await variant_in_shop(site, variants[0]))[0] == {}


async def test_new_and_deleted_products_are_followed(
    runtime, shop, site, client, database, offer, variants
):
    await accepted(client, f"{offer}/products/set_source_to_all", confirm=True)
    await all_jobs_done(database)
    made = await site.control("POST", "products", {"title": "New"})
    await run(runtime, shop, pull, everything=True)
    await all_jobs_done(database)
    await run(runtime, shop, follow_sources)
    await all_jobs_done(database)
    new = made["variants"][0]["id"]
    assert (await plan_groups(site))[0]["variant_ids"] == sorted([*variants, new])
    await site.control("DELETE", f"products/{made['id']}")
    await run(runtime, shop, pull_product, product_id=made["id"])
    await all_jobs_done(database)
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    read = (await client.get(offer)).json()
    assert read["sync"] == {"state": "synced", "error": None, "warning": None}
    assert read["products"]["variant_count"] == len(variants)
