"""Housekeeping: what is old is forgotten, and a job that nobody works on is told as failed."""

from datetime import timedelta

import pytest

from openstoq.actions.records import audit_row
from openstoq.jobs import bulk, items
from openstoq.jobs.queue import Enqueued, enqueue
from openstoq.shops import housekeeping, store
from openstoq.shops.housekeeping import end_abandoned, tidy
from openstoq.shops.inbound_webhooks import store as deliveries
from tests.factories.deliveries import deliver, make_delivery, row_of, take
from tests.factories.waitlists import rows, run_of


@pytest.mark.parametrize(
    ("state", "told"),
    [(None, "failed"), ("failed", "failed"), ("queued", "running"), ("picked", "running")],
)
async def test_a_job_that_the_queue_has_put_aside_is_told_as_failed(runtime, shop, state, told):
    run = run_of(runtime, shop)
    async with run.work() as work:
        job_id = await bulk.begin(
            work.db, shop.id, "attach", total=3, arguments={}, now=runtime.clock()
        )
        if state is not None:
            queued = Enqueued(
                job="probe", shop_id=shop.id, arguments={"job_id": job_id}, request_id="test"
            )
            await enqueue(work.db, [queued])
            await work.db.execute(
                "UPDATE queue.pgqueuer SET status = $1::text::queue.pgqueuer_status", state
            )
    await end_abandoned.handler(run)
    async with run.work() as work:
        job = await bulk.load(work.db, shop.id, job_id)
    assert job.status == told
    assert ("start it again" in (job.error or "")) == (told == "failed")


async def test_housekeeping_empties_old_bodies_and_forgets_older_deliveries(runtime, shop):
    for age in (1, 8, 31):
        await deliver(runtime, shop, "orders/create", {"id": age}, webhook_id=f"{age}")
    headers, body = make_delivery("orders/create", {}, webhook_id="not done")
    await take(runtime, headers, body)
    async with runtime.database.transaction(shop.id) as db:
        for age in ("1", "8", "31"):
            await db.execute(
                "UPDATE webhook_deliveries SET received_at = now() - $2::interval, "
                "done_at = now() - $2::interval WHERE webhook_id = $1",
                age,
                timedelta(days=int(age)),
            )
    await tidy.handler(run_of(runtime, shop))
    found = {
        age: row and row["body"] is not None
        for age in ("1", "8", "31", "not done")
        for row in [await row_of(runtime, shop, age)]
    }
    assert found == {"1": True, "8": False, "31": None, "not done": True}


async def test_housekeeping_goes_on_until_nothing_is_left(runtime, shop, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for number in range(5):
        await deliver(runtime, shop, "orders/create", {"id": number}, webhook_id=f"{number}")
    async with runtime.database.transaction(shop.id) as db:
        await db.execute("UPDATE webhook_deliveries SET received_at = now() - interval '31 days'")
        await store.mark_uninstalled(db, shop.id, shop.installed_at)
    assert tidy.uninstalled
    await tidy.handler(run_of(runtime, shop))
    assert await rows(runtime.database, shop, "webhook_deliveries", "webhook_id") == []


async def test_housekeeping_forgets_old_audit_rows(runtime, shop):
    async with runtime.database.transaction(shop.id) as db:
        for days in (399, 401):
            row = audit_row(
                shop.id,
                at=runtime.clock() - timedelta(days=days),
                actor="system",
                action="test",
                target=str(days),
                request_id="test",
                arguments={},
            )
            await db.execute(row.text, *row.parameters)
    await tidy.handler(run_of(runtime, shop))
    async with runtime.database.transaction(shop.id) as db:
        kept = await db.fetch("SELECT target FROM audit_log")
    assert [row["target"] for row in kept] == ["399"]


async def test_what_cannot_be_deleted_keeps_nothing_else(runtime, shop, monkeypatch):
    async def fail(*_):
        raise ZeroDivisionError

    await deliver(runtime, shop, "orders/create", {"id": 1}, webhook_id="1")
    async with runtime.database.transaction(shop.id) as db:
        await items.remember(db, shop.id, "order", {1: "old", 2: "new"}, runtime.clock())
        await db.execute(
            "UPDATE webhook_deliveries SET received_at = now() - interval '31 days',"
            " done_at = now() - interval '31 days'"
        )
        await db.execute(
            "UPDATE item_faults SET noted_at = now() - interval '31 days' WHERE item = '1'"
        )
    monkeypatch.setattr(housekeeping.deliveries, "empty_bodies", fail)
    await tidy.handler(run_of(runtime, shop))
    assert await rows(runtime.database, shop, "webhook_deliveries", "webhook_id") == []
    (left,) = await rows(runtime.database, shop, "item_faults", "item")
    assert left["error"] == "new"


async def test_the_body_of_a_delivery_that_nobody_worked_off_is_emptied(runtime, shop):
    for number in ("old", "new"):
        await deliver(runtime, shop, "orders/create", {"id": 1}, webhook_id=number)
    async with runtime.database.transaction(shop.id) as db:
        await db.execute(
            "UPDATE webhook_deliveries SET received_at = now() - interval '8 days', done_at = NULL"
            " WHERE webhook_id = 'old'"
        )
    await tidy.handler(run_of(runtime, shop))
    async with runtime.database.transaction(shop.id) as db:
        left = await db.fetch("SELECT webhook_id FROM webhook_deliveries WHERE body IS NOT NULL")
        assert [row["webhook_id"] for row in left] == ["new"]
        # What comes of its job nevertheless is nothing.
        assert await deliveries.load(db, shop.id, "old") is None


async def test_a_bulk_job_stores_no_more_failures_than_the_most(runtime, shop, monkeypatch):
    monkeypatch.setattr(bulk, "MOST_FAILURES", 5)
    async with run_of(runtime, shop).work() as work:
        job_id = await bulk.begin(
            work.db, shop.id, "attach", total=12, arguments={}, now=runtime.clock()
        )
        for first in (0, 3, 6, 9):
            failures = dict.fromkeys(range(first, first + 3), "no such variant")
            await bulk.advance(work.db, shop.id, job_id, 3, failures)
        await bulk.advance(work.db, shop.id, job_id, 0, {})
        job = await bulk.load(work.db, shop.id, job_id)
    assert [one["id"] for one in job.failed] == ["0", "1", "2", "3", "4"]
    assert job.processed == 12
