"""Shoppers who wait for a variant that is for sale already are notified, and only once."""

import asyncio
from datetime import UTC, datetime

import pytest

from openstoq.back_in_stock.notifications import due_waves, waves
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.restock.jobs import find_stragglers
from openstoq.back_in_stock.signups import store
from openstoq.catalog import locations, products, stock
from openstoq.catalog.jobs import on_news
from openstoq.commerce.inbound import ItemChanged, ProductChanged
from openstoq.commerce.port import InventoryItem, Location
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.messaging.port import EmailTransport
from openstoq.registry import SUBSCRIBERS
from openstoq.shops.inbound_webhooks.jobs import News
from tests.factories.catalogs import (
    ITEM,
    LOCATION,
    VARIANT,
    level,
    product,
    record,
    save,
    seconds_after_noon,
    somebody_waits,
    variant,
)
from tests.factories.patience import until
from tests.factories.waitlists import (
    claim_due,
    claim_new,
    load_wave,
    make_signup,
    mark,
    outcome,
    restocking_runtime,
    rows,
    run_of,
    set_settings,
    stock_becomes,
)

FAR = datetime(2999, 1, 1, tzinfo=UTC)
HIDDEN = [
    {"status": "draft"},
    {"status": "archived"},
    {"published_at": None},
    {"published_at": FAR},
]


@pytest.fixture
def runtime(database, watch, relay):
    made = restocking_runtime(database, watch, ports={EmailTransport: relay})
    made.subscribers.update(SUBSCRIBERS)
    return made


async def hear(runtime, shop, change, seconds):
    """Take in news; return the waves that are to be sent because of it."""
    async with runtime.work(shop.id, request_id="test") as work:
        await on_news(work, News(change, seconds_after_noon(seconds)))
        return [one.arguments["wave_id"] for one in work.effects if "wave_id" in one.arguments]


def told(seconds, **changes):
    """News of the product, as a webhook tells it."""
    moment = seconds_after_noon(seconds)
    return ProductChanged(product(variant(updated_at=moment), updated_at=moment, **changes), ())


async def due(database, shop, seconds=0.0, threshold=1):
    now = seconds_after_noon(seconds)
    async with database.transaction(shop.id) as db:
        return await due_waves.start(db, shop.id, threshold=threshold, now=now)


async def end(database, shop, wave_id, ended_by="all_told"):
    async with database.transaction(shop.id) as db:
        await waves.finish(db, shop.id, wave_id, ended_by=ended_by, now=utc_now())


async def claimed(database, shop, wave_id, **changes):
    new, _ = await claim_new(database, shop, await load_wave(database, shop, wave_id), **changes)
    return [one.signup_id for one in new]


@pytest.mark.usefixtures("sold_out")
@pytest.mark.parametrize("hidden", HIDDEN)
async def test_what_nobody_can_open_is_announced_when_it_is_published(
    database, runtime, shop, hidden
):
    signup = await make_signup(database, shop)
    assert await hear(runtime, shop, told(1, **hidden), 1) == []
    assert await stock_becomes(runtime, shop, 5, 2) == []
    assert await due(database, shop) == []
    (wave_id,) = await hear(runtime, shop, told(3), 3)
    assert await claimed(database, shop, wave_id) == [signup]
    assert await hear(runtime, shop, told(4, title="Renamed"), 4) == []


@pytest.mark.usefixtures("sold_out")
async def test_a_product_is_announced_once_its_time_of_publication_has_come(
    database, runtime, shop
):
    await make_signup(database, shop)
    await hear(runtime, shop, told(1, published_at=FAR), 1)
    await stock_becomes(runtime, shop, 5, 2)
    await find_stragglers.handler(run_of(runtime, shop))
    assert await rows(database, shop, "waves") == []
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE products SET published_at = now()")
    await find_stragglers.handler(run_of(runtime, shop))
    assert len(await rows(database, shop, "waves")) == 1


@pytest.mark.usefixtures("sold_out")
async def test_a_wave_stops_when_its_product_is_taken_away_and_goes_on_when_it_is_back(
    database, runtime, shop
):
    signups = [await make_signup(database, shop, f"{n}@example.com", seconds=n) for n in (-9, -8)]
    (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
    wave, run_id = await load_wave(database, shop, wave_id), new_id()
    (first,), _ = await claim_new(database, shop, wave, limit=1, run_id=run_id)
    await hear(runtime, shop, told(1, status="draft"), 1)
    await mark(database, shop, wave, run_id, outcome(first, "sent"))
    assert await claimed(database, shop, wave_id) == []
    async with database.transaction(shop.id) as db:
        assert await waves.reason_to_end(db, shop.id, wave) == "closed"
    await end(database, shop, wave_id, "closed")
    assert await hear(runtime, shop, told(2), 2) == [wave_id]
    assert await claimed(database, shop, wave_id) == signups[1:]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE variants SET available = 0", "sold_out"),
        ("UPDATE products SET status = 'archived'", "closed"),
        ("UPDATE products SET published_at = NULL", "closed"),
        ("UPDATE products SET deleted_at = now()", "closed"),
        ("UPDATE variants SET deleted_at = now()", "closed"),
        ("UPDATE variants SET deleted_at = now(), available = 0", "closed"),
    ],
)
async def test_a_wave_says_whether_its_variant_is_sold_out_or_cannot_be_opened(
    database, runtime, shop, wave, change, reason
):
    async with database.transaction(shop.id) as db:
        await db.execute(change)
    await send_wave.handler(run_of(runtime, shop), wave_id=wave.id)
    (row,) = await rows(database, shop, "waves")
    assert row["ended_by"] == reason


@pytest.mark.usefixtures("sold_out")
async def test_a_message_by_hand_is_blocked_once_nobody_can_open_the_product(
    database, runtime, shop
):
    signup = await make_signup(database, shop)
    async with database.transaction(shop.id) as db:
        (loaded,) = await store.load(db, shop.id, [signup], lock=True)
        wave_id = await waves.start_manual(db, shop.id, [loaded], now=seconds_after_noon(0))
    await hear(runtime, shop, told(1, published_at=None), 1)
    assert await claim_due(database, shop, await load_wave(database, shop, wave_id)) == []
    (row,) = await rows(database, shop, "notifications")
    assert (row["status"], row["blocked_reason"]) == ("blocked", "nobody can open the product")


async def test_a_draft_that_is_in_stock_when_it_is_first_seen_is_announced_when_published(
    database, runtime, shop
):
    await save(database, shop, product(status="draft"))
    signup = await make_signup(database, shop)
    assert await stock_becomes(runtime, shop, 5, 1) == []
    (wave_id,) = await hear(runtime, shop, told(2), 2)
    assert await claimed(database, shop, wave_id) == [signup]


async def test_shoppers_who_waited_before_the_stock_was_known_are_notified(database, runtime, shop):
    await save(database, shop)
    signup = await make_signup(database, shop)
    (wave_id,) = await stock_becomes(runtime, shop, 5, 1)
    assert await claimed(database, shop, wave_id) == [signup]


@pytest.mark.usefixtures("sold_out")
async def test_signups_made_below_the_threshold_are_notified_when_it_is_reached(
    database, runtime, shop, watch
):
    await set_settings(database, shop, {"delivery": {"stock_threshold": 5}})
    (wave_id,) = await stock_becomes(runtime, shop, 6, 1)
    await end(database, shop, wave_id)
    await stock_becomes(runtime, shop, 2, 2)
    signup = await make_signup(database, shop, seconds=3)
    assert await due(database, shop, 4, threshold=5) == []
    watch.show(5)
    assert await stock_becomes(runtime, shop, 5, 5) == [wave_id]
    assert await claimed(database, shop, wave_id) == [signup]


@pytest.mark.usefixtures("sold_out")
async def test_turning_mail_on_makes_up_for_what_came_while_it_was_off(database, runtime, shop):
    await set_settings(database, shop, {"channels": {"email": {"enabled": False}}})
    signup = await make_signup(database, shop)
    assert await stock_becomes(runtime, shop, 5, 1) == []
    await find_stragglers.handler(run_of(runtime, shop))
    assert await rows(database, shop, "waves") == []
    await set_settings(database, shop, {"channels": {"email": {"enabled": True}}})
    await find_stragglers.handler(run_of(runtime, shop))
    (wave,) = await rows(database, shop, "waves")
    assert await claimed(database, shop, wave["id"]) == [signup]


@pytest.mark.parametrize(
    ("assumed", "read"),
    [
        ("UPDATE products SET published_at = '-infinity'", product()),
        (
            "UPDATE locations SET sells_online_assumed = true",
            Location(LOCATION, "Here", active=True),
        ),
    ],
)
async def test_what_an_upgrade_assumes_announces_nothing_until_it_is_read(
    database, runtime, shop, assumed, read
):
    async def save_read():
        async with database.transaction(shop.id) as db:
            if isinstance(read, Location):
                await locations.save(db, shop.id, [read], changed_at=seconds_after_noon(1))
            else:
                await products.save(db, shop.id, [read], read_at=seconds_after_noon(1))

    await save(database, shop)
    await save_read()
    await record(database, shop, level(5))
    await make_signup(database, shop)
    async with database.transaction(shop.id) as db:
        await db.execute(assumed)
    await find_stragglers.handler(run_of(runtime, shop))
    assert await rows(database, shop, "waves") == []
    await save_read()
    await find_stragglers.handler(run_of(runtime, shop))
    assert len(await rows(database, shop, "waves")) == 1


async def test_an_ended_wave_is_reopened_for_signups_that_it_missed(database, shop, wave):
    await end(database, shop, wave.id)
    assert await due(database, shop) == []
    await make_signup(
        database, shop, "gone@example.com", seconds=0, unsubscribed_at=seconds_after_noon(0)
    )
    await make_signup(database, shop, "14155552671", seconds=0, channel="sms")
    await make_signup(database, shop, "unsure@example.com", seconds=0, optin_required=True)
    assert await due(database, shop, 9) == []
    missed = await make_signup(database, shop, seconds=5)
    assert await due(database, shop, 9) == [wave.id]
    assert await due(database, shop, 9) == []
    assert await claimed(database, shop, wave.id) == [missed]


async def test_a_reopened_wave_tells_nobody_twice_of_one_restock(database, shop, wave):
    await make_signup(database, shop, seconds=-9)
    run_id = new_id()
    (first,), _ = await claim_new(database, shop, wave, run_id=run_id)
    await mark(database, shop, wave, run_id, outcome(first, "sent"), seconds=20)
    await end(database, shop, wave.id)
    # Made before the message for another market was sent: that message was for it too.
    await make_signup(database, shop, market_id=2, seconds=10)
    assert await due(database, shop, 30) == []
    async with database.transaction(shop.id) as db:
        await db.execute("DELETE FROM signups WHERE market_id = 2")
    again = await make_signup(database, shop, market_id=3, seconds=25)
    assert await due(database, shop, 30) == [wave.id]
    assert await claimed(database, shop, wave.id) == [again]


async def test_a_failed_message_waits_for_the_next_restock(database, shop, wave):
    await make_signup(database, shop)
    run_id = new_id()
    (first,), _ = await claim_new(database, shop, wave, run_id=run_id)
    await mark(database, shop, wave, run_id, outcome(first, "failed", error="452 full"))
    await end(database, shop, wave.id)
    assert await due(database, shop, 60) == []


async def test_a_wave_is_not_held_once_it_goes_on_for_others(database, shop, wave):
    await end(database, shop, wave.id)
    await make_signup(database, shop, seconds=5)
    await due(database, shop, 9)
    async with database.transaction(shop.id) as db:
        assert await waves.hold(db, shop.id, wave) is False
        assert await waves.hold(db, shop.id, await load_wave(database, shop, wave.id)) is True


@pytest.mark.usefixtures("sold_out")
async def test_what_is_not_tracked_any_more_is_for_sale(database, runtime, shop):
    await set_settings(database, shop, {"delivery": {"stock_threshold": 100}})
    await make_signup(database, shop)
    change = ItemChanged(InventoryItem(ITEM, None, tracked=False, updated_at=None))
    (wave_id,) = await hear(runtime, shop, change, 1)
    assert (await load_wave(database, shop, wave_id)).variant_id == VARIANT
    await end(database, shop, wave_id)
    change = ItemChanged(InventoryItem(ITEM, None, tracked=True, updated_at=None))
    assert await hear(runtime, shop, change, 2) == []
    (row,) = await rows(database, shop, "variants")
    assert (row["available"], row["sold_out_at"] is not None) == (0, True)


async def test_a_wave_that_another_transaction_starts_meanwhile_is_the_only_one(database, shop):
    await save(database, shop)
    await record(database, shop, level(5))
    await make_signup(database, shop)
    async with database.transaction(shop.id) as db:
        (wave_id,) = await due_waves.start(db, shop.id, threshold=1, now=seconds_after_noon(0))
        second = asyncio.create_task(due(database, shop, 1))
        await until(lambda: somebody_waits(database))
    assert await second == []
    assert [row["id"] for row in await rows(database, shop, "waves")] == [wave_id]


async def test_an_ended_wave_that_is_reopened_meanwhile_is_not_begun_again(database, shop, wave):
    await end(database, shop, wave.id)
    await make_signup(database, shop, seconds=5)
    async with database.transaction(shop.id) as db:
        now = seconds_after_noon(9)
        assert await due_waves.start(db, shop.id, threshold=1, now=now) == [wave.id]
        second = asyncio.create_task(due(database, shop, 10))
        await until(lambda: somebody_waits(database))
    assert await second == []
    assert len(await rows(database, shop, "waves")) == 1


@pytest.mark.usefixtures("sold_out")
async def test_what_is_restocked_while_an_ended_wave_is_due_gets_one_wave(
    database, runtime, shop, watch
):
    (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
    await end(database, shop, wave_id)
    await make_signup(database, shop, seconds=5)
    watch.show(20)
    async with runtime.work(shop.id, request_id="test") as work:
        for seconds, available in ((10, 0), (20, 5)):
            moment = seconds_after_noon(seconds)
            changes = await stock.record(
                work.db,
                shop.id,
                [level(available, told_at=seconds)],
                triggered_at=moment,
                now=moment,
            )
            for change in changes:
                await work.publish(change)
        second = asyncio.create_task(due(database, shop, 9))
        await until(lambda: somebody_waits(database))
    assert await second == []
    found = await rows(database, shop, "waves")
    assert [row["finished_at"] is None for row in found] == [False, True]
