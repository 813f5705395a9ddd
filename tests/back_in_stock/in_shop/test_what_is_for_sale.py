"""Shoppers are told of what they can open and buy, as soon as they can, whatever came first."""

import pytest

NOBODY_CAN_OPEN = [{"status": "DRAFT"}, {"status": "ARCHIVED"}, {"published": False}]


@pytest.mark.parametrize("hidden", NOBODY_CAN_OPEN)
async def test_a_product_is_announced_when_it_is_published(tote, hidden):
    await tote.waits("ada@example.com")
    await tote.change(**hidden)
    await tote.stock(5)
    assert tote.told == []
    await tote.change(status="ACTIVE", published=True)
    assert tote.told == ["ada@example.com"]


async def test_stock_that_no_online_order_gets_is_not_announced(tote):
    at = f"locations/{tote.locations[1]}"
    await tote.site.control("PATCH", at, {"fulfills_online_orders": False})
    await tote.done()
    await tote.waits("ada@example.com")
    await tote.stock(5, location=1)
    assert tote.told == []
    await tote.site.control("PATCH", at, {"fulfills_online_orders": True})
    await tote.done()
    assert tote.told == ["ada@example.com"]


async def test_stock_at_a_new_location_counts_once_it_was_read(tote):
    await tote.waits("ada@example.com")
    counter = {"name": "Counter", "fulfills_online_orders": False}
    tote.locations.append((await tote.site.control("POST", "locations", counter))["id"])
    await tote.stock(5, location=2)
    assert tote.told == []
    warehouse = await tote.site.control("POST", "locations", {"name": "Warehouse"})
    tote.locations.append(warehouse["id"])
    await tote.stock(1, location=3)
    assert tote.told == ["ada@example.com"]


async def test_what_is_not_tracked_any_more_is_announced(tote):
    await tote.waits("ada@example.com")
    await tote.site.control("PATCH", f"variants/{tote.variant}", {"tracked": False})
    await tote.done()
    assert tote.told == ["ada@example.com"]


@pytest.mark.parametrize("hidden", NOBODY_CAN_OPEN)
async def test_nobody_is_told_by_hand_of_what_nobody_can_open(tote, hidden):
    signup = await tote.waits("ada@example.com")
    await tote.change(**hidden)
    answer = await tote.client.post(f"/back_in_stock/signups/{signup}/notify", json={})
    assert answer.status_code == 409
    assert "publish it in the online store" in answer.json()["errors"][0]
    many = {"signup_ids": [signup]}
    answer = await tote.client.post("/back_in_stock/signups/bulk_notify", json=many)
    assert (answer.status_code, answer.json()["success"]) == (207, [])
    await tote.change(status="ACTIVE", published=True)
    answer = await tote.client.post(f"/back_in_stock/signups/{signup}/notify", json={})
    assert answer.status_code == 202
    await tote.done()
    assert tote.told == ["ada@example.com"]
