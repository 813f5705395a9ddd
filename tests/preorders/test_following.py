"""Offers of all variants follow the catalogue, whatever became of it in between."""

import pytest

from openstoq.jobs import bulk
from openstoq.preorders.offers.attachments import jobs as attachment_jobs
from tests.factories.catalogs import product, save, variant
from tests.factories.waitlists import run_of


@pytest.fixture
def follow(client, runtime, shop, offer_id):
    """Look at the catalogue again; return what the offer sells then, and what was begun."""

    async def follow():
        run = run_of(runtime, shop)
        await attachment_jobs.follow_sources.handler(run)
        async with run.work() as work:
            begun = await work.db.fetch("SELECT id FROM bulk_jobs WHERE status = 'running'")
        for job in begun:
            await attachment_jobs.attach.handler(run, job_id=job["id"])
        async with run.work() as work:
            assert await bulk.running(work.db, shop.id, "offer_id") == set()
        listed = (await client.get(f"/preorders/offers/{offer_id}/products/variants")).json()
        ids = sorted(int(one["shopify_variant_id"]) for one in listed["variants"])
        return ids, len(begun)

    return follow


@pytest.fixture
async def all_but(client, runtime, shop, offer_id):
    """Have the offer sell every variant but those of products with a tag."""

    async def all_but(tag):
        body = {"confirm": True, "exclusion_tag": tag}
        at = f"/preorders/offers/{offer_id}/products/set_source_to_all"
        begun = (await client.post(at, json=body)).json()
        await attachment_jobs.attach.handler(run_of(runtime, shop), job_id=begun["job_id"])

    return all_but


def tagged(number, *tags):
    one = variant(number, product_id=number, inventory_item_id=number)
    return product(one, id=number, tags=list(tags))


async def test_one_that_comes_and_one_that_goes_are_both_followed(database, shop, all_but, follow):
    await save(database, shop, tagged(1, "winter"), tagged(2))
    await all_but("winter")
    assert await follow() == ([2], 0)
    await save(database, shop, tagged(1), tagged(2, "Winter"))
    assert await follow() == ([1], 1)
    assert await follow() == ([1], 0)


async def test_what_was_deleted_is_looked_at_once(database, shop, all_but, follow):
    await save(database, shop, tagged(1), tagged(2))
    await all_but(None)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE variants SET deleted_at = now() WHERE id = 1")
    assert await follow() == ([2], 1)
    assert await follow() == ([2], 0)
