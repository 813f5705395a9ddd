"""What somebody changes in the shop by hand is found, shown and repaired."""

import json

from openstoq.preorders.variants.jobs import look_for_drift, reconcile
from tests.factories.sandboxed import accepted, all_jobs_done, plan_groups, run, variant_in_shop


async def test_what_somebody_changed_by_hand_is_found_and_repaired(
    runtime, shop, site, client, database, offer, variants
):
    before, _ = await variant_in_shop(site, variants[0])
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
    group = (await plan_groups(site))[0]
    site.shop().plan_groups[group["id"]].variant_ids.discard(variants[2])
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    assert (await variant_in_shop(site, variants[0]))[0] == before
    assert "selling_plan_ids" in (await variant_in_shop(site, variants[1]))[0]
    assert (await plan_groups(site))[0]["variant_ids"] == sorted(variants[:3])


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
    await all_jobs_done(database)
    read = (await client.get(at)).json()
    assert read["has_drifted"] is True
    assert read["drift"] == {"preorder_count": {"expected": "0", "found": "99"}}
    await accepted(client, f"{at}/sync_metafields")
    await all_jobs_done(database)
    assert (await variant_in_shop(site, variants[0]))[0]["preorder_count"] == "0"
    assert (await client.get(at)).json()["has_drifted"] is False
    await run(runtime, shop, look_for_drift)
    await all_jobs_done(database)
    assert (await client.get(at)).json()["drift"] == {}


async def test_reset_metafields_stay_clear_until_the_next_change(
    site, client, database, offer, variants
):
    await accepted(client, f"/preorders/product_variants/{variants[0]}/reset_metafields")
    await all_jobs_done(database)
    assert (await variant_in_shop(site, variants[0]))[0] == {}
    assert (await plan_groups(site))[0]["variant_ids"] == sorted(variants[:3])
    await accepted(client, f"{offer}/shipping/set_shipping_text", text="Soon")
    await all_jobs_done(database)
    metafields, _ = await variant_in_shop(site, variants[0])
    assert json.loads(metafields["shipping_text"]) == {"default": "Soon"}
