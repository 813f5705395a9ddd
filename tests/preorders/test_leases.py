"""Leases: one run at a time, which stops when its lease cannot be kept; who finds one held waits."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from openstoq.jobs import leases
from openstoq.jobs.job import GiveUp, Retry
from openstoq.jobs.leases import Leases
from openstoq.jobs.queue import waiting_arguments
from openstoq.preorders.offers.attachments import policy_jobs
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.offers.storefront import store as marks
from tests.factories.patience import until
from tests.factories.waitlists import run_of

LEASES = Leases("preorder_shops", "shop_id")


@pytest.fixture
async def run(database, runtime, shop):
    async with database.transaction(shop.id) as db:
        await marks.know_shop(db, shop.id)
    return run_of(runtime, shop)


async def claimed(run):
    async with run.work() as work:
        return await LEASES.claim(work.db, run.shop_id, run.shop_id)


async def test_a_lease_is_one_runs_until_it_is_let_go(run):
    lease = await claimed(run)
    assert lease is not None
    async with LEASES.hold(run, run.shop_id, lease):
        assert await claimed(run) is None
    assert await claimed(run) is not None


async def test_a_lease_lasts_though_its_run_has_ended(run):
    lasting = replace(LEASES, lasts=timedelta(hours=1))
    lease = await claimed(run)
    async with lasting.hold(run, run.shop_id, lease):
        pass
    assert await claimed(run) is None


async def test_there_is_no_lease_on_what_does_not_exist(run, database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("DELETE FROM preorder_shops")
    with pytest.raises(GiveUp):
        await claimed(run)


async def test_a_lease_is_renewed_while_its_run_works(run, monkeypatch):
    monkeypatch.setattr(leases, "RENEWED", timedelta(seconds=0.01))
    lease = await claimed(run)

    async def is_renewed():
        async with run.work() as work:
            return await work.db.fetchval("SELECT sync_lease_until > now() FROM preorder_shops")

    async with LEASES.hold(run, run.shop_id, lease):
        async with run.work() as work:
            await work.db.execute("UPDATE preorder_shops SET sync_lease_until = now()")
        await until(is_renewed)


async def test_a_run_whose_lease_is_anothers_stops_and_leaves_it_alone(run, monkeypatch):
    monkeypatch.setattr(leases, "RENEWED", timedelta(seconds=0.01))
    lease = await claimed(run)
    async with run.work() as work:
        await work.db.execute("UPDATE preorder_shops SET sync_lease = gen_random_uuid()")
    with pytest.raises(Retry):
        async with LEASES.hold(run, run.shop_id, lease):
            await asyncio.sleep(leases.LEASE.total_seconds())
    assert await claimed(run) is None


async def test_a_run_that_cannot_renew_its_lease_stops(run, monkeypatch):
    monkeypatch.setattr(leases, "WORKS_FOR", timedelta(seconds=0.01))
    lease = await claimed(run)
    with pytest.raises(Retry):
        async with LEASES.hold(run, run.shop_id, lease):
            await asyncio.sleep(leases.LEASE.total_seconds())
    assert await claimed(run) is not None


async def test_what_the_block_raises_passes_through(run):
    for error in (TimeoutError, Retry, ValueError):
        lease = await claimed(run)
        with pytest.raises(error, match="its own"):
            async with LEASES.hold(run, run.shop_id, lease):
                raise error("its own")


async def test_who_finds_the_storefront_being_written_comes_again(run, shop, monkeypatch):
    async def anyone(_):
        return object()

    monkeypatch.setattr(storefront_jobs, "commerce_of", anyone)
    await claimed(run)
    for _ in range(2):
        await storefront_jobs.sync_storefront.handler(run)
    async with run.work() as work:
        name = storefront_jobs.sync_storefront.name
        assert await waiting_arguments(work.db, shop.id, name) == [{}]


async def test_what_is_forgotten_while_a_run_writes_something_else_stays_forgotten(run):
    async with run.work() as work:
        db, shop_id = work.db, run.shop_id
        await marks.mark_shop(db, shop_id, {"offers": "a", "texts": "b", "old": "c"})
        await marks.mark_shop(db, shop_id, {"offers": marks.UNKNOWN, "old": marks.UNKNOWN})
        await marks.forget_shop(db, shop_id)
        await marks.mark_shop(db, shop_id, {"offers": "d"}, gone=["old"])
        assert await marks.written_on_shop(db, shop_id) == {"offers": "d", "texts": marks.UNKNOWN}


async def test_policies_are_flipped_by_whoever_writes_policies(run, client, catalogue, monkeypatch):
    async def anyone(_):
        return object()

    monkeypatch.setattr(policy_jobs, "commerce_of", anyone)
    await claimed(run)
    await policy_jobs.flip.handler(run, job_id="bulk_1")
    async with run.work() as work:
        waits = await waiting_arguments(work.db, run.shop_id, policy_jobs.flip.name)
    assert waits == [{"job_id": "bulk_1"}]


async def test_policies_of_a_shop_that_cannot_be_reached_are_told_as_failed(
    run, client, offer_id, catalogue
):
    at = f"/preorders/offers/{offer_id}/products/bulk_toggle_inventory_policy"
    begun = (await client.post(at, json={"policy": "DENY"})).json()
    await policy_jobs.flip.handler(run, job_id=begun["job_id"])
    told = (await client.get(f"/preorders/product_variants/jobs/{begun['job_id']}")).json()
    assert (told["status"], "cannot be reached" in told["error"]) == ("failed", True)
