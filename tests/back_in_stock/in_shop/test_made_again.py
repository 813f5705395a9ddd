"""Signups for a deleted variant move to the variant that replaces it, or are shown as orphaned."""

from openstoq.back_in_stock.restock.jobs import find_stragglers
from tests.factories.sandboxed import all_jobs_done, run
from tests.factories.waitlists import rows


async def make_again(tote, **changes):
    row = {"options": ["Default Title"], "sku": tote.sku, "available": 0} | changes
    path = f"products/{tote.product}/variants"
    (made,) = (await tote.site.control("POST", path, {"variants": [row]}))["variants"]
    await tote.done()
    return made["id"]


async def delete(tote):
    await tote.site.control("DELETE", f"variants/{tote.variant}")
    await tote.done()


async def listed(tote, **query):
    answer = await tote.client.get("/back_in_stock/signups", params=query)
    return [
        (one["contact"], one["status"], one["variant"]["shopify_variant_id"])
        for one in answer.json()["signups"]
    ]


async def test_signups_follow_to_a_variant_made_again(tote):
    await tote.waits("ada@example.com")
    await delete(tote)
    assert await listed(tote) == [("ada@example.com", "orphaned", tote.variant)]
    again = await make_again(tote)
    assert await listed(tote) == [("ada@example.com", "pending", again)]
    await tote.stock(5, variant=again)
    assert tote.told == ["ada@example.com"]


async def test_signups_that_follow_to_a_variant_in_stock_are_notified(tote):
    await tote.waits("ada@example.com")
    await delete(tote)
    await make_again(tote, available=3)
    assert tote.told == ["ada@example.com"]


async def test_signups_follow_through_several(tote):
    await tote.waits("ada@example.com")
    await delete(tote)
    second = await make_again(tote)
    await tote.site.control("DELETE", f"variants/{second}")
    await tote.done()
    third = await make_again(tote)
    assert await listed(tote) == [("ada@example.com", "pending", third)]


async def test_another_sku_or_title_is_another_variant(tote, database, shop):
    signup = await tote.waits("ada@example.com")
    await tote.waits("bob@example.com")
    await delete(tote)
    other = await make_again(tote, sku="OTHER")
    await make_again(tote, options=["Large"])
    assert await listed(tote, status="orphaned") == [
        ("bob@example.com", "orphaned", tote.variant),
        ("ada@example.com", "orphaned", tote.variant),
    ]
    assert await listed(tote, status="pending") == []
    answer = await tote.client.post(f"/back_in_stock/signups/{signup}/notify", json={})
    assert answer.status_code == 409
    assert "move the signup" in answer.json()["errors"][0]
    body = {
        "from_shopify_variant_id": tote.variant,
        "to_shopify_variant_id": tote.variant,
        "to_shopify_product_id": tote.product,
    }
    to_itself = await tote.client.post("/back_in_stock/signups/transfer", json=body)
    assert to_itself.status_code == 422
    body["to_shopify_variant_id"] = other
    moved = await tote.client.post("/back_in_stock/signups/transfer", json=body)
    assert moved.json() == {"transferred_count": 2, "dropped_count": 0}
    assert await listed(tote, status="orphaned") == []
    back = body | {"from_shopify_variant_id": other, "to_shopify_variant_id": tote.variant}
    refused = await tote.client.post("/back_in_stock/signups/transfer", json=back)
    assert refused.status_code == 422
    assert "not a variant of this shop" in refused.json()["errors"][0]


async def test_signups_that_are_moved_to_a_variant_in_stock_are_notified(tote):
    await tote.waits("ada@example.com")
    other = await make_again(tote, options=["Large"], available=4)
    body = {
        "from_shopify_variant_id": tote.variant,
        "to_shopify_variant_id": other,
        "to_shopify_product_id": tote.product,
    }
    assert (await tote.client.post("/back_in_stock/signups/transfer", json=body)).status_code == 202
    await tote.done()
    assert tote.told == ["ada@example.com"]


async def test_a_deleted_product_leaves_orphans(tote):
    await tote.waits("ada@example.com")
    await tote.site.control("DELETE", f"products/{tote.product}")
    await tote.done()
    assert await listed(tote, status="orphaned") == [("ada@example.com", "orphaned", tote.variant)]


async def test_a_message_under_way_follows_once_it_has_ended(tote, runtime, database, shop):
    signup = await tote.waits("ada@example.com")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET wave_id = $1 WHERE id = $1", signup)
    await delete(tote)
    again = await make_again(tote)
    assert await listed(tote) == [("ada@example.com", "orphaned", tote.variant)]
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET wave_id = NULL")
    await run(runtime, shop, find_stragglers)
    await all_jobs_done(database)
    assert await listed(tote) == [("ada@example.com", "pending", again)]


async def test_of_signups_that_would_repeat_each_other_one_has_blocks(tote, database, shop):
    await tote.waits("ada@example.com")
    again = await make_again(tote, sku="LATER")
    await tote.waits("ada@example.com", shopify_variant_id=again)
    await tote.waits("bob@example.com", shopify_variant_id=again)
    await delete(tote)
    await tote.site.control("PATCH", f"variants/{again}", {"sku": tote.sku})
    await tote.done()
    assert sorted(await listed(tote)) == [
        ("ada@example.com", "pending", again),
        ("bob@example.com", "pending", again),
    ]
    assert len(await rows(database, shop, "signups")) == 2
