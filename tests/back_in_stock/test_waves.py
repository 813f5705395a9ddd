"""A restock starts one wave, whoever tells of it and however often."""

import asyncio

import pytest

from openstoq.back_in_stock.notifications import waves
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.restock.jobs import find_stragglers
from openstoq.catalog import stock
from openstoq.jobs.queue import waiting_arguments
from tests.factories.catalogs import (
    ITEM,
    VARIANT,
    level,
    product,
    save,
    seconds_after_noon,
    somebody_waits,
    variant,
)
from tests.factories.patience import until
from tests.factories.waitlists import (
    claim_new,
    load_wave,
    make_signup,
    rows,
    run_of,
    set_settings,
    stock_becomes,
)


async def started(runtime, shop, available, seconds, watch):
    watch.show(seconds)
    return await stock_becomes(runtime, shop, available, seconds)


async def end(database, shop, wave_id, ended_by="all_told", seconds=30.0):
    async with database.transaction(shop.id) as db:
        await waves.finish(db, shop.id, wave_id, ended_by=ended_by, now=seconds_after_noon(seconds))


@pytest.mark.usefixtures("sold_out")
async def test_a_restock_starts_a_wave_and_its_job(database, runtime, shop, watch):
    (wave_id,) = await started(runtime, shop, 4, 1, watch)
    wave = await load_wave(database, shop, wave_id)
    assert (wave.kind, wave.variant_id, wave.started_at) == (
        "restock",
        VARIANT,
        seconds_after_noon(1),
    )
    async with database.transaction(shop.id) as db:
        waiting = await waiting_arguments(db, shop.id, send_wave.name)
    assert waiting == [{"wave_id": str(wave_id)}]


@pytest.mark.usefixtures("sold_out")
async def test_more_stock_of_the_same_restock_starts_nothing(database, runtime, shop, watch):
    (wave_id,) = await started(runtime, shop, 4, 1, watch)
    assert await started(runtime, shop, 9, 2, watch) == []
    await end(database, shop, wave_id)
    assert await started(runtime, shop, 3, 40, watch) == []
    assert await started(runtime, shop, 8, 41, watch) == []


@pytest.mark.usefixtures("sold_out")
async def test_each_time_it_was_sold_out_starts_another(database, runtime, shop, watch):
    (first,) = await started(runtime, shop, 4, 1, watch)
    await end(database, shop, first)
    assert await started(runtime, shop, 0, 40, watch) == []
    (second,) = await started(runtime, shop, 1, 41, watch)
    assert second != first


@pytest.mark.usefixtures("sold_out")
async def test_a_clock_that_is_behind_hides_no_restock(database, runtime, shop, watch):
    (first,) = await started(runtime, shop, 4, 100, watch)
    await end(database, shop, first)
    # Another host, whose clock is a minute behind, takes in that the variant sells out.
    async with database.transaction(shop.id) as db:
        sold_out = level(0, told_at=101)
        await stock.record(
            db,
            shop.id,
            [sold_out],
            triggered_at=seconds_after_noon(101),
            now=seconds_after_noon(40),
        )
    (second,) = await started(runtime, shop, 4, 102, watch)
    assert second != first
    await end(database, shop, second)
    assert await stock_becomes(runtime, shop, 5, 103) == []


@pytest.mark.usefixtures("sold_out")
async def test_below_the_threshold_it_is_not_back(database, runtime, shop, watch):
    await set_settings(database, shop, {"delivery": {"stock_threshold": 5}})
    assert await started(runtime, shop, 1, 1, watch) == []
    assert await started(runtime, shop, 4, 2, watch) == []
    assert len(await started(runtime, shop, 5, 3, watch)) == 1
    assert await started(runtime, shop, 4, 4, watch) == []
    assert await started(runtime, shop, 6, 5, watch) == []


@pytest.mark.usefixtures("sold_out")
async def test_nothing_starts_while_mail_is_off(database, runtime, shop, watch):
    await set_settings(database, shop, {"channels": {"email": {"enabled": False}}})
    assert await started(runtime, shop, 5, 1, watch) == []
    assert await rows(database, shop, "waves") == []


async def test_a_variant_first_seen_in_stock_starts_nothing(database, runtime, shop, watch):
    await save(database, shop)
    assert await started(runtime, shop, 5, 1, watch) == []
    assert await started(runtime, shop, 7, 2, watch) == []


@pytest.mark.usefixtures("sold_out")
async def test_an_unfinished_wave_is_stretched(database, runtime, shop, watch):
    (first,) = await started(runtime, shop, 4, 1, watch)
    await started(runtime, shop, 0, 2, watch)
    late = await make_signup(database, shop, seconds=3)
    assert await started(runtime, shop, 6, 4, watch) == [first]
    wave = await load_wave(database, shop, first)
    assert wave.started_at == seconds_after_noon(4)
    claimed, _ = await claim_new(database, shop, wave)
    assert [one.signup_id for one in claimed] == [late]


@pytest.mark.usefixtures("sold_out")
async def test_racing_transactions_start_one(database, runtime, shop):
    async def start(n):
        async with database.transaction(shop.id) as db:
            return await waves.start_restock(
                db, shop.id, VARIANT, quantity=n, now=seconds_after_noon(1)
            )

    await stock_becomes(runtime, shop, 0, 0)
    ids = await asyncio.gather(*(start(n) for n in range(1, 21)))
    (wave,) = await rows(database, shop, "waves")
    assert {one for one in ids if one is not None} == {wave["id"]}


@pytest.mark.usefixtures("sold_out")
async def test_each_variant_has_its_own_wave(database, runtime, shop, watch):
    await save(
        database, shop, product(variant(), variant(VARIANT + 1), updated_at=seconds_after_noon(1))
    )
    await stock_becomes(runtime, shop, 0, 0, item=ITEM + 1)
    (mine,) = await started(runtime, shop, 2, 1, watch)
    (other,) = await stock_becomes(runtime, shop, 2, 1, item=ITEM + 1)
    assert (await load_wave(database, shop, mine)).variant_id == VARIANT
    assert (await load_wave(database, shop, other)).variant_id == VARIANT + 1


@pytest.mark.usefixtures("sold_out")
async def test_a_wave_is_not_held_once_it_was_stretched(database, runtime, shop, watch):
    (wave_id,) = await started(runtime, shop, 4, 1, watch)
    loaded = await load_wave(database, shop, wave_id)
    await started(runtime, shop, 0, 2, watch)
    await started(runtime, shop, 4, 3, watch)
    async with database.transaction(shop.id) as db:
        assert await waves.hold(db, shop.id, loaded) is False
        assert await waves.hold(db, shop.id, await load_wave(database, shop, wave_id)) is True
    await end(database, shop, wave_id)
    async with database.transaction(shop.id) as db:
        assert await waves.hold(db, shop.id, loaded) is False


@pytest.mark.usefixtures("sold_out")
async def test_a_restock_while_a_wave_ends_starts_one_of_its_own(database, runtime, shop, watch):
    (first,) = await started(runtime, shop, 4, 1, watch)
    await started(runtime, shop, 0, 2, watch)
    wave = await load_wave(database, shop, first)
    async with database.transaction(shop.id) as db:
        assert await waves.hold(db, shop.id, wave)
        restocking = asyncio.create_task(started(runtime, shop, 5, 3, watch))
        await until(lambda: somebody_waits(database))
        await waves.finish(db, shop.id, first, ended_by="sold_out", now=seconds_after_noon(3))
    (second,) = await restocking
    assert second != first
    assert (await load_wave(database, shop, second)).started_at == seconds_after_noon(3)


@pytest.mark.usefixtures("sold_out")
async def test_stragglers_get_one_job_each(database, runtime, shop, watch):
    (wave_id,) = await started(runtime, shop, 4, 1, watch)

    async def jobs():
        async with database.transaction(shop.id) as db:
            return await waiting_arguments(db, shop.id, send_wave.name)

    await find_stragglers.handler(run_of(runtime, shop))
    assert len(await jobs()) == 1
    async with database.transaction(shop.id) as db:
        await db.execute("DELETE FROM queue.pgqueuer")
    for _ in range(3):
        await find_stragglers.handler(run_of(runtime, shop))
    assert await jobs() == [{"wave_id": str(wave_id)}]


@pytest.mark.usefixtures("sold_out")
async def test_stock_is_asked_for_where_somebody_waits(database, runtime, shop, watch):
    async def waited_for():
        async with database.transaction(shop.id) as db:
            return await waves.waited_for_items(db, shop.id)

    assert await waited_for() == []
    signup = await make_signup(database, shop)
    await make_signup(database, shop, variant_id=VARIANT + 5)
    assert await waited_for() == [ITEM]
    await started(runtime, shop, 4, 1, watch)
    assert await waited_for() == []
    await started(runtime, shop, 0, 2, watch)
    async with database.transaction(shop.id) as db:
        await db.execute(
            "UPDATE signups SET notified_at = now() WHERE shop_id = $1 AND id = $2", shop.id, signup
        )
    assert await waited_for() == []
