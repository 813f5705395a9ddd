"""What an offer means in the shop: a real worker against a running sandbox."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from factories.patience import until
from factories.sandboxed import did, groups, idle, on_shop, run, seen
from openstoq.catalog.jobs import pull, pull_product
from openstoq.preorders.offers import sync
from openstoq.preorders.offers.attaching import follow_sources
from openstoq.preorders.variants.jobs import follow_schedules, look_for_drift, reconcile


async def plans_of(database, shop, at):
    """The offer's plans, past and present, as orders look them up."""
    async with database.transaction(shop.id) as db:
        rows = await db.fetch(
            "SELECT plan_id, option FROM offer_plans WHERE shop_id = $1 AND offer_id = $2",
            shop.id,
            UUID(at.rpartition("/")[2]),
        )
    return {row["plan_id"]: row["option"] for row in rows}


async def test_an_offer_is_a_group_with_a_plan_for_each_option(site, client, offer, variants):
    (group,) = await groups(site)
    assert group["variant_ids"] == sorted(variants[:3])
    full, partial = group["plans"]
    assert {plan["category"] for plan in group["plans"]} == {"PRE_ORDER"}
    assert full["billing_policy"]["checkout_charge"]["value"] == {"percentage": 100.0}
    assert full["billing_policy"]["remaining_balance_charge_trigger"] == "NO_REMAINING_BALANCE"
    assert partial["billing_policy"]["checkout_charge"]["value"] == {"percentage": 30.0}
    assert partial["billing_policy"]["remaining_balance_charge_time_after_checkout"] == "P30D"
    read = (await client.get(offer)).json()
    assert read["sync"] == {"state": "synced", "error": None}
    assert read["shopify"] == {
        "selling_plan_group_id": group["id"],
        "full_plan_id": full["id"],
        "partial_plan_id": partial["id"],
    }
    metafields, policy = await seen(site, variants[0])
    assert json.loads(metafields["selling_plan_ids"]) == [read["id"]]
    assert (metafields["preorder_count"], policy) == ("0", "CONTINUE")
    shown = (await on_shop(site))["selling_plans"]["offers"][read["id"]]
    assert shown["selling_plan_ids"] == {"full": full["id"], "partial": partial["id"]}


async def test_settings_are_seen_in_the_plans(site, client, database, offer):
    await did(client, f"{offer}/payments/set_discount", type="fixed_amount", value="5.50")
    await did(client, f"{offer}/shipping/set_delivery_date", date="2027-03-01")
    await did(client, f"{offer}/inventory/set_reservation_timing", timing="on_sale")
    await client.patch(
        f"{offer}/payments", json={"remaining_balance": {"auto_collect_on_fulfillment": True}}
    )
    await idle(database)
    ((_, partial),) = [group["plans"] for group in await groups(site)]
    assert partial["billing_policy"]["remaining_balance_charge_trigger"] == "ON_FULFILLMENT"
    assert partial["delivery_policy"]["fulfillment_exact_time"] == "2027-03-01T00:00:00+00:00"
    assert partial["inventory_policy"] == {"reserve": "ON_SALE"}
    (pricing,) = partial["pricing_policies"]
    assert (pricing["adjustment_type"], pricing["adjustment_value"]["amount"]) == (
        "FIXED_AMOUNT", "5.50",
    )  # fmt: skip


@pytest.mark.parametrize(("option", "kept"), [("full", "partial"), ("partial", "full")])
async def test_a_removed_option_is_a_removed_plan(
    site, client, shop, database, offer, option, kept
):
    (before,) = [group["plans"] for group in await groups(site)]
    remembered = await plans_of(database, shop, offer)
    await did(client, f"{offer}/payments/disable_option", option_type=option)
    await idle(database)
    ((left,),) = [group["plans"] for group in await groups(site)]
    shopify = (await client.get(offer)).json()["shopify"]
    assert (shopify[f"{kept}_plan_id"], shopify[f"{option}_plan_id"]) == (left["id"], None)
    (was,) = [plan for plan in before if remembered[plan["id"]] == kept]
    assert {**left, "position": 0} == {**was, "position": 0}
    assert await plans_of(database, shop, offer) == remembered


async def test_a_plan_never_becomes_another(site, client, shop, database, offer):
    remembered = await plans_of(database, shop, offer)
    for mode in ("partial", "full", "full_and_partial"):
        await did(client, f"{offer}/payments/set_mode", mode=mode)
        await idle(database)
        (group,) = await groups(site)
        shopify = (await client.get(offer)).json()["shopify"]
        for plan in group["plans"]:
            option = "full" if plan["id"] == shopify["full_plan_id"] else "partial"
            assert plan["id"] == shopify[f"{option}_plan_id"]
            told = plan["billing_policy"]["checkout_charge"]["value"]["percentage"]
            assert (told == 100.0) is (option == "full")
        now = await plans_of(database, shop, offer)
        assert remembered.items() <= now.items()
        remembered = now
    # Both, the second full, and the deposit after it.
    assert sorted(remembered.values()) == ["full", "full", "partial", "partial"]


async def test_every_plan_that_an_offer_ever_was_is_remembered(
    site, client, shop, database, offer, variants
):
    ((full, partial),) = [group["plans"] for group in await groups(site)]
    known = {full["id"]: "full", partial["id"]: "partial"}
    assert await plans_of(database, shop, offer) == known
    await site.control("DELETE", f"selling_plan_groups/{(await groups(site))[0]['id']}")
    await did(client, f"{offer}/payments/disable_option", option_type="full")
    await idle(database)
    ((again,),) = [group["plans"] for group in await groups(site)]
    assert again["id"] not in known
    assert await plans_of(database, shop, offer) == {**known, again["id"]: "partial"}


async def test_ten_changes_at_once_end_at_the_last(site, client, database, offer):
    await asyncio.gather(
        *(client.patch(offer, json={"name": f"Drop {number}"}) for number in range(10))
    )
    await did(client, f"{offer}/widget/set_button_text", text="Last")
    await idle(database)
    read = (await client.get(offer)).json()
    (group,) = await groups(site)
    assert group["name"] == read["name"]
    shown = (await on_shop(site))["selling_plans"]["offers"][read["id"]]
    assert shown["widget"]["button"]["text"] == "Last"


async def test_changes_soon_after_a_run_are_one_more_run(
    site, client, database, shop, offer, worker, monkeypatch
):
    async def named(name):
        assert (await client.patch(offer, json={"name": name})).status_code == 202

    async def names():
        return [group["name"] for group in await groups(site)]

    async def lease(statement):
        async with database.transaction(shop.id) as db:
            return await db.fetchval(statement)

    monkeypatch.setattr(sync, "LEASES", replace(sync.LEASES, lasts=timedelta(hours=1)))
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
    await idle(database)
    assert await names() == ["Drop 8"]
    (left,) = (await site.control("GET", "faults"))["graphql"]
    assert left["count"] == 9


async def test_a_removed_variant_leaves_nothing_behind(site, client, database, offer, variants):
    await did(client, f"{offer}/products/remove_variants", variant_ids=[variants[0]])
    await idle(database)
    ((group),) = await groups(site)
    assert group["variant_ids"] == sorted(variants[1:3])
    assert (await seen(site, variants[0]))[0] == {}


async def test_a_paused_offer_is_not_on_sale_and_comes_back(
    site, client, database, offer, variants
):
    await did(client, f"{offer}/disable", update_inventory_policy=True)
    await idle(database)
    (group,) = await groups(site)
    assert group["variant_ids"] == []
    assert await seen(site, variants[0]) == ({}, "DENY")
    assert (await on_shop(site))["selling_plans"]["offers"] == {}
    await did(client, f"{offer}/enable", update_inventory_policy=True)
    await idle(database)
    (group,) = await groups(site)
    assert group["variant_ids"] == sorted(variants[:3])
    assert (await seen(site, variants[0]))[1] == "CONTINUE"


async def test_a_discarded_offer_is_detached_and_restored_without_variants(
    site, client, database, offer, variants
):
    await did(client, f"{offer}/discard")
    await idle(database)
    assert (await groups(site))[0]["variant_ids"] == []
    assert (await seen(site, variants[0]))[0] == {}
    await did(client, f"{offer}/restore")
    await idle(database)
    read = (await client.get(offer)).json()
    assert (read["status"], read["products"]["variant_count"]) == ("disabled", 0)


async def test_detaching_stops_syncing_and_leaves_the_group(
    site, client, database, offer, variants
):
    await did(client, f"{offer}/advanced/detach_from_shopify_selling_plan")
    await client.patch(offer, json={"name": "Not in Shopify"})
    await idle(database)
    (group,) = await groups(site)
    assert (group["name"], group["variant_ids"]) == ("Drop", sorted(variants[:3]))
    await did(client, f"{offer}/advanced/attach_to_shopify_selling_plan")
    await idle(database)
    assert (await groups(site))[0]["name"] == "Not in Shopify"


async def test_a_lost_group_is_made_again(site, client, database, offer, variants):
    (group,) = await groups(site)
    await site.control("DELETE", f"selling_plan_groups/{group['id']}")
    await client.patch(offer, json={"name": "Again"})
    await idle(database)
    (again,) = await groups(site)
    assert again["id"] != group["id"]
    assert again["variant_ids"] == sorted(variants[:3])


async def test_variant_settings_reach_the_storefront(site, client, database, offer, variants):
    at = f"{offer}/products/variants/{variants[0]}"
    body = {
        "shipping_text": "In May",
        "max_count": 5,
        "market_overrides": {"gid://shopify/Market/7": {"shipping_text": "Im Mai"}},
    }
    assert (await client.patch(at, json=body)).status_code == 202
    await idle(database)
    metafields, _ = await seen(site, variants[0])
    assert json.loads(metafields["shipping_text"]) == {"default": "In May", "7": "Im Mai"}
    assert metafields["preorder_max_count"] == "5"
    cleared = dict.fromkeys(body)
    assert (await client.patch(at, json=cleared)).status_code == 202
    await idle(database)
    metafields, _ = await seen(site, variants[0])
    assert "shipping_text" not in metafields
    assert "preorder_max_count" not in metafields


async def test_an_offer_of_everything_leaves_out_the_excluded(
    site, client, database, offer, variants
):
    started = await did(
        client,
        f"{offer}/products/set_source_to_all",
        confirm=True,
        excluded_variant_ids=variants[:2],
    )
    assert started["variant_count"] == len(variants) - 2
    await idle(database)
    assert (await groups(site))[0]["variant_ids"] == sorted(variants[2:])
    products = (await site.control("GET", "products"))["products"]
    tagged = next(one for one in products if one["tags"])
    await did(client, f"{offer}/products/set_exclusion_tag", tag=tagged["tags"][0])
    await idle(database)
    left = set((await groups(site))[0]["variant_ids"])
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
    await idle(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{answer.json()['job_id']}")).json()
    assert (job["status"], job["total"]) == ("completed", len(first["variants"]))
    mistyped = await did(client, f"{offer}/products/set_collection", collection_id=4242)
    await idle(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{mistyped['job_id']}")).json()
    assert (job["status"], "no collection 4242" in job["error"]) == ("failed", True)
    assert (await client.get(offer)).json()["products"]["variant_count"] == len(first["variants"])
    await did(client, f"{offer}/products/set_collection", collection_id=made["id"])
    await site.control("PATCH", f"collections/{made['id']}", {"product_ids": [second["id"]]})
    await run(runtime, shop, follow_sources)
    await idle(database)
    assert (await groups(site))[0]["variant_ids"] == sorted(
        variant["id"] for variant in second["variants"]
    )


async def test_a_window_that_opens_changes_the_order_of_a_variants_offers(
    runtime, shop, site, client, database, offer, variants
):
    made = await did(client, "/preorders/offers", name="Later")
    at = f"/preorders/offers/{made['id']}"
    await did(client, f"{at}/products/add_variants", variant_ids=variants[:1])
    await did(client, f"{at}/schedule", start="2099-01-01")
    await did(client, f"{at}/enable")
    await idle(database)
    first, later = offer.rpartition("/")[2], made["id"]
    metafields, _ = await seen(site, variants[0])
    assert json.loads(metafields["selling_plan_ids"]) == [first, later]
    async with database.transaction(shop.id) as db:
        # Time passes.
        await db.execute(
            "UPDATE offers SET schedule_start = now() - interval '1 second' WHERE id = $1",
            UUID(later),
        )
    await run(runtime, shop, follow_schedules)
    await idle(database)
    metafields, _ = await seen(site, variants[0])
    assert json.loads(metafields["selling_plan_ids"]) == [later, first]


async def test_a_missing_collection_fails_the_job_alone(client, database, offer):
    started = await did(client, f"{offer}/products/set_source_to_collection", collection_id=77)
    await idle(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{started['job_id']}")).json()
    assert (job["status"], job["error"]) == ("failed", "the shop has no collection 77")


async def test_policies_are_flipped_with_each_failure_named(
    site, client, database, offer, variants
):
    started = await did(
        client,
        f"{offer}/products/bulk_toggle_inventory_policy",
        policy="DENY",
        variant_ids=[variants[0], variants[9]],
    )
    await idle(database)
    job = (await client.get(f"/preorders/product_variants/jobs/{started['job_id']}")).json()
    assert (job["status"], job["processed"], job["progress"]) == ("completed", 2, 100)
    assert job["failed"] == [{"id": str(variants[9]), "error": "not attached to this offer"}]
    assert (await seen(site, variants[0]))[1] == "DENY"
    assert (await seen(site, variants[1]))[1] == "CONTINUE"


async def test_what_somebody_changed_by_hand_is_found_and_repaired(
    runtime, shop, site, client, database, offer, variants
):
    before, _ = await seen(site, variants[0])
    await site.control(
        "POST",
        f"variants/{variants[0]}/metafields",
        {"namespace": "openstoq", "key": "preorder_count", "value": "99"},
    )
    await site.control(
        "POST",
        f"variants/{variants[1]}/metafields",
        {"namespace": "openstoq", "key": "selling_plan_ids", "value": None},
    )
    group = (await groups(site))[0]
    site.shop().plan_groups[group["id"]].variant_ids.discard(variants[2])
    await run(runtime, shop, reconcile)
    await idle(database)
    assert (await seen(site, variants[0]))[0] == before
    assert "selling_plan_ids" in (await seen(site, variants[1]))[0]
    assert (await groups(site))[0]["variant_ids"] == sorted(variants[:3])


async def test_drift_is_shown_until_it_is_repaired(
    runtime, shop, site, client, database, offer, variants
):
    at = f"/preorders/product_variants/{variants[0]}"
    await site.control(
        "POST",
        f"variants/{variants[0]}/metafields",
        {"namespace": "openstoq", "key": "preorder_count", "value": "99"},
    )
    await run(runtime, shop, look_for_drift)
    await idle(database)
    read = (await client.get(at)).json()
    assert read["has_drifted"] is True
    assert read["drift"] == {"preorder_count": {"expected": "0", "found": "99"}}
    await did(client, f"{at}/sync_metafields")
    await idle(database)
    assert (await seen(site, variants[0]))[0]["preorder_count"] == "0"
    assert (await client.get(at)).json()["has_drifted"] is False
    await run(runtime, shop, look_for_drift)
    await idle(database)
    assert (await client.get(at)).json()["drift"] == {}


async def test_reset_metafields_stay_clear_until_the_next_change(
    site, client, database, offer, variants
):
    await did(client, f"/preorders/product_variants/{variants[0]}/reset_metafields")
    await idle(database)
    assert (await seen(site, variants[0]))[0] == {}
    assert (await groups(site))[0]["variant_ids"] == sorted(variants[:3])
    await did(client, f"{offer}/shipping/set_shipping_text", text="Soon")
    await idle(database)
    metafields, _ = await seen(site, variants[0])
    assert json.loads(metafields["shipping_text"]) == {"default": "Soon"}


async def test_detached_from_all_offers(site, client, database, offer, variants):
    gone = await did(client, f"/preorders/product_variants/{variants[0]}/detach_from_all_offers")
    await idle(database)
    assert len(gone["detached_from"]) == 1
    assert (await groups(site))[0]["variant_ids"] == sorted(variants[1:3])
    assert (await seen(site, variants[0]))[0] == {}


async def test_new_and_deleted_products_are_followed(
    runtime, shop, site, client, database, offer, variants
):
    await did(client, f"{offer}/products/set_source_to_all", confirm=True)
    await idle(database)
    made = await site.control("POST", "products", {"title": "New"})
    await run(runtime, shop, pull, everything=True)
    await idle(database)
    await run(runtime, shop, follow_sources)
    await idle(database)
    new = made["variants"][0]["id"]
    assert (await groups(site))[0]["variant_ids"] == sorted([*variants, new])
    await site.control("DELETE", f"products/{made['id']}")
    await run(runtime, shop, pull_product, product_id=made["id"])
    await idle(database)
    await run(runtime, shop, reconcile)
    await idle(database)
    read = (await client.get(offer)).json()
    assert read["sync"] == {"state": "synced", "error": None}
    assert read["products"]["variant_count"] == len(variants)
