"""Claims that end: taken over, given back, blocked, or left to the next restock."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from openstoq.back_in_stock.notifications import claims, waves
from openstoq.back_in_stock.signups import store
from openstoq.kernel.ids import new_id
from tests.back_in_stock.claimed import deferred, one_claimed, only
from tests.factories.catalogs import VARIANT, save, seconds_after_noon
from tests.factories.shops import make_shop
from tests.factories.waitlists import (
    LEASE,
    claim_due,
    claim_new,
    load_wave,
    make_signup,
    make_waitlist,
    mark,
    outcome,
    rows,
    set_settings,
    stock_becomes,
    time_passes,
)


async def test_a_living_runs_messages_are_its_own(database, shop, wave):
    _, _, run_id = await one_claimed(database, shop, wave)
    await time_passes(database, shop, 20)
    assert await claim_due(database, shop, wave) == []
    async with database.transaction(shop.id) as db:
        await claims.renew(db, shop.id, wave.id, run_id, LEASE)
    await time_passes(database, shop, 20)
    assert await claim_due(database, shop, wave) == []


async def test_a_dead_runs_messages_are_taken_over(database, shop, wave):
    _, claimed, dead = await one_claimed(database, shop, wave)
    await time_passes(database, shop, 31)
    (again,) = await claim_due(database, shop, wave)
    assert (again.id, again.attempts) == (claimed.id, 2)
    # Should it have been slow instead of dead, its word does not count any more.
    await mark(database, shop, wave, dead, outcome(claimed, "failed", error="late"))
    assert (await only(database, shop, "notifications"))["status"] == "sending"


async def test_taking_over_is_for_one_run(database, shop, wave):
    await make_waitlist(database, shop, 60)
    await claim_new(database, shop, wave)
    await time_passes(database, shop, 31)
    groups = await asyncio.gather(*(claim_due(database, shop, wave, limit=10) for _ in range(6)))
    taken = Counter(one.id for group in groups for one in group)
    assert taken
    assert set(taken.values()) == {1}


async def test_where_unknown_outcomes_are_held_a_dead_runs_messages_are(database, shop, wave):
    await set_settings(database, shop, {"delivery": {"unknown_outcome": "hold"}})
    await one_claimed(database, shop, wave)
    await time_passes(database, shop, 31)
    assert await claim_due(database, shop, wave, now=seconds_after_noon(41)) == []
    message = await only(database, shop, "notifications")
    assert (message["status"], message["error"]) == (
        "unknown",
        "its sender died; the relay may have taken it",
    )
    signup = await only(database, shop, "signups")
    assert (signup["wave_id"], signup["notified_at"]) == (None, seconds_after_noon(41))


async def test_what_was_not_handed_over_goes_back(database, shop, wave):
    _, claimed, run_id = await one_claimed(database, shop, wave)
    async with database.transaction(shop.id) as db:
        await claims.give_back(db, shop.id, run_id, [claimed.id])
    message = await only(database, shop, "notifications")
    assert (message["status"], message["attempts"], message["sender"]) == ("queued", 0, None)
    (again,) = await claim_due(database, shop, wave)
    assert (again.id, again.attempts) == (claimed.id, 1)


@pytest.mark.parametrize(
    ("column", "reason"),
    [("unsubscribed_at", "unsubscribed"), ("blocked_at", "contact blocked")],
)
async def test_who_may_not_be_told_any_more_is_blocked(database, shop, wave, column, reason):
    _, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, run_id, deferred(claimed))
    await time_passes(database, shop, 60)
    async with database.transaction(shop.id) as db:
        await db.execute(f"UPDATE signups SET {column} = $1", seconds_after_noon(25))  # noqa: S608 - a test's own names
    assert await claim_due(database, shop, wave) == []
    message = await only(database, shop, "notifications")
    assert (message["status"], message["blocked_reason"]) == ("blocked", reason)
    assert (await only(database, shop, "signups"))["wave_id"] is None


async def test_unsubscribing_reaches_every_signup_of_the_customer(database, shop, wave):
    mine = await make_signup(database, shop)
    await make_signup(database, shop, variant_id=VARIANT + 1)
    others = await make_signup(database, shop, "bob@example.com")
    async with database.transaction(shop.id) as db:
        assert await store.unsubscribe(db, shop.id, mine, seconds_after_noon(5)) is True
        assert await store.unsubscribe(db, shop.id, new_id(), seconds_after_noon(5)) is False
    claimed, _ = await claim_new(database, shop, wave)
    assert [one.signup_id for one in claimed] == [others]


async def test_there_is_one_message_per_signup_and_wave_ever(database, runtime, shop, wave):
    _, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, run_id, deferred(claimed))
    # Sold out and back while the wave is unfinished: the same message goes on.
    await stock_becomes(runtime, shop, 0, 31)
    async with database.transaction(shop.id) as db:
        await waves.finish(db, shop.id, wave.id, ended_by="sold_out", now=seconds_after_noon(32))
        await db.execute("UPDATE waves SET finished_at = NULL")
    await stock_becomes(runtime, shop, 5, 33)
    ((again,), _) = await claim_new(
        database, shop, await load_wave(database, shop, wave.id), run_id=run_id
    )
    assert (again.id, again.attempts) == (claimed.id, 2)
    assert len(await rows(database, shop, "notifications")) == 1


async def test_the_next_restock_writes_another_message(database, runtime, shop, watch, wave):
    _, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, run_id, deferred(claimed))
    await stock_becomes(runtime, shop, 0, 30)
    async with database.transaction(shop.id) as db:
        await waves.finish(db, shop.id, wave.id, ended_by="sold_out", now=seconds_after_noon(31))
    watch.show(41)
    (next_id,) = await stock_becomes(runtime, shop, 5, 41)
    ((again,), _) = await claim_new(database, shop, await load_wave(database, shop, next_id))
    assert again.id != claimed.id


@pytest.mark.parametrize(
    ("ended_by", "error"),
    [
        ("sold_out", "sold out again"),
        ("closed", "nobody can open the product"),
        ("uninstalled", "the app was removed"),
        ("switched_off", "the e-mail channel is off"),
    ],
)
async def test_a_message_that_is_given_up_says_why(database, shop, wave, ended_by, error):
    _, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, run_id, outcome(claimed, "queued"))
    async with database.transaction(shop.id) as db:
        await waves.finish(db, shop.id, wave.id, ended_by=ended_by, now=seconds_after_noon(31))
    (row,) = await rows(database, shop, "notifications")
    assert (row["status"], row["error"]) == ("failed", error)


async def test_a_wave_that_ends_leaves_nobody_behind(database, shop, wave):
    """Whatever a message's state, its signup waits for the next restock or was told."""
    ids = await make_waitlist(database, shop, 4)
    run_id = new_id()
    claimed, _ = await claim_new(database, shop, wave, run_id=run_id)
    sent, later, returned, _orphaned = claimed
    await mark(database, shop, wave, run_id, outcome(sent, "sent"), deferred(later))
    async with database.transaction(shop.id) as db:
        await claims.give_back(db, shop.id, run_id, [returned.id])
        assert timedelta(0) < await waves.in_flight_for(db, shop.id, wave.id) <= LEASE
    await time_passes(database, shop, 31)
    async with database.transaction(shop.id) as db:
        assert await waves.in_flight_for(db, shop.id, wave.id) is None
        await waves.finish(db, shop.id, wave.id, ended_by="sold_out", now=seconds_after_noon(41))
    messages = await rows(database, shop, "notifications", "signup_id")
    assert {row["signup_id"]: row["status"] for row in messages} == {
        ids[0]: "sent",
        ids[1]: "failed",
        ids[3]: "unknown",
    }
    waiting = await rows(database, shop, "signups")
    assert [row["wave_id"] for row in waiting] == [None] * 4
    assert [row["notified_at"] for row in waiting] == [seconds_after_noon(20), None, None, None]


async def test_the_next_due_is_the_soonest(database, shop, wave):
    async def next_due_in():
        async with database.transaction(shop.id) as db:
            return await waves.next_due_in(db, shop.id, wave.id)

    assert await next_due_in() is None
    await make_waitlist(database, shop, 2)
    run_id = new_id()
    (_, claimed), _ = await claim_new(database, shop, wave, run_id=run_id)
    assert LEASE / 2 < await next_due_in() <= LEASE
    later = outcome(claimed, "queued", error="451", pause=LEASE / 2)
    await mark(database, shop, wave, run_id, later)
    assert timedelta(0) < await next_due_in() <= LEASE / 2
    await time_passes(database, shop, 16)
    assert await next_due_in() < timedelta(0)


async def test_another_shops_waitlist_is_not_claimed(database, shop, wave):
    other = await make_shop(database, "other.myshopify.com")
    await save(database, other)
    await make_signup(database, other)
    assert await claim_new(database, shop, wave) == ([], None)


async def test_a_lot_is_drawn_among_who_may_be_told(database, shop, wave):
    ids = await make_waitlist(database, shop, 60)
    await make_signup(database, shop, "gone@example.com", unsubscribed_at=seconds_after_noon(-1))
    await make_signup(database, shop, "out@example.com", blocked_at=seconds_after_noon(-1))
    await make_signup(database, shop, "failed@example.com", failed_wave_at=wave.started_at)
    drawn = []
    for _ in range(7):
        async with database.transaction(shop.id) as db:
            drawn += await claims.claim_anywhere(
                db, shop.id, wave, run_id=new_id(), limit=10, now=seconds_after_noon(1), lease=LEASE
            )
    assert {one.signup_id for one in drawn} == set(ids)
    assert [one.signup_id for one in drawn] != ids


async def test_a_lot_is_drawn_of_those_who_may_be_told(database, shop, wave):
    """However many there are who may not be, and however old."""
    may_not = (
        {"optin_required": True},
        {"failed_wave_at": wave.started_at},
        {"unsubscribed_at": seconds_after_noon(-1)},
        {"blocked_at": seconds_after_noon(-1)},
    )
    for n in range(60):
        columns = may_not[n % len(may_not)]
        await make_signup(database, shop, f"{n}@example.com", seconds=-500, **columns)
        await make_signup(database, shop, market_id=n or None, seconds=n - 300)
    for n in range(20):
        await make_signup(database, shop, f"1415555{n:04}", channel="sms", seconds=-400)
    wanted = [await make_signup(database, shop, f"x{n}@example.com") for n in range(9)]
    async with database.transaction(shop.id) as db:
        drawn = await claims.claim_anywhere(
            db, shop.id, wave, run_id=new_id(), limit=10, now=seconds_after_noon(10), lease=LEASE
        )
    assert {one.signup_id for one in drawn} >= set(wanted)
    assert len(drawn) == 10


async def test_whose_message_failed_is_left_to_the_next_restock(
    database, shop, wave, watch, runtime
):
    signup_id, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, run_id, outcome(claimed, "failed", error="552 full"))
    signup = await only(database, shop, "signups")
    assert (signup["blocked_at"], signup["blocked_reason"]) == (None, "552 full")
    assert await claim_new(database, shop, wave) == ([], None)
    # A restock that stretches the same wave is another one.
    await stock_becomes(runtime, shop, 0, 30)
    watch.show(41)
    await stock_becomes(runtime, shop, 5, 41)
    ((again,), _) = await claim_new(database, shop, await load_wave(database, shop, wave.id))
    assert (again.signup_id, again.attempts) == (signup_id, 2)


async def test_a_mail_greets_by_what_was_sent_with_its_signup(database, shop, wave):
    await make_signup(database, shop, name="Ada")
    await make_signup(database, shop, "bob@example.com")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE customers SET name = 'Eve'")
    new, _ = await claim_new(database, shop, wave)
    assert {one.contact: one.name for one in new} == {
        "ada@example.com": "Ada",
        "bob@example.com": "Eve",
    }
