"""One fault is not the end: it is tried again a few times, kept as such, and taken up later."""

import asyncpg
import pytest

from openstoq.commerce.port import CommerceUnreadable
from openstoq.commerce.shopify.adapter import ShopifyShop
from openstoq.preorders.offers.plan_group.jobs import resume as resume_offers
from openstoq.preorders.orders.recovery.jobs import resume as resume_orders
from tests.factories.sandboxed import (
    accepted,
    all_jobs_done,
    plan_groups,
    shop_metafields,
    variant_in_shop,
)

FAULTS = [
    KeyError("x"),
    asyncpg.UniqueViolationError("taken meanwhile"),
    CommerceUnreadable("the answer cannot be read"),
]
faults = pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)


class Failing:
    """A call to the shop that raises as often as it is told, for what it is told."""

    def __init__(self, monkeypatch, name, error, times, only=lambda *_: True):
        self.left, self.error, self.only = times, error, only
        call = getattr(ShopifyShop, name)

        def failing(shop, *arguments, **named):
            if self.left and self.only(*arguments):
                self.left -= 1
                raise self.error
            return call(shop, *arguments, **named)

        monkeypatch.setattr(ShopifyShop, name, failing)


async def execute(market, statement, *values):
    async with market.database.transaction(market.shop.id) as db:
        return await db.fetch(statement, *values)


async def kept(market):
    rows = await execute(market, "SELECT kind, error FROM item_faults ORDER BY kind, item")
    return {row["kind"]: row["error"] for row in rows}


async def let_pass(market):
    """Have an hour go by."""
    for statement in (
        "UPDATE item_faults SET noted_at = noted_at - interval '1 hour'",
        "UPDATE preorder_orders SET updated_at = updated_at - interval '1 hour'",
    ):
        await execute(market, statement)


async def sync_of(market, at):
    return (await market.client.get(at)).json()["sync"]


@faults
async def test_an_order_that_failed_once_is_followed(market, plans, variants, monkeypatch, error):
    calls = [Failing(monkeypatch, name, error, 1) for name in ("tag_order", "release_holds")]
    order = await market.place((variants[0], plans["full"], 1))
    at = f"/preorders/orders/{order['id']}"
    assert (await sync_of(market, at))["state"] == "synced"
    assert "preorder" in " ".join((await market.in_shop(order))["tags"]).lower()
    await market.ask(order, "release")
    assert (await sync_of(market, at))["state"] == "synced"
    assert [call.left for call in calls] == [0, 0]
    assert await kept(market) == {}


async def test_an_order_that_failed_a_few_times_says_so_rests_and_is_taken_up(
    market, plans, variants, monkeypatch
):
    failing = Failing(monkeypatch, "tag_order", KeyError("x"), 3)
    order = await market.place((variants[0], plans["full"], 1))
    at = f"/preorders/orders/{order['id']}"
    told = await sync_of(market, at)
    assert (told["state"], failing.left) == ("failed", 0)
    assert "KeyError" in told["error"]
    assert list(await kept(market)) == ["order in the shop"]
    # It rests, and then it is whole.
    await execute(market, "UPDATE preorder_orders SET updated_at = updated_at - interval '1 hour'")
    await market.run(resume_orders)
    assert (await sync_of(market, at))["state"] == "failed"
    await let_pass(market)
    await market.run(resume_orders)
    assert (await sync_of(market, at))["state"] == "synced"
    assert await kept(market) == {}


@faults
async def test_an_offer_that_failed_once_is_followed(market, client, site, monkeypatch, error):
    Failing(monkeypatch, "save_plan_group", error, 1)
    made = await accepted(client, "/preorders/offers", name="Once")
    await all_jobs_done(market.database)
    assert (await sync_of(market, f"/preorders/offers/{made['id']}"))["state"] == "synced"
    assert [group["name"] for group in await plan_groups(site)] == ["Once"]


async def test_an_offer_that_failed_a_few_times_is_taken_up(market, client, site, monkeypatch):
    failing = Failing(monkeypatch, "save_plan_group", KeyError("x"), 3)
    made = await accepted(client, "/preorders/offers", name="Thrice")
    await all_jobs_done(market.database)
    at = f"/preorders/offers/{made['id']}"
    told = await sync_of(market, at)
    assert (told["state"], failing.left) == ("failed", 0)
    assert "KeyError" in told["error"]
    await market.run(resume_offers)
    assert await plan_groups(site) == []
    await let_pass(market)
    await market.run(resume_offers)
    assert (await sync_of(market, at))["state"] == "synced"
    assert await kept(market) == {}


@faults
async def test_a_collection_that_could_not_be_read_once_is_attached(
    market, client, site, variants, monkeypatch, error
):
    products = (await site.control("GET", "products"))["products"]
    collection = await site.control(
        "POST", "collections", {"title": "New", "product_ids": [products[0]["id"]]}
    )
    made = await accepted(client, "/preorders/offers", name="Collection")
    Failing(monkeypatch, "collection_products", error, 1)
    job = await accepted(
        client,
        f"/preorders/offers/{made['id']}/products/set_source_to_collection",
        collection_id=collection["id"],
    )
    await all_jobs_done(market.database)
    told = (await client.get(job["status_url"].removeprefix("/api/v2/external"))).json()
    assert (told["status"], told["error"]) == ("completed", None)
    assert told["processed"] == len(products[0]["variants"])


@faults
@pytest.mark.parametrize("times", [1, 3])
async def test_policies_that_could_not_be_set_are_asked_for_again(
    market, site, client, offer, variants, monkeypatch, error, times
):
    first, *others = (await site.control("GET", "products"))["products"]
    wanted = [product["variants"][0]["id"] for product in (first, *others)]
    await accepted(client, f"{offer}/products/add_variants", variant_ids=wanted)
    await all_jobs_done(market.database)
    failing = Failing(
        monkeypatch,
        "set_inventory_policies",
        error,
        times,
        lambda product, _: product == first["id"],
    )
    job = await accepted(
        client,
        f"{offer}/products/bulk_toggle_inventory_policy",
        policy="CONTINUE",
        variant_ids=wanted,
    )
    await all_jobs_done(market.database)
    told = (await client.get(job["status_url"].removeprefix("/api/v2/external"))).json()
    assert (told["status"], failing.left) == ("completed", 0)
    assert [one["id"] for one in told["failed"]] == [str(wanted[0])] * (times == 3)
    for variant in wanted[1:]:
        assert (await variant_in_shop(site, variant))[1] == "CONTINUE"
    if times == 1:
        assert (await variant_in_shop(site, wanted[0]))[1] == "CONTINUE"


@faults
@pytest.mark.parametrize("times", [1, 3])
async def test_what_is_sold_out_stops_though_that_failed_before(
    market, site, offer, plans, variants, monkeypatch, error, times
):
    at = f"{offer}/products/variants/{variants[0]}"
    job = f"{offer}/products/bulk_toggle_inventory_policy"
    await accepted(market.client, job, policy="CONTINUE", variant_ids=variants[:3])
    assert (await market.client.patch(at, json={"max_count": 1})).status_code == 202
    await all_jobs_done(market.database)
    failing = Failing(monkeypatch, "set_inventory_policies", error, times)
    await market.place((variants[0], plans["full"], 1))
    assert failing.left == 0
    if times == 3:
        # It is still wanted, rests, and keeps back nothing else.
        assert (await variant_in_shop(site, variants[0]))[1] == "CONTINUE"
        assert (await variant_in_shop(site, variants[0]))[0]["preorder_count"] == "1"
        assert list(await kept(market)) == ["policy"]
        await market.run(resume_offers)
        assert (await variant_in_shop(site, variants[0]))[1] == "CONTINUE"
        await let_pass(market)
        await market.run(resume_offers)
    assert (await variant_in_shop(site, variants[0]))[1] == "DENY"
    assert await kept(market) == {}


@faults
async def test_the_shops_metafields_that_failed_are_written_later(
    market, site, client, monkeypatch, error
):
    shop_only = lambda _, metafields: metafields[0].variant_id is None  # noqa: E731
    failing = Failing(monkeypatch, "set_metafields", error, 3, shop_only)
    made = await accepted(client, "/preorders/offers", name="Drop")
    await accepted(client, f"/preorders/offers/{made['id']}/enable")
    await all_jobs_done(market.database)
    while failing.left:
        await accepted(
            client, f"/preorders/offers/{made['id']}/rename", name=f"Drop {failing.left}"
        )
        await all_jobs_done(market.database)
    await let_pass(market)
    await market.run(resume_offers)
    assert list((await shop_metafields(site))["selling_plans"]["offers"]) == [made["id"]]
    assert await kept(market) == {}
