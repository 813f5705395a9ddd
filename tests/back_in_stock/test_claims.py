"""Each message has one run at a time, one outcome, and goes only to whom it may."""

import asyncio
from collections import Counter

from openstoq.catalog import products
from openstoq.kernel.ids import new_id
from tests.back_in_stock.claimed import deferred, one_claimed, only
from tests.factories.catalogs import VARIANT, seconds_after_noon
from tests.factories.waitlists import (
    LEASE,
    claim_due,
    claim_new,
    make_signup,
    make_waitlist,
    mark,
    outcome,
    rows,
    stock_becomes,
    time_passes,
)


async def test_the_oldest_come_first(database, shop, wave):
    ids = [
        await make_signup(database, shop, f"{n}@example.com", seconds=-n) for n in (20, 50, 30, 40)
    ]
    first, place = await claim_new(database, shop, wave, limit=3)
    then, _ = await claim_new(database, shop, wave, limit=3, after=place)
    assert [one.signup_id for one in first + then] == [ids[1], ids[3], ids[2], ids[0]]


async def test_a_claim_knows_what_a_letter_needs(database, shop, wave):
    signup_id, claimed, _ = await one_claimed(database, shop, wave, locale="da")
    assert (claimed.signup_id, claimed.variant_id) == (signup_id, VARIANT)
    assert (claimed.contact, claimed.name, claimed.locale) == ("ada@example.com", None, "da")
    assert claimed.attempts == 1
    row = await only(database, shop, "notifications")
    assert (row["id"], row["status"]) == (claimed.id, "sending")
    assert row["lease_until"] - row["next_attempt_at"] == LEASE
    assert (await only(database, shop, "signups"))["wave_id"] == wave.id


async def test_only_who_may_be_told_is_claimed(database, shop, wave):
    refused = {
        "gone": {"unsubscribed_at": seconds_after_noon(-1)},
        "blocked": {"blocked_at": seconds_after_noon(-1)},
        "told": {"notified_at": seconds_after_noon(-1)},
        "unsure": {"optin_required": True},
        "busy": {"wave_id": new_id()},
        "late": {"seconds": 1},
        "elsewhere": {"variant_id": VARIANT + 1},
    }
    for name, columns in refused.items():
        await make_signup(database, shop, f"{name}@example.com", **columns)
    await make_signup(database, shop, "14155552671", channel="sms")
    await make_signup(database, shop, "a-token", channel="push")
    sure = await make_signup(
        database,
        shop,
        "sure@example.com",
        optin_required=True,
        optin_confirmed_at=seconds_after_noon(-1),
    )
    claimed, _ = await claim_new(database, shop, wave)
    assert [one.signup_id for one in claimed] == [sure]


async def test_nothing_is_claimed_once_it_is_sold_out(database, runtime, shop, wave):
    await make_signup(database, shop)
    await stock_becomes(runtime, shop, 0, 5)
    assert await claim_new(database, shop, wave) == ([], None)


async def test_nothing_is_claimed_of_a_deleted_variant(database, shop, wave):
    await make_signup(database, shop)
    async with database.transaction(shop.id) as db:
        await products.delete(db, shop.id, 10, seconds_after_noon(5))
    assert await claim_new(database, shop, wave) == ([], None)


async def test_many_runs_claim_each_signup_once(database, shop, wave):
    ids = await make_waitlist(database, shop, 500)

    async def run():
        mine, place, run_id = [], None, new_id()
        while True:
            group, place = await claim_new(
                database, shop, wave, limit=7, after=place, run_id=run_id
            )
            if not group:
                return mine
            mine += [one.signup_id for one in group]

    claimed = Counter(
        one for mine in await asyncio.gather(*(run() for _ in range(8))) for one in mine
    )
    # Those that a run passed over while another held them are left to the next look.
    claimed.update(await run())
    assert claimed == Counter(ids)
    assert len(await rows(database, shop, "notifications")) == 500


async def test_sending_marks_signup_and_message_together(database, shop, wave):
    _, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, run_id, outcome(claimed, "sent"))
    message = await only(database, shop, "notifications")
    signup = await only(database, shop, "signups")
    assert (message["status"], message["sent_at"]) == ("sent", seconds_after_noon(20))
    assert (signup["notified_at"], signup["last_notified_at"]) == (
        seconds_after_noon(20),
        seconds_after_noon(20),
    )
    assert (signup["notifications_sent"], signup["wave_id"]) == (1, None)


async def test_a_refusal_blocks_the_signup(database, shop, wave):
    _, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(
        database, shop, wave, run_id, outcome(claimed, "failed", error="550 no such", blocks=True)
    )
    message = await only(database, shop, "notifications")
    signup = await only(database, shop, "signups")
    assert (message["status"], message["error"]) == ("failed", "550 no such")
    assert (signup["blocked_at"], signup["blocked_reason"]) == (
        seconds_after_noon(20),
        "550 no such",
    )
    assert (signup["notified_at"], signup["wave_id"]) == (None, None)


async def test_later_keeps_the_signup_in_its_wave(database, shop, wave):
    signup_id, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, run_id, deferred(claimed))
    assert (await only(database, shop, "signups"))["wave_id"] == wave.id
    await time_passes(database, shop, 10)
    assert await claim_due(database, shop, wave) == []
    await time_passes(database, shop, 50)
    (again,) = await claim_due(database, shop, wave)
    assert (again.id, again.signup_id, again.attempts) == (claimed.id, signup_id, 2)


async def test_an_unknown_outcome_that_is_held_counts_as_told(database, shop, wave):
    _, claimed, run_id = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, run_id, outcome(claimed, "unknown", error="?"))
    signup = await only(database, shop, "signups")
    assert (signup["wave_id"], signup["notified_at"]) == (None, seconds_after_noon(20))
    assert (signup["blocked_reason"], signup["notifications_sent"]) == ("?", 0)
    await time_passes(database, shop, 90)
    assert await claim_due(database, shop, wave) == []
    assert (await claim_new(database, shop, wave))[0] == []


async def test_a_run_marks_only_what_it_holds(database, shop, wave):
    _, claimed, _ = await one_claimed(database, shop, wave)
    await mark(database, shop, wave, new_id(), outcome(claimed, "sent"))
    assert (await only(database, shop, "notifications"))["status"] == "sending"
    assert (await only(database, shop, "signups"))["notified_at"] is None
