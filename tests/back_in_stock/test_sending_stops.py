"""Sending that stops: marks are lost, the variant is sold out, the run ends."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from openstoq.back_in_stock.notifications import marker, outbox, supply, waves
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.notifications.mails import Letters
from openstoq.back_in_stock.notifications.outbox import WaveOutbox
from openstoq.back_in_stock.signups import store
from openstoq.db.pool import Database
from openstoq.db.transient import TRANSIENT
from openstoq.jobs.job import Retry
from openstoq.kernel.ids import new_id
from openstoq.messaging.port import Delivery, EmailTransport, Outcome
from openstoq.messaging.unmarked import LEAST as UNMARKED
from openstoq.shops import store as shops
from tests.back_in_stock.sendings import answering, send, statuses, wave_id, wave_row
from tests.factories.catalogs import seconds_after_noon
from tests.factories.passages import Passage
from tests.factories.patience import until
from tests.factories.relays import ACCEPTED, DEFERRED
from tests.factories.waitlists import (
    LEASE,
    claim_new,
    load_wave,
    make_signup,
    make_waitlist,
    rows,
    run_of,
    stock_becomes,
    time_passes,
)

__all__ = ["wave_id"]

pytestmark = pytest.mark.usefixtures("sold_out")


async def open_outbox(runtime, database, shop, wave_id):
    run = run_of(runtime, shop)
    async with run.work() as work:
        letters = await Letters.load(work)
    return WaveOutbox(run, await load_wave(database, shop, wave_id), letters)


@pytest.mark.usefixtures("claimed_at_once")
async def test_no_more_than_some_are_ever_unmarked(database_url, database, runtime, shop, wave_id):
    await make_waitlist(database, shop, 100)
    locker = await asyncpg.connect(database_url)
    async with await open_outbox(runtime, database, shop, wave_id) as outbox:
        held = [await outbox.next()]
        while (email := outbox.next_nowait()) is not None:
            held.append(email)
        assert len(held) == UNMARKED
        waiting = asyncio.create_task(outbox.next())
        # Settled is not marked: while the marks cannot be written, nothing more goes out.
        async with locker.transaction():
            await locker.execute("LOCK TABLE notifications IN SHARE MODE")
            for email in held:
                outbox.record(email, ACCEPTED)
            await until(lambda: marks_wait(database))
            assert outbox.next_nowait() is None
            assert not waiting.done()
        held = [await asyncio.wait_for(waiting, 10)]
        outbox.record(held[0], ACCEPTED)
    await locker.close()
    assert await statuses(database, shop) == {"sent": UNMARKED + 1, "queued": 35}


async def marks_wait(database):
    row = await database.call(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND query LIKE '%WITH marked AS%'"
    )
    return row[0]


@pytest.mark.usefixtures("claimed_at_once")
async def test_lost_connections_lose_no_marks(database, runtime, shop, relay, wave_id):
    await make_waitlist(database, shop, 150)

    async def cut(email):
        if len(relay.taken) in (20, 90):
            await database.call(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return ACCEPTED

    relay.answer = cut
    await send(runtime, shop, wave_id)
    assert len(relay.recipients) == len(set(relay.recipients)) == 150
    assert await statuses(database, shop) == {"sent": 150}


@pytest.mark.usefixtures("claimed_at_once")
async def test_a_run_whose_marks_are_lost_hands_over_no_more(
    database, database_url, runtime, shop, relay, wave_id, monkeypatch
):
    monkeypatch.setattr(marker, "GIVE_UP_MARKING_SECONDS", 0.5)
    await make_waitlist(database, shop, 150)
    async with Passage(database_url) as passage:
        through = await Database.connect(passage.url, size=3)

        async def cut(_):
            if len(relay.taken) == 10:
                passage.cut()
            return ACCEPTED

        relay.answer = cut
        with pytest.raises(TRANSIENT):
            await send(replace(runtime, database=through), shop, wave_id)
        await through.close()
    found = await statuses(database, shop)
    assert 0 < len(relay.taken) - found["sent"] <= UNMARKED
    assert found["sent"] + found["sending"] == 150


@pytest.mark.usefixtures("claimed_at_once")
async def test_stopping_gives_back_what_was_not_handed_over(
    database, runtime, shop, relay, wave_id
):
    await make_waitlist(database, shop, 150)

    async def stop(_):
        if len(relay.taken) == 10:
            runtime.stopping.set()
        return ACCEPTED

    relay.answer = stop
    with pytest.raises(Retry):
        await send(runtime, shop, wave_id)
    told = len(relay.taken)
    assert told < 20
    assert await statuses(database, shop) == {"sent": told, "queued": 150 - told}
    runtime.stopping.clear()
    await send(runtime, shop, wave_id)
    assert len(relay.recipients) == len(set(relay.recipients)) == 150


async def test_a_dead_runs_messages_go_out(database, runtime, shop, relay, wave_id):
    await make_waitlist(database, shop, 30)
    dead, _ = await claim_new(database, shop, await load_wave(database, shop, wave_id), limit=8)
    with pytest.raises(Retry) as retry:
        await send(runtime, shop, wave_id)
    assert len(relay.taken) == 22
    assert LEASE / 2 < retry.value.delay <= LEASE
    await time_passes(database, shop, 31)
    await send(runtime, shop, wave_id)
    assert {one.id for one in dead} == {email.id for email in relay.taken[22:]}
    assert await statuses(database, shop) == {"sent": 30}


async def test_a_clock_that_is_ahead_takes_nothing_over(
    database, runtime, shop, relay, wave_id, watch
):
    await make_waitlist(database, shop, 3)
    await claim_new(database, shop, await load_wave(database, shop, wave_id))
    watch.show(86_400)
    with pytest.raises(Retry) as retry:
        await send(runtime, shop, wave_id)
    assert relay.taken == []
    assert LEASE / 2 < retry.value.delay <= LEASE


async def test_once_sold_out_nobody_is_told_any_more(database, runtime, shop, wave_id, watch):
    relay = runtime.ports.get(EmailTransport)
    await make_waitlist(database, shop, 30)
    await stock_becomes(runtime, shop, 0, 1)
    await send(runtime, shop, wave_id)
    assert relay.taken == []
    assert (await wave_row(database, shop))["ended_by"] == "sold_out"
    watch.show(2)
    (again,) = await stock_becomes(runtime, shop, 3, 2)
    await send(runtime, shop, again)
    assert len(set(relay.recipients)) == 30


async def test_selling_out_ends_a_group_under_way(database, runtime, shop, relay, wave_id):
    await make_waitlist(database, shop, 200)

    sold_out = asyncio.Event()

    async def sell_out(email):
        if len(relay.taken) == 1:
            await stock_becomes(runtime, shop, 0, 1)
            sold_out.set()
        await sold_out.wait()
        return ACCEPTED

    relay.answer = sell_out
    await send(runtime, shop, wave_id)
    # What was handed over before the next mark could see it, and no more of the group of 200.
    assert len(relay.taken) <= UNMARKED
    assert (await wave_row(database, shop))["ended_by"] == "sold_out"
    assert await statuses(database, shop) == {"sent": len(relay.taken)}
    waiting = [row for row in await rows(database, shop, "signups") if row["notified_at"] is None]
    assert len(waiting) == 200 - len(relay.taken)
    assert {row["wave_id"] for row in waiting} == {None}


async def test_a_relay_that_is_not_there_is_no_attempt(database, runtime, shop, relay, wave_id):
    away = Delivery(Outcome.DEFERRED, "The relay cannot be reached.")
    relay.answer = answering(shopper1=away, shopper2=DEFERRED)
    await make_waitlist(database, shop, 2)
    with pytest.raises(Retry):
        await send(runtime, shop, wave_id)
    attempts = {
        row["error"]: row["attempts"] for row in await rows(database, shop, "notifications")
    }
    assert attempts == {away.reply: 0, DEFERRED.reply: 1}


async def test_selling_out_over_a_dead_run_leaves_nobody_behind(
    database, runtime, shop, wave_id, watch
):
    relay = runtime.ports.get(EmailTransport)
    await make_waitlist(database, shop, 3)
    await claim_new(database, shop, await load_wave(database, shop, wave_id))
    await stock_becomes(runtime, shop, 0, 1)
    with pytest.raises(Retry) as retry:
        await send(runtime, shop, wave_id)
    assert LEASE / 2 < retry.value.delay <= LEASE
    await time_passes(database, shop, 31)
    await send(runtime, shop, wave_id)
    assert (await wave_row(database, shop))["ended_by"] == "sold_out"
    watch.show(12)
    (again,) = await stock_becomes(runtime, shop, 3, 12)
    await send(runtime, shop, again)
    assert len(set(relay.recipients)) == 3


async def test_who_unsubscribes_on_the_way_is_not_told(database, runtime, shop, relay, wave_id):
    relay.answer = answering(ada=DEFERRED)
    signup_id = await make_signup(database, shop)
    with pytest.raises(Retry):
        await send(runtime, shop, wave_id)
    async with database.transaction(shop.id) as db:
        await store.unsubscribe(db, shop.id, signup_id, seconds_after_noon(5))
    await time_passes(database, shop, 1)
    await send(runtime, shop, wave_id)
    assert len(relay.taken) == 1
    assert await statuses(database, shop) == {"blocked": 1}


async def test_an_uninstalled_shop_sends_nothing(database, runtime, shop, relay, wave_id):
    await make_signup(database, shop)
    async with database.transaction(shop.id) as db:
        await shops.mark_uninstalled(db, shop.id, shop.installed_at)
    await send(runtime, shop, wave_id)
    assert relay.taken == []
    assert (await wave_row(database, shop))["ended_by"] == "uninstalled"


async def test_a_wave_told_by_hand_does_not_ask_for_stock(database, runtime, shop, relay):
    mine = await make_signup(database, shop)
    await make_signup(database, shop, "bob@example.com")
    async with database.transaction(shop.id) as db:
        chosen = await store.load(db, shop.id, [mine], lock=True)
        wave_id = await waves.start_manual(db, shop.id, chosen, now=seconds_after_noon(0))
    await send(runtime, shop, wave_id)
    assert relay.recipients == ["ada@example.com"]
    assert (await wave_row(database, shop))["ended_by"] == "all_told"


async def test_a_wave_that_is_not_there_is_left_alone(runtime, shop, relay):
    await send(runtime, shop, new_id())
    assert relay.taken == []


async def test_a_message_carries_what_its_shopper_needs(database, runtime, shop, relay, wave_id):
    signup_id = await make_signup(database, shop)
    await send(runtime, shop, wave_id)
    (email,) = relay.taken
    (row,) = await rows(database, shop, "notifications")
    assert (email.id, row["signup_id"]) == (row["id"], signup_id)
    content = email.content.decode()
    assert f"Message-ID: <{row['id']}" in content
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in content
    assert "Snowboard" in content


async def test_a_long_wave_pauses_for_another_shops_and_goes_on(
    database, shop, runtime, relay, wave_id, monkeypatch
):
    await make_waitlist(database, shop, 2 * supply.GROUP)
    monkeypatch.setattr(outbox, "SHORTEST_RUN_SECONDS", 0.0)
    waits = [True]
    run = replace(run_of(runtime, shop), is_crowded=lambda: bool(waits and relay.taken))
    with pytest.raises(Retry, match="paused"):
        await send_wave.handler(run, wave_id=wave_id)
    sent = len(relay.taken)
    assert 0 < sent < supply.GROUP
    # What was claimed and not handed over waits for the next run, which nobody else holds up.
    assert (await statuses(database, shop))["sending"] == 0
    waits.clear()
    await send_wave.handler(run, wave_id=wave_id)
    assert len(relay.taken) == len({email.id for email in relay.taken}) == 2 * supply.GROUP
    assert (await wave_row(database, shop))["ended_by"] == "all_told"
