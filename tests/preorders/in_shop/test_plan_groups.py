"""What an offer's payments mean in the shop: its selling plan group, and plans that stay what they are."""

import json
from uuid import UUID

import pytest

from tests.factories.sandboxed import (
    accepted,
    all_jobs_done,
    plan_groups,
    shop_metafields,
    variant_in_shop,
)


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
    (group,) = await plan_groups(site)
    assert group["variant_ids"] == sorted(variants[:3])
    full, partial = group["plans"]
    assert {plan["category"] for plan in group["plans"]} == {"PRE_ORDER"}
    assert full["billing_policy"]["checkout_charge"]["value"] == {"percentage": 100.0}
    assert full["billing_policy"]["remaining_balance_charge_trigger"] == "NO_REMAINING_BALANCE"
    assert partial["billing_policy"]["checkout_charge"]["value"] == {"percentage": 30.0}
    assert partial["billing_policy"]["remaining_balance_charge_time_after_checkout"] == "P30D"
    read = (await client.get(offer)).json()
    assert read["sync"] == {"state": "synced", "error": None, "warning": None}
    assert read["shopify"] == {
        "selling_plan_group_id": group["id"],
        "full_plan_id": full["id"],
        "partial_plan_id": partial["id"],
    }
    metafields, policy = await variant_in_shop(site, variants[0])
    assert json.loads(metafields["selling_plan_ids"]) == [read["id"]]
    assert (metafields["preorder_count"], policy) == ("0", "CONTINUE")
    shown = (await shop_metafields(site))["selling_plans"]["offers"][read["id"]]
    assert shown["selling_plan_ids"] == {"full": full["id"], "partial": partial["id"]}


async def test_settings_are_seen_in_the_plans(site, client, database, offer):
    await accepted(client, f"{offer}/payments/set_discount", type="fixed_amount", value="5.50")
    await accepted(client, f"{offer}/shipping/set_delivery_date", date="2027-03-01")
    await accepted(client, f"{offer}/inventory/set_reservation_timing", timing="on_sale")
    await client.patch(
        f"{offer}/payments", json={"remaining_balance": {"auto_collect_on_fulfillment": True}}
    )
    await all_jobs_done(database)
    ((_, partial),) = [group["plans"] for group in await plan_groups(site)]
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
    (before,) = [group["plans"] for group in await plan_groups(site)]
    remembered = await plans_of(database, shop, offer)
    await accepted(client, f"{offer}/payments/disable_option", option_type=option)
    await all_jobs_done(database)
    ((left,),) = [group["plans"] for group in await plan_groups(site)]
    shopify = (await client.get(offer)).json()["shopify"]
    assert (shopify[f"{kept}_plan_id"], shopify[f"{option}_plan_id"]) == (left["id"], None)
    (was,) = [plan for plan in before if remembered[plan["id"]] == kept]
    assert {**left, "position": 0} == {**was, "position": 0}
    assert await plans_of(database, shop, offer) == remembered


async def test_a_plan_never_becomes_another(site, client, shop, database, offer):
    remembered = await plans_of(database, shop, offer)
    for mode in ("partial", "full", "full_and_partial"):
        await accepted(client, f"{offer}/payments/set_mode", mode=mode)
        await all_jobs_done(database)
        (group,) = await plan_groups(site)
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
    ((full, partial),) = [group["plans"] for group in await plan_groups(site)]
    known = {full["id"]: "full", partial["id"]: "partial"}
    assert await plans_of(database, shop, offer) == known
    await site.control("DELETE", f"selling_plan_groups/{(await plan_groups(site))[0]['id']}")
    await accepted(client, f"{offer}/payments/disable_option", option_type="full")
    await all_jobs_done(database)
    ((again,),) = [group["plans"] for group in await plan_groups(site)]
    assert again["id"] not in known
    assert await plans_of(database, shop, offer) == {**known, again["id"]: "partial"}


async def test_detaching_stops_syncing_and_leaves_the_group(
    site, client, database, offer, variants
):
    await accepted(client, f"{offer}/advanced/detach_from_shopify_selling_plan")
    await client.patch(offer, json={"name": "Not in Shopify"})
    await all_jobs_done(database)
    (group,) = await plan_groups(site)
    assert (group["name"], group["variant_ids"]) == ("Drop", sorted(variants[:3]))
    await accepted(client, f"{offer}/advanced/attach_to_shopify_selling_plan")
    await all_jobs_done(database)
    assert (await plan_groups(site))[0]["name"] == "Not in Shopify"


async def test_a_lost_group_is_made_again(site, client, database, offer, variants):
    (group,) = await plan_groups(site)
    await site.control("DELETE", f"selling_plan_groups/{group['id']}")
    await client.patch(offer, json={"name": "Again"})
    await all_jobs_done(database)
    (again,) = await plan_groups(site)
    assert again["id"] != group["id"]
    assert again["variant_ids"] == sorted(variants[:3])
