"""A contact gets one message of a restock, however often it signed up."""

import asyncio
from datetime import timedelta

import pytest

from openstoq.back_in_stock.notifications import due_waves, waves
from openstoq.back_in_stock.signups import store
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from tests.factories.catalogs import VARIANT, seconds_after_noon
from tests.factories.waitlists import (
    claim_due,
    claim_new,
    load_wave,
    make_signup,
    mark,
    outcome,
    rows,
    stock_becomes,
)


async def test_a_contact_is_told_once_whatever_it_signed_up_with(database, shop, wave):
    ids = [
        await make_signup(database, shop, market_id=n or None, seconds=n - 100) for n in range(60)
    ]
    other = await make_signup(database, shop, "bob@example.com", seconds=-50)
    run_id = new_id()
    new, place = await claim_new(database, shop, wave, run_id=run_id)
    assert [one.signup_id for one in new] == [ids[0], other]
    assert (await claim_new(database, shop, wave, after=place))[0] == []
    assert (await claim_new(database, shop, wave))[0] == []
    assert len(await rows(database, shop, "notifications")) == 2
    assert await untold(database, shop) == {*ids, other}
    await mark(database, shop, wave, run_id, outcome(new[0], "sent"))
    assert await untold(database, shop) == {other}
    assert (await claim_new(database, shop, wave))[0] == []
    signups = await rows(database, shop, "signups")
    assert sum(row["notifications_sent"] for row in signups) == 1


@pytest.mark.parametrize("status", ["failed", "queued"])
async def test_what_was_not_told_with_the_oldest_waits_with_it(
    database, runtime, shop, wave, watch, status
):
    """The variant sells out again before anything was sent, or the message fails."""
    ids = {await make_signup(database, shop, market_id=n, seconds=n - 100) for n in range(1, 4)}
    run_id = new_id()
    (claimed,), _ = await claim_new(database, shop, wave, run_id=run_id)
    error = outcome(claimed, status, error="452 full", is_attempt=False, pause=timedelta(0))
    await mark(database, shop, wave, run_id, error)
    assert await untold(database, shop) == ids
    assert (await claim_new(database, shop, wave))[0] == []
    async with database.transaction(shop.id) as db:
        await waves.finish(db, shop.id, wave.id, ended_by="sold_out", now=seconds_after_noon(25))
    await stock_becomes(runtime, shop, 0, 30)
    watch.show(40)
    (again,) = await stock_becomes(runtime, shop, 5, 40)
    (claimed,), _ = await claim_new(database, shop, await load_wave(database, shop, again))
    assert claimed.signup_id == min(ids)


async def test_a_wave_by_hand_tells_just_whom_it_is_for(database, runtime, shop, sold_out):
    first = await make_signup(database, shop, seconds=-90)
    other = await make_signup(database, shop, market_id=1, seconds=-80)
    async with database.transaction(shop.id) as db:
        signups = await store.load(db, shop.id, [first], lock=True)
        wave_id = await waves.start_manual(db, shop.id, signups, now=seconds_after_noon(0))
    by_hand, run_id = await load_wave(database, shop, wave_id), new_id()
    (claimed,) = await claim_due(database, shop, by_hand, run_id=run_id)
    await mark(database, shop, by_hand, run_id, outcome(claimed, "sent"))
    assert await untold(database, shop) == {other}


@pytest.mark.parametrize("status", ["sent", "failed"])
async def test_a_contact_is_not_told_again_when_it_confirms_another_signup_later(
    database, shop, wave, status
):
    await make_signup(database, shop, seconds=-90, market_id=1)
    later = await make_signup(database, shop, seconds=-80, market_id=2, optin_required=True)
    run_id = new_id()
    (claimed,), _ = await claim_new(database, shop, wave, run_id=run_id)
    error = None if status == "sent" else "452 full"
    await mark(database, shop, wave, run_id, outcome(claimed, status, error=error))
    async with database.transaction(shop.id) as db:
        await db.execute(
            "UPDATE signups SET optin_confirmed_at = $2 WHERE id = $1",
            later,
            seconds_after_noon(30),
        )
    assert (await claim_new(database, shop, wave))[0] == []
    async with database.transaction(shop.id) as db:
        await waves.finish(db, shop.id, wave.id, ended_by="all_told", now=utc_now())
        # Nobody was missed, so the wave is not begun again, every five minutes and for ever.
        assert await due_waves.start(db, shop.id, threshold=1, now=utc_now()) == []
    assert later in await untold(database, shop)


async def untold(database, shop):
    return {row["id"] for row in await rows(database, shop, "signups") if not row["notified_at"]}


async def test_workers_side_by_side_tell_a_contact_once(database, shop, wave):
    contacts = [f"{n}@example.com" for n in range(20)]
    for market in range(10):
        for contact in contacts:
            await make_signup(
                database, shop, contact, market_id=market or None, seconds=market - 100
            )
    claimed = []

    async def walk():
        place, run_id = None, new_id()
        while True:
            new, place = await claim_new(database, shop, wave, limit=3, after=place, run_id=run_id)
            if not new:
                return
            claimed.extend(new)
            await mark(database, shop, wave, run_id, *(outcome(one, "sent") for one in new))

    await asyncio.gather(*(walk() for _ in range(5)))
    await walk()
    assert sorted(one.contact for one in claimed) == sorted(contacts)
    assert len(await rows(database, shop, "notifications")) == len(contacts)
    assert await untold(database, shop) == set()


async def test_only_what_may_be_told_goes_with_the_oldest(database, shop, wave):
    oldest = await make_signup(database, shop, seconds=-90)
    kept = [
        await make_signup(database, shop, seconds=-80, market_id=1, optin_required=True),
        await make_signup(database, shop, seconds=5, market_id=2),
        await make_signup(database, shop, seconds=-80, variant_id=VARIANT + 1),
        await make_signup(database, shop, "14155552671", channel="sms", seconds=-80),
    ]
    gone = await make_signup(database, shop, seconds=-70, market_id=3)
    run_id = new_id()
    ((claimed,), _) = await claim_new(database, shop, wave, run_id=run_id)
    assert claimed.signup_id == oldest
    await mark(database, shop, wave, run_id, outcome(claimed, "sent"))
    told = {row["id"]: row["notified_at"] for row in await rows(database, shop, "signups")}
    assert {one for one in told if told[one]} == {oldest, gone}
    assert not any(told[one] for one in kept)


async def test_an_oldest_that_may_not_be_told_stands_in_nobodys_way(database, shop, wave):
    for n, columns in enumerate(
        (
            {"optin_required": True},
            {"blocked_at": seconds_after_noon(-1)},
            {"notified_at": seconds_after_noon(-1)},
        )
    ):
        contact = f"{n}@example.com"
        await make_signup(database, shop, contact, seconds=-90, **columns)
        later = await make_signup(database, shop, contact, seconds=-80, market_id=1)
        ((claimed,), _) = await claim_new(database, shop, wave)
        assert claimed.signup_id == later
        assert (await claim_new(database, shop, wave))[0] == []
