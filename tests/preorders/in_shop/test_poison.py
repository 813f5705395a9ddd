"""One order, variant, product or offer that cannot be handled costs itself alone, and says so."""

import json

import asyncpg
import pytest

from openstoq.catalog.jobs import pull, pull_product
from openstoq.commerce.port import CommerceRefused
from openstoq.commerce.shopify.adapter import ShopifyShop
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.orders import decisions
from openstoq.preorders.orders.jobs import read_markets, reconcile
from openstoq.preorders.orders.payments.charges import collect_due
from openstoq.preorders.variants.jobs import reconcile as reconcile_variants
from tests.factories.sandboxed import accepted, all_jobs_done, variant_in_shop

ERRORS = [KeyError("x"), ValueError("x"), ZeroDivisionError(), RecursionError()]


async def constrain(database_url, table, condition):
    """Have PostgreSQL refuse a table's rows for which a condition does not hold."""
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT poison CHECK ({condition}) NOT VALID"
        )
    finally:
        await owner.close()


async def lift(database_url, table):
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT poison")
    finally:
        await owner.close()


async def execute(market, statement, *values):
    async with market.database.transaction(market.shop.id) as db:
        return await db.fetch(statement, *values)


async def faults(market, kind):
    rows = await execute(market, "SELECT item, error FROM item_faults WHERE kind = $1", kind)
    return {row["item"]: row["error"] for row in rows}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_an_order_of_a_bulk_job_fails_alone(market, plans, variants, monkeypatch, error):
    orders = [await market.place((variants[0], plans["full"], 1)) for _ in range(3)]
    release = decisions.release

    async def fail(work, order, **told):
        if order.order_id == orders[0]["id"]:
            raise error
        await release(work, order, **told)

    monkeypatch.setattr(decisions, "release", fail)
    ids = [order["id"] for order in orders]
    job = await accepted(market.client, "/preorders/orders/bulk_release", order_ids=ids)
    await all_jobs_done(market.database)
    path = job["status_url"].removeprefix("/api/v2/external")
    told = (await market.client.get(path)).json()
    assert (told["status"], told["processed"]) == ("completed", 3)
    (failed,) = told["failed"]
    assert failed["id"] == str(ids[0])
    assert type(error).__name__ in failed["error"]
    assert [await market.state(order) for order in orders] == ["placed", "released", "released"]


async def test_a_variant_that_the_database_refuses_fails_alone_in_a_bulk_job(
    market, offer, variants, database_url
):
    await constrain(
        database_url, "preorder_variants", f"variant_id <> {variants[1]} OR is_reset = false"
    )
    job = await accepted(
        market.client,
        "/preorders/product_variants/bulk_reset_metafields",
        variant_ids=variants[:3],
    )
    await all_jobs_done(market.database)
    path = job["status_url"].removeprefix("/api/v2/external")
    told = (await market.client.get(path)).json()
    assert (told["status"], told["processed"]) == ("completed", 3)
    assert [one["id"] for one in told["failed"]] == [str(variants[1])]
    assert "CheckViolationError" in told["failed"][0]["error"]


async def test_variants_of_a_job_are_attached_but_one(market, client, variants, database_url):
    made = await accepted(client, "/preorders/offers", name="Drop")
    at = f"/preorders/offers/{made['id']}"
    await constrain(database_url, "offer_variants", f"variant_id <> {variants[1]}")
    job = await accepted(client, f"{at}/products/add_variants", variant_ids=variants[:3])
    await all_jobs_done(market.database)
    told = (await client.get(job["status_url"].removeprefix("/api/v2/external"))).json()
    assert told["status"] == "completed"
    assert [one["id"] for one in told["failed"]] == [str(variants[1])]
    offer_id = made["id"]
    rows = await execute(
        market, "SELECT variant_id FROM offer_variants WHERE offer_id::text = $1", offer_id
    )
    assert {row["variant_id"] for row in rows} == {variants[0], variants[2]}


async def test_an_order_that_cannot_be_stored_has_blocks_as_such_and_rests(
    market, plans, variants, database_url
):
    poison = await market.buy((variants[0], plans["full"], 1))
    good = await market.buy((variants[1], plans["full"], 1))
    await constrain(database_url, "preorder_orders", f"order_id <> {poison['id']}")
    await market.run(reconcile)
    assert await market.state(good) == "placed"
    assert "CheckViolationError" in (await faults(market, "order"))[str(poison["id"])]
    # The next passes leave it alone for a while, and take in what is new.
    fresh = await market.buy((variants[2], plans["full"], 1))
    await execute(market, "UPDATE preorder_shops SET orders_upto = now() - interval '1 day'")
    await market.run(reconcile)
    assert await market.state(fresh) == "placed"
    (row,) = await execute(market, "SELECT times FROM item_faults WHERE kind = 'order'")
    assert row["times"] == 1
    # Once its pause is over it is tried again, and is whole when it can be.
    await lift(database_url, "preorder_orders")
    await execute(market, "UPDATE item_faults SET noted_at = noted_at - interval '1 hour'")
    await market.run(reconcile)
    assert await market.state(poison) == "placed"
    assert await faults(market, "order") == {}


async def test_an_order_that_cannot_be_collected_keeps_no_other_balance(
    market, plans, variants, database_url
):
    orders = [await market.place((variants[0], plans["partial"], 1)) for _ in range(3)]
    await execute(market, "UPDATE preorder_orders SET due_at = now()")
    await constrain(
        database_url, "preorder_payments", f"order_id <> {orders[0]['id']} OR mode <> 'auto'"
    )
    await market.run(collect_due)
    states = [await market.state(order) for order in orders]
    assert states == ["awaiting_balance", "balance_collected", "balance_collected"]
    assert list(await faults(market, "balance")) == [str(orders[0]["id"])]
    await lift(database_url, "preorder_payments")
    await market.run(collect_due)
    assert await market.state(orders[0]) == "balance_collected"
    assert await faults(market, "balance") == {}


async def test_a_variant_whose_settings_are_odd_keeps_no_other_back(market, offer, variants, site):
    odd, *others = variants[:3]
    await execute(
        market,
        "UPDATE offer_variants SET market_overrides = '{\"5\": 3}' WHERE variant_id = $1",
        odd,
    )
    await accepted(market.client, f"{offer}/limits/set_total_max", max=50)
    await execute(
        market,
        "UPDATE preorder_variants SET revision = revision + 1, market_counts = '{\"5\": 2}'",
    )
    await market.run(storefront_jobs.sync_storefront)
    for variant in others:
        metafields, _ = await variant_in_shop(site, variant)
        assert json.loads(metafields["market_preorder_count"]) == {"5": 2}
    rows = await execute(market, "SELECT variant_id, sync_error FROM preorder_variants")
    failed = {row["variant_id"]: row["sync_error"] for row in rows if row["sync_error"]}
    assert list(failed) == [odd]
    assert "AttributeError" in failed[odd]
    # It is behind no more, and the next run has nothing to do.
    assert not await execute(
        market, "SELECT FROM preorder_variants WHERE revision > synced_revision"
    )


async def test_a_product_that_cannot_be_stored_stops_no_pull(market, site, variants, database_url):
    listed = (await site.control("GET", "products"))["products"]
    poison, other = listed[0], listed[1]
    await execute(
        market, "UPDATE products SET title = 'old', updated_at = '-infinity', seen_at = NULL"
    )
    await constrain(database_url, "products", f"id <> {poison['id']} OR title = 'old'")
    await market.run(pull, everything=True)
    rows = await execute(market, "SELECT id, title FROM products")
    titles = {row["id"]: row["title"] for row in rows}
    assert titles[poison["id"]] == "old"
    assert titles[other["id"]] == other["title"]
    assert set(titles.values()) - {"old"}
    assert list(await faults(market, "product")) == [str(poison["id"])]
    (done,) = await execute(market, "SELECT finished_at, cursor FROM catalog_pulls")
    assert done["finished_at"] is not None
    await lift(database_url, "products")
    await market.run(pull_product, product_id=poison["id"])
    assert await faults(market, "product") == {}


async def test_a_product_with_a_variant_twice_is_listed_and_stops_no_pull(market, site, variants):
    twice, other = list(site.shop().products.values())[:2]
    await execute(
        market, "UPDATE products SET title = 'old', updated_at = '-infinity', seen_at = NULL"
    )
    twice.variants.append(twice.variants[0])
    await market.run(pull, everything=True)
    rows = await execute(market, "SELECT id, title FROM products")
    titles = {row["id"]: row["title"] for row in rows}
    assert (titles[twice.id], titles[other.id]) == ("old", other.title)
    told = await faults(market, "product")
    assert list(told) == [str(twice.id)]
    assert f"must not have {twice.variants[0].id} twice" in told[str(twice.id)]
    twice.variants.pop()
    await market.run(pull, everything=True)
    assert await faults(market, "product") == {}


@pytest.mark.parametrize("kind", ["product", "location", "inventory item", "market"])
async def test_what_did_well_again_is_listed_no_more(market, site, variants, kind):
    table = {
        "product": "products",
        "location": "locations",
        "inventory item": "variants",
        "market": "markets",
    }[kind]
    await market.run(read_markets)
    column = "inventory_item_id" if kind == "inventory item" else "id"
    await execute(
        market,
        f"""
        INSERT INTO item_faults (shop_id, kind, item, error, noted_at)
        SELECT shop_id, $1, {column}::text, 'failed before', now() FROM {table} LIMIT 1
        """,  # noqa: S608 - constants
        kind,
    )
    assert len(await faults(market, kind)) == 1
    await market.run(pull, everything=True)
    await market.run(read_markets)
    assert await faults(market, kind) == {}


BROKEN = {
    "limits": {"total": {"max": "many"}},
    "markets": [],
    "countdown": {"unheard_of": 1},
    "payments": {"options": {"full": 7, "partial": None}},
    "widget": "x",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_an_offer_with_a_broken_document_is_listed_with_the_others(market, offer, name):
    whole = await accepted(market.client, "/preorders/offers", name="Whole")
    await all_jobs_done(market.database)
    offer_id = offer.rsplit("/", 1)[1]
    await execute(
        market,
        f"UPDATE offers SET {name} = $1 WHERE id = $2::text::uuid",  # noqa: S608 - a constant
        BROKEN[name],
        offer_id,
    )
    answer = await market.client.get("/preorders/offers")
    assert answer.status_code == 200, answer.text
    listed = {one["id"]: one for one in answer.json()["offers"]}
    assert set(listed) == {whole["id"], offer_id}
    assert listed[offer_id]["sync"]["state"] == "failed"
    assert name in listed[offer_id]["sync"]["error"]
    assert listed[whole["id"]]["sync"]["state"] == "synced"
    await market.run(plan_group_jobs.sync_offer, offer_id=whole["id"])
    await market.run(storefront_jobs.sync_storefront)
    await market.run(reconcile_variants)


async def test_a_product_whose_policies_are_refused_keeps_no_other_back(
    market, offer, variants, site, monkeypatch
):
    """The whole call is refused for one product, as for one that the shop is deleting."""
    first, *others = (await site.control("GET", "products"))["products"]
    set_policies = ShopifyShop.set_inventory_policies

    async def refuse(self, product_id, policies):
        if product_id == first["id"]:
            raise CommerceRefused("Product does not exist")
        return await set_policies(self, product_id, policies)

    monkeypatch.setattr(ShopifyShop, "set_inventory_policies", refuse)
    wanted = [product["variants"][0]["id"] for product in (first, *others)]
    await accepted(market.client, f"{offer}/products/add_variants", variant_ids=wanted)
    await all_jobs_done(market.database)
    job = await accepted(
        market.client,
        f"{offer}/products/bulk_toggle_inventory_policy",
        policy="CONTINUE",
        variant_ids=wanted,
    )
    await all_jobs_done(market.database)
    told = (await market.client.get(job["status_url"].removeprefix("/api/v2/external"))).json()
    assert told["status"] == "completed"
    assert told["failed"] == [{"id": str(wanted[0]), "error": "Product does not exist"}]
    for variant in wanted[1:]:
        assert (await variant_in_shop(site, variant))[1] == "CONTINUE"
