"""Variants across offers: counts from orders' lines, and the bulk jobs over many."""

from uuid import UUID

import pytest

from openstoq.jobs.job import Retry
from openstoq.kernel.clock import utc_now
from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.variants.jobs import UNKNOWN, run_bulk
from tests.factories.orders import make_order
from tests.factories.waitlists import run_of

AT = "/preorders/product_variants"


@pytest.fixture
async def attached(database, shop, offer_id, catalogue):
    """The offer sells all three variants."""
    async with database.transaction(shop.id) as db:
        offer = await store.load(db, shop.id, UUID(offer_id), lock=True)
        assert await resolve.attach(db, shop.id, offer, catalogue, utc_now()) == []
    return catalogue


async def ordered(database, shop, offer_id, line, variant, quantity, market=None):
    async with database.transaction(shop.id) as db:
        await make_order(db, shop.id, 1)
        await db.execute(
            """
            INSERT INTO preorder_lines (shop_id, line_id, order_id, offer_id, variant_id,
                                        market_id, counted, created_at)
            VALUES ($1, $2, 1, $3, $4, $5, $6, now())
            """,
            shop.id,
            line,
            UUID(offer_id),
            variant,
            market,
            quantity,
        )


async def row(database, shop, variant):
    async with database.transaction(shop.id) as db:
        return await db.fetchrow("SELECT * FROM preorder_variants WHERE variant_id = $1", variant)


async def read(client, variant):
    answer = await client.get(f"{AT}/{variant}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_variants_context_names_its_offers(client, offer_id, attached):
    told = await read(client, attached[0])
    assert [offer["id"] for offer in told["offers"]] == [offer_id]
    assert (told["preorder_count"], told["has_drifted"]) == (0, False)
    assert told["sync"]["state"] == "pending"
    offers = (await client.get(f"{AT}/{attached[0]}/offers", params={"state": "enabled"})).json()
    assert offers == {"offers": []}
    listed = (await client.get(AT, params={"variant_ids": f"{attached[1]},{attached[2]}"})).json()
    assert [one["shopify_variant_id"] for one in listed["product_variants"]] == attached[1:]
    assert listed["meta"]["total_count"] == 2
    assert (await client.get(AT, params={"variant_ids": "x"})).status_code == 422
    assert (await client.get(f"{AT}/999")).status_code == 404
    for kind, status in (("ProductVariant", 200), ("Product", 404)):
        named = f"gid:%2F%2Fshopify%2F{kind}%2F{attached[0]}"
        assert (await client.get(f"{AT}/{named}")).status_code == status


async def test_counts_come_from_the_lines_of_orders(client, database, shop, offer_id, attached):
    await ordered(database, shop, offer_id, 1, attached[0], 3, market=7)
    await ordered(database, shop, offer_id, 2, attached[0], 2, market=8)
    await ordered(database, shop, offer_id, 3, attached[1], 9)
    told = (await client.post(f"{AT}/{attached[0]}/recalculate_preorder_count", json={})).json()
    assert told["preorder_count"] == 5
    assert told["market_preorder_counts"] == {"7": 3, "8": 2}
    told = (await client.post(f"{AT}/{attached[0]}/reset_preorder_count", json={})).json()
    assert (told["preorder_count"], told["market_preorder_counts"]) == (0, {})


async def test_a_variant_that_reached_its_most_stops_selling(
    client, database, shop, offer_id, attached
):
    at = f"/preorders/offers/{offer_id}"
    await client.post(f"{at}/enable", json={})
    own = f"{at}/products/variants/{attached[0]}"
    assert (await client.patch(own, json={"max_count": 3})).status_code == 202
    for quantity, policy in ((2, "continue"), (1, "deny")):
        await ordered(database, shop, offer_id, quantity, attached[0], quantity)
        await client.post(f"{AT}/{attached[0]}/recalculate_preorder_count", json={})
        assert (await row(database, shop, attached[0]))["policy_wanted"] == policy


async def test_a_bulk_job_names_each_failure(client, runtime, shop, attached):
    body = {"variant_ids": [*attached, 999]}
    started = (await client.post(f"{AT}/bulk_sync_metafields", json=body)).json()
    assert started["job_id"].startswith("bulk_sync_metafields_")
    assert started["variant_count"] == 4
    status = started["status_url"].removeprefix("/api/v2/external")
    before = (await client.get(status)).json()
    assert (before["status"], before["processed"], before["progress"]) == ("running", 0, 0)
    await run_bulk.handler(run_of(runtime, shop), job_id=started["job_id"])
    after = (await client.get(status)).json()
    assert (after["status"], after["processed"], after["progress"]) == ("completed", 4, 100)
    assert after["failed"] == [{"id": "999", "error": UNKNOWN}]


async def test_an_interrupted_bulk_job_goes_on_where_it_was(
    client, database, runtime, shop, attached
):
    body = {"variant_ids": [*attached, *range(1000, 1600)]}
    started = (await client.post(f"{AT}/bulk_recalculate_preorder_counts", json=body)).json()
    runtime.stopping.set()
    with pytest.raises(Retry):
        await run_bulk.handler(run_of(runtime, shop), job_id=started["job_id"])
    status = started["status_url"].removeprefix("/api/v2/external")
    halfway = (await client.get(status)).json()
    assert (halfway["status"], halfway["processed"]) == ("running", 500)
    revision = (await row(database, shop, attached[0]))["revision"]
    runtime.stopping.clear()
    await run_bulk.handler(run_of(runtime, shop), job_id=started["job_id"])
    after = (await client.get(status)).json()
    assert (after["status"], after["processed"], len(after["failed"])) == ("completed", 603, 600)
    # Nothing was done twice.
    assert (await row(database, shop, attached[0]))["revision"] == revision


@pytest.mark.parametrize(
    "action", ["bulk_recalculate_preorder_counts", "bulk_reset_metafields", "bulk_sync_metafields"]
)
async def test_a_bulk_job_takes_5000_at_most(client, action):
    refused = await client.post(f"{AT}/{action}", json={"variant_ids": list(range(1, 5002))})
    assert refused.status_code == 422
    assert refused.json() == {"errors": ["variant_ids must have at most 5000 entries"]}


async def test_a_job_that_is_not_there_is_404(client):
    missing = await client.get(f"{AT}/jobs/bulk_sync_metafields_0123456789abcdef")
    assert missing.status_code == 404
