"""What somebody changes in the shop by hand is found, shown and repaired."""

import json

from factories.sandboxed import did, groups, idle, run, seen
from openstoq.preorders.variants.jobs import look_for_drift, reconcile


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
