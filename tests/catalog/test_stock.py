"""Stock by location adds up to each variant's total, in whatever order the news comes."""

import asyncio
from itertools import permutations

import pytest

from openstoq.catalog import locations, stock
from openstoq.catalog.jobs import on_news, read_locations
from openstoq.catalog.model import UNLIMITED, StockChanged
from openstoq.commerce.inbound import LevelChanged
from openstoq.commerce.port import InventoryItem, Location
from openstoq.shops.inbound_webhooks.jobs import News
from tests.factories.catalogs import (
    ITEM,
    LOCATION,
    PRODUCT,
    VARIANT,
    level,
    product,
    record,
    save,
    seconds_after_noon,
    somebody_waits,
    variant,
    variant_row,
)
from tests.factories.patience import until
from tests.factories.shops import make_shop

OTHER = LOCATION + 1


@pytest.fixture
async def known(database, shop):
    await save(database, shop)


async def available(database, shop, number=VARIANT):
    return (await variant_row(database, shop, number))["available"]


async def put_locations(database, shop, *put, seconds=0.0):
    async with database.transaction(shop.id) as db:
        return await locations.save(db, shop.id, put, changed_at=seconds_after_noon(seconds))


async def save_item(db, shop, item, seconds):
    moment = seconds_after_noon(seconds)
    return await stock.save_item(db, shop.id, item, triggered_at=moment, now=moment)


@pytest.mark.usefixtures("known")
async def test_a_change_tells_what_was_and_what_is(database, shop):
    assert await record(database, shop, level(0)) == [StockChanged(VARIANT, PRODUCT, None, 0)]
    changes = await record(database, shop, level(3, told_at=5), seconds=5)
    assert changes == [StockChanged(VARIANT, PRODUCT, 0, 3)]
    assert await record(database, shop, level(3, told_at=9), seconds=9) == []


@pytest.mark.usefixtures("known")
async def test_older_news_never_wins(database, shop):
    await record(database, shop, level(3, told_at=10), seconds=10)
    assert await record(database, shop, level(9, told_at=5), seconds=20) == []
    assert await available(database, shop) == 3


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("order", [(0.2, 0.7), (0.7, 0.2)])
async def test_within_a_second_the_trigger_decides(database, shop, order):
    for seconds in order:
        await record(database, shop, level(int(seconds * 10)), seconds=seconds)
    assert await available(database, shop) == 7


@pytest.mark.usefixtures("known")
async def test_a_repeated_delivery_changes_nothing(database, shop):
    await record(database, shop, level(4), seconds=0.5)
    assert await record(database, shop, level(4), seconds=0.5) == []


@pytest.mark.usefixtures("known")
async def test_locations_add_up(database, shop):
    await record(database, shop, level(2), level(3, location=OTHER))
    assert await available(database, shop) == 5
    (change,) = await record(database, shop, level(-4, told_at=1), seconds=1)
    assert (change.before, change.after) == (5, -1)


@pytest.mark.usefixtures("known")
async def test_more_than_an_integer_holds_is_capped(database, shop):
    await record(database, shop, *[level(10**9, location=LOCATION + n) for n in range(3)])
    assert await available(database, shop) == 2**31 - 1


@pytest.mark.usefixtures("known")
async def test_an_inactive_location_does_not_count(database, shop):
    await put_locations(database, shop, Location(LOCATION, "Main", active=True))
    await record(database, shop, level(2), level(3, location=OTHER))
    (change,) = await put_locations(
        database, shop, Location(LOCATION, "Main", active=False), seconds=1
    )
    assert (change.before, change.after) == (5, 3)
    (change,) = await put_locations(
        database, shop, Location(LOCATION, "Main", active=True), seconds=2
    )
    assert (change.before, change.after) == (3, 5)


@pytest.mark.usefixtures("known")
async def test_the_only_location_switched_off_leaves_none(database, shop):
    await record(database, shop, level(2))
    (change,) = await put_locations(
        database, shop, Location(LOCATION, "Main", active=False), seconds=1
    )
    assert (change.before, change.after) == (2, 0)
    assert (await variant_row(database, shop))["sold_out_at"] == seconds_after_noon(1)


@pytest.mark.usefixtures("known")
async def test_older_news_of_a_location_does_not_win(database, shop):
    await record(database, shop, level(2))
    await put_locations(database, shop, Location(LOCATION, "Main", active=True), seconds=5)
    assert await put_locations(database, shop, Location(LOCATION, "M", active=False)) == []
    assert await available(database, shop) == 2


async def test_a_location_told_twice_is_as_it_was_told_last(database, shop):
    await put_locations(
        database,
        shop,
        Location(LOCATION, "Old", active=True, updated_at=seconds_after_noon(1)),
        Location(LOCATION, "New", active=False, updated_at=seconds_after_noon(5)),
        Location(LOCATION, "Older", active=True, updated_at=seconds_after_noon(0)),
    )
    async with database.transaction(shop.id) as db:
        rows = await db.fetch("SELECT name, active FROM locations WHERE id = $1", LOCATION)
    assert [tuple(row) for row in rows] == [("New", False)]


@pytest.mark.usefixtures("known")
async def test_a_deleted_location_takes_its_stock_along(database, shop):
    await record(database, shop, level(2), level(3, location=OTHER))
    async with database.transaction(shop.id) as db:
        (change,) = await locations.delete(db, shop.id, OTHER, seconds_after_noon(9))
    assert (change.before, change.after) == (5, 2)


@pytest.mark.usefixtures("known")
async def test_disconnecting_and_connecting_within_a_second(database, shop):
    await record(database, shop, level(2), level(3, location=OTHER))
    # A disconnect does not say when it happened, only when it set out.
    (change,) = await record(database, shop, level(0, told_at=None, active=False), seconds=5.3)
    assert (change.before, change.after) == (5, 3)
    (change,) = await record(database, shop, level(4, told_at=5), seconds=5.6)
    assert (change.before, change.after) == (3, 7)


@pytest.mark.usefixtures("known")
async def test_a_complete_read_drops_what_it_does_not_name(database, shop):
    await record(database, shop, level(2), level(3, location=OTHER))
    (change,) = await record(database, shop, level(2, told_at=1), seconds=10, complete_items=[ITEM])
    assert (change.before, change.after) == (5, 2)
    # What was on its way when the read was made does not bring the level back.
    assert await record(database, shop, level(3, location=OTHER, told_at=6), seconds=6) == []
    (change,) = await record(database, shop, level(1, location=OTHER, told_at=10), seconds=10.4)
    assert change.after == 3


@pytest.mark.usefixtures("known")
async def test_a_complete_read_keeps_what_was_told_after_it_began(database, shop):
    await record(database, shop, level(3, location=OTHER, told_at=12), seconds=12)
    await record(database, shop, seconds=10, complete_items=[ITEM])
    assert await available(database, shop) == 3


@pytest.mark.usefixtures("known")
async def test_an_item_stocked_nowhere_is_sold_out(database, shop):
    (change,) = await record(database, shop, seconds=3, complete_items=[ITEM])
    assert (change.before, change.after) == (None, 0)
    assert (await variant_row(database, shop))["sold_out_at"] == seconds_after_noon(3)


@pytest.mark.usefixtures("known")
async def test_an_item_of_which_nothing_was_told_stays_unknown(database, shop):
    async with database.transaction(shop.id) as db:
        assert await stock.total(db, shop.id, [ITEM], seconds_after_noon(0)) == []
    assert await available(database, shop) is None


@pytest.mark.usefixtures("known")
async def test_a_deleted_item_is_in_stock_nowhere(database, shop):
    await record(database, shop, level(2), level(3, location=OTHER))
    async with database.transaction(shop.id) as db:
        (change,) = await stock.forget_item(db, shop.id, ITEM, seconds_after_noon(9))
    assert (change.before, change.after) == (5, 0)
    assert await record(database, shop, level(2, told_at=8), seconds=20) == []


async def test_levels_of_a_variant_not_known_yet_are_kept(database, shop):
    assert await record(database, shop, level(2), level(3, location=OTHER)) == []
    await save(database, shop)
    async with database.transaction(shop.id) as db:
        changes = await stock.total(db, shop.id, [ITEM], seconds_after_noon(1))
    assert changes == [StockChanged(VARIANT, PRODUCT, None, 5)]


async def test_two_variants_may_share_an_item(database, shop):
    await save(database, shop, product(variant(), variant(VARIANT + 1, inventory_item_id=ITEM)))
    changes = await record(database, shop, level(2))
    assert [change.variant_id for change in changes] == [VARIANT, VARIANT + 1]


@pytest.mark.usefixtures("known")
async def test_sold_out_at_is_when_it_last_became_none(database, shop):
    async def sold_out_at(available, seconds):
        await record(database, shop, level(available, told_at=seconds), seconds=seconds)
        return (await variant_row(database, shop))["sold_out_at"]

    assert await sold_out_at(2, 0) is None
    assert await sold_out_at(0, 1) == seconds_after_noon(1)
    assert await sold_out_at(-2, 2) == seconds_after_noon(1)
    assert await sold_out_at(5, 3) == seconds_after_noon(1)
    assert await sold_out_at(0, 4) == seconds_after_noon(4)


@pytest.mark.usefixtures("known")
async def test_a_variant_first_seen_sold_out_is_sold_out_since_then(database, shop):
    await record(database, shop, level(0), seconds=7)
    assert (await variant_row(database, shop))["sold_out_at"] == seconds_after_noon(7)


@pytest.mark.usefixtures("known")
async def test_racing_news_of_two_locations_is_added_up(database, shop):
    for round_ in range(1, 11):
        await asyncio.gather(
            *(
                record(
                    database,
                    shop,
                    level(round_ * (n + 1), location=LOCATION + n, told_at=round_),
                    seconds=round_,
                )
                for n in range(4)
            )
        )
        assert await available(database, shop) == 10 * round_


@pytest.mark.usefixtures("known")
async def test_a_total_waits_for_stock_that_is_being_written(database, shop):
    await record(database, shop, level(2))
    await put_locations(database, shop, Location(OTHER, "Other", active=True))
    await record(database, shop, level(1, location=OTHER))
    async with database.transaction(shop.id) as db:
        await stock.record(
            db,
            shop.id,
            [level(7, told_at=1)],
            triggered_at=seconds_after_noon(1),
            now=seconds_after_noon(1),
        )
        switching = asyncio.create_task(
            put_locations(database, shop, Location(OTHER, "Other", active=False), seconds=2)
        )
        await until(lambda: somebody_waits(database))
    (change,) = await switching
    assert (change.before, change.after) == (8, 7)


@pytest.mark.usefixtures("known")
async def test_an_item_says_whether_it_is_counted(database, shop):
    async with database.transaction(shop.id) as db:
        item = InventoryItem(ITEM, None, tracked=False, updated_at=None)
        await save_item(db, shop, item, 0)
    row = await variant_row(database, shop)
    assert (row["tracked"], row["sku"]) == (False, "SNOW-154")


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("order", list(permutations([1.2, 1.7, 3.1])))
@pytest.mark.parametrize("says_when", [True, False])
async def test_items_told_in_disorder_end_at_the_newest(database, shop, order, says_when):
    for seconds in order:
        async with database.transaction(shop.id) as db:
            item = InventoryItem(
                ITEM,
                f"told at {seconds}",
                tracked=seconds > 3,
                updated_at=seconds_after_noon(int(seconds)) if says_when else None,
            )
            await save_item(db, shop, item, seconds)
    row = await variant_row(database, shop)
    assert (row["sku"], row["tracked"]) == ("told at 3.1", True)


async def test_another_shops_stock_is_its_own(database, shop):
    other = await make_shop(database, "other.myshopify.com")
    await save(database, shop)
    await save(database, other)
    await record(database, other, level(4))
    assert await available(database, shop) is None


@pytest.mark.usefixtures("known")
async def test_what_is_not_tracked_can_always_be_sold(database, shop):
    await record(database, shop, level(0))
    async with database.transaction(shop.id) as db:
        item = InventoryItem(ITEM, None, tracked=False, updated_at=None)
        (change,) = await save_item(db, shop, item, 1)
    assert (change.before, change.after) == (0, UNLIMITED)
    assert await record(database, shop, level(0, told_at=2), seconds=2) == []
    read = product(variant(tracked=True, updated_at=seconds_after_noon(3)))
    await save(database, shop, read, read_at=seconds_after_noon(3))
    (change,) = await record(database, shop, level(0, told_at=4), seconds=4, complete_items=[ITEM])
    assert (change.before, change.after) == (UNLIMITED, 0)


@pytest.mark.usefixtures("known")
async def test_what_is_tracked_again_is_unknown_until_its_stock_is_read(database, shop):
    async with database.transaction(shop.id) as db:
        untracked = InventoryItem(ITEM, None, tracked=False, updated_at=None)
        await save_item(db, shop, untracked, 1)
        tracked = InventoryItem(ITEM, None, tracked=True, updated_at=None)
        assert await save_item(db, shop, tracked, 2) == []
    row = await variant_row(database, shop)
    assert (row["available"], row["sold_out_at"]) == (None, None)
    (change,) = await record(database, shop, level(4, told_at=3), seconds=3)
    assert (change.before, change.after) == (None, 4)


@pytest.mark.usefixtures("known")
async def test_a_read_that_began_before_an_item_changed_does_not_undo_it(database, shop):
    async with database.transaction(shop.id) as db:
        item = InventoryItem(ITEM, None, tracked=False, updated_at=None)
        await save_item(db, shop, item, 2)
    await save(database, shop, read_at=seconds_after_noon(1))
    assert (await variant_row(database, shop))["tracked"] is False


@pytest.mark.usefixtures("known")
async def test_a_webhook_that_says_nothing_of_an_item_waits_for_news_of_it(database, shop):
    silent = product(variant(tracked=None, updated_at=None), updated_at=seconds_after_noon(5))
    async with database.transaction(shop.id) as db:
        item = InventoryItem(ITEM, None, tracked=False, updated_at=None)
        await save_item(db, shop, item, 2)
        saving = asyncio.create_task(save(database, shop, silent, read_at=seconds_after_noon(1)))
        await until(lambda: somebody_waits(database))
    await saving
    assert (await variant_row(database, shop))["tracked"] is False


@pytest.mark.usefixtures("known")
async def test_stock_counts_where_it_is_sold_online(database, shop):
    counter = Location(OTHER, "Counter", active=True, sells_online=False)
    await put_locations(database, shop, counter)
    await record(database, shop, level(2), level(3, location=OTHER))
    assert await available(database, shop) == 2
    # A webhook does not say it, so what was read stays.
    unsaid = Location(OTHER, "Desk", active=True, sells_online=None)
    assert await put_locations(database, shop, unsaid, seconds=1) == []
    online = Location(OTHER, "Desk", active=True, sells_online=True)
    (change,) = await put_locations(database, shop, online, seconds=2)
    assert (change.before, change.after) == (2, 5)


@pytest.mark.usefixtures("known")
async def test_a_new_location_counts_once_it_was_read(database, shop):
    await record(database, shop, level(0))
    unread = Location(OTHER, "New", active=True, sells_online=None)
    await put_locations(database, shop, unread)
    assert await record(database, shop, level(3, location=OTHER, told_at=1), seconds=1) == []
    read = Location(OTHER, "New", active=True)
    (change,) = await put_locations(database, shop, read, seconds=2)
    assert (change.before, change.after) == (0, 3)


@pytest.mark.usefixtures("known")
async def test_stock_that_arrives_before_its_location_waits_for_it(database, runtime, shop):
    async def hear(change):
        async with runtime.work(shop.id, request_id="test") as work:
            await on_news(work, News(change, seconds_after_noon(1)))
            return [effect.job for effect in work.effects]

    # Before any location was read, none is new.
    assert await hear(LevelChanged(level(0, told_at=1))) == []
    await put_locations(database, shop, Location(LOCATION, "Main", active=True))
    assert await hear(LevelChanged(level(3, location=OTHER, told_at=1))) == [read_locations.name]
    assert await hear(LevelChanged(level(4, location=OTHER, told_at=2))) == []
    assert await available(database, shop) == 0
    await put_locations(database, shop, Location(OTHER, "New", active=True), seconds=2)
    assert await available(database, shop) == 4
