"""Offers of many variants whose workers are killed: what they were at goes on to the end."""

import json
import random
from typing import Any

import pytest

from tests.e2e.killing import bury
from tests.e2e.stack import Stack, gathered
from tests.factories.patience import until

MANY = 260
KILLS = 2
UNTOUCHED = 7


async def _many(stack: Stack, number: int) -> list[int]:
    """Put a product of so many sold-out variants on sale; return all that the shop has."""
    await stack.variants("10.00")
    product = (await stack.control("GET", "products"))["products"][-1]
    path = f"products/{product['id']}/variants"
    await stack.control("POST", path, count=number - 1, price="10.00", available=0)
    listed = (await stack.control("GET", "products"))["products"]
    return sorted(variant["id"] for one in listed for variant in one["variants"])


async def _kill_often(stack: Stack, chance: random.Random, left: str) -> None:
    """Kill all workers whenever a part of what is `left` is done."""

    async def has_begun() -> bool:
        return await stack.count(left) >= MANY

    await until(has_begun)
    before, killed = await stack.count(left), 0
    while before and killed < KILLS:
        target = before - chance.randint(1, max(before // 2, 1))

        async def has_come(target: int = target) -> bool:
            return await stack.count(left) <= target

        await until(has_come)
        before = await stack.count(left)
        killed += before > 0
        await bury(stack)
    assert killed, "nothing was cut short"


async def _job(stack: Stack, started: dict[str, Any]) -> dict[str, Any]:
    """Read a bulk job that has to be complete."""
    path = started["status_url"].removeprefix("/api/v2/external")
    told: dict[str, Any] = await stack.ask("GET", path)
    assert (told["status"], told["progress"], told["processed"]) == (
        "completed",
        100,
        told["total"],
    )
    return told


@pytest.mark.timeout(600)
async def test_killed_workers_attach_and_write_every_variant(stack: Stack):
    await stack.open(workers=2)
    variants = await _many(stack, MANY)
    await stack.settled()
    made = await stack.ask("POST", "/preorders/offers", name="Many")
    at = f"/preorders/offers/{made['id']}"
    await stack.ask("POST", f"{at}/enable")
    await stack.settled()

    attaching = await stack.ask("POST", f"{at}/products/set_source_to_all", confirm=True)
    chance = random.Random(20_263)  # noqa: S311 - always the same
    await _kill_often(
        stack,
        chance,
        "(SELECT 1 FROM offer_variants WHERE in_group IS NOT TRUE UNION ALL"
        " SELECT 1 FROM preorder_variants WHERE revision > synced_revision) AS work",
    )
    await stack.settled()
    await _job(stack, attaching)
    (group,) = (await stack.control("GET", "selling_plan_groups"))["selling_plan_groups"]
    assert group["variant_ids"] == variants

    # Nothing is attached that the offer does not have: such items fail alone.
    flipped = await stack.ask(
        "POST",
        f"{at}/products/bulk_toggle_inventory_policy",
        policy="DENY",
        variant_ids=[*variants[UNTOUCHED:], 77],
    )
    synced = await stack.ask(
        "POST", "/preorders/product_variants/bulk_sync_metafields", variant_ids=[78, *variants]
    )
    await _kill_often(
        stack,
        chance,
        "(SELECT generate_series(1, total - processed) FROM bulk_jobs UNION ALL"
        " SELECT 1 FROM preorder_variants WHERE revision > synced_revision) AS work",
    )
    await stack.settled()
    assert [one["id"] for one in (await _job(stack, flipped))["failed"]] == ["77"]
    assert [one["id"] for one in (await _job(stack, synced))["failed"]] == ["78"]
    shown = await gathered(*(stack.control("GET", f"variants/{one}/preorder") for one in variants))
    for place, told in enumerate(shown):
        written = {one["key"]: one["value"] for one in told["metafields"]}
        assert json.loads(written["selling_plan_ids"]) == [made["id"]]
        assert written["preorder_count"] == "0"
        expected = "DENY" if place >= UNTOUCHED else "CONTINUE"
        assert told["inventory_policy"] == expected
    assert (await stack.ask("GET", at))["sync"] == {
        "state": "synced",
        "error": None,
        "warning": None,
    }
