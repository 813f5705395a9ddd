"""Signups that a relay's fault blocked are made pending again, by an action and by a command."""

import asyncio

import pytest
from typer.testing import CliRunner

from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.restock.jobs import find_stragglers
from openstoq.back_in_stock.signups import blocks
from openstoq.commands import app as command
from openstoq.messaging.port import Delivery, Outcome
from tests.back_in_stock.asking import SIGNUPS, errors
from tests.factories.catalogs import VARIANT, save, seconds_after_noon
from tests.factories.runtimes import KEY
from tests.factories.shops import make_shop, set_zone
from tests.factories.waitlists import make_signup, make_waitlist, rows, run_of, stock_becomes

REFUSED = {"blocked_at": seconds_after_noon(0), "blocked_reason": "550 5.1.1 no such user"}
LOGIN = {
    "blocked_at": seconds_after_noon(-86_400),
    "blocked_reason": "530 5.7.0 Must issue STARTTLS",
}


@pytest.fixture
async def blocked(database, shop):
    """Two signups that were refused for themselves, and two for a login that was missing."""
    await save(database, shop)
    return [
        await make_signup(database, shop, f"{name}@example.com", **columns)
        for name, columns in (("a", REFUSED), ("b", REFUSED), ("c", LOGIN), ("d", LOGIN))
    ]


async def still_blocked(database, shop):
    signups = await rows(database, shop, "signups")
    return {row["contact"][0] for row in signups if row["blocked_at"] is not None}


async def unblock(client, body, **query):
    answer = await client.post(f"{SIGNUPS}/unblock", json=body, params=query)
    assert answer.status_code == 202, answer.text
    return answer.json()["unblocked_count"]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"all": True}, set()),
        ({"reason": "530"}, {"a", "b"}),
        ({"reason": "starttls"}, {"a", "b"}),
        ({"reason": "%"}, {"a", "b", "c", "d"}),
        ({"from": seconds_after_noon(0).date().isoformat()}, {"c", "d"}),
        ({"to": seconds_after_noon(-86_400).date().isoformat()}, {"a", "b"}),
        ({"reason": "530", "from": seconds_after_noon(0).date().isoformat()}, {"a", "b", "c", "d"}),
    ],
)
async def test_those_are_unblocked_that_were_asked_for(client, database, shop, blocked, body, left):
    before = await rows(database, shop, "signups")
    assert await unblock(client, body, dry_run="true") == 4 - len(left)
    assert await rows(database, shop, "signups") == before
    assert await unblock(client, body) == 4 - len(left)
    assert await still_blocked(database, shop) == left
    pending = (await client.get(SIGNUPS, params={"status": "pending"})).json()["signups"]
    assert {one["contact"][0] for one in pending} == {"a", "b", "c", "d"} - left
    assert {(one["sync"]["state"], one["sync"]["error"]) for one in pending} <= {("synced", None)}
    assert await unblock(client, body) == 0


async def test_those_of_some_ids_are_unblocked(client, database, shop, blocked):
    ids = [str(one) for one in blocked[:3]]
    assert await unblock(client, {"signup_ids": ids, "reason": "550"}) == 2
    assert await still_blocked(database, shop) == {"c", "d"}


@pytest.mark.parametrize("body", [{}, {"all": False}, {"all": True, "reason": "530"}])
async def test_it_has_to_be_said_which(client, database, shop, blocked, body):
    answer = await client.post(f"{SIGNUPS}/unblock", json=body)
    assert "say which signups" in errors(answer, 422)
    assert await still_blocked(database, shop) == {"a", "b", "c", "d"}


async def test_another_shops_stay_blocked(client, database, shop, blocked):
    other = await make_shop(database, "other.myshopify.com")
    await save(database, other)
    theirs = await make_signup(database, other, **REFUSED)
    assert await unblock(client, {"signup_ids": [str(theirs)]}) == 0
    assert await unblock(client, {"all": True}) == 4
    assert await still_blocked(database, other) == {"a"}


async def test_of_several_for_one_contact_the_newest_waits(client, database, shop):
    await save(database, shop)
    times = (-50, -40, -30)
    old, older, new = [
        await make_signup(database, shop, seconds=seconds, **LOGIN) for seconds in times
    ]
    gone = await make_signup(database, shop, unsubscribed_at=seconds_after_noon(0), **LOGIN)
    told = await make_signup(database, shop, notified_at=seconds_after_noon(0), **LOGIN)
    elsewhere = await make_signup(database, shop, variant_id=VARIANT + 1, **LOGIN)
    assert await unblock(client, {"all": True}) == 3
    signups = await rows(database, shop, "signups")
    assert {row["id"] for row in signups if row["blocked_at"] is None} == {new, told, elsewhere}
    # One that is pending wins, also over a newer one that is blocked.
    async with database.transaction(shop.id) as db:
        await db.execute("DELETE FROM signups WHERE id = $1", new)
        await db.execute("UPDATE signups SET blocked_at = NULL WHERE id = $1", old)
    assert await unblock(client, {"all": True}) == 0
    signups = await rows(database, shop, "signups")
    assert {row["id"] for row in signups if row["blocked_at"]} == {older, gone}


async def test_a_crowd_is_unblocked_in_several_goes(client, database, shop, monkeypatch):
    monkeypatch.setattr(blocks, "MOST_AT_ONCE", 20)
    await save(database, shop)
    await make_waitlist(database, shop, 50)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET blocked_at = now(), blocked_reason = '530'")
    assert [await unblock(client, {"all": True}) for _ in range(4)] == [20, 20, 10, 0]


@pytest.mark.usefixtures("sold_out")
async def test_who_is_unblocked_is_told_at_the_next_restock(
    client, database, runtime, shop, relay, watch
):
    await make_signup(database, shop)
    (wave_id,) = await stock_becomes(runtime, shop, 5, 0)

    async def refuse(_):
        return Delivery(Outcome.REFUSED, "550 5.1.1 no such user", "RCPT")

    relay.answer, accept = refuse, relay.answer
    await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
    assert await still_blocked(database, shop) == {"a"}
    assert await unblock(client, {"reason": "550"}) == 1
    relay.answer = accept
    # The same restock tells it no more, whether its wave is looked for or reopened.
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE waves SET finished_at = now()")
    await find_stragglers.handler(run_of(runtime, shop))
    (wave,) = await rows(database, shop, "waves")
    assert wave["ended_by"] == "all_told"
    await stock_becomes(runtime, shop, 0, 30)
    watch.show(40)
    (again,) = await stock_becomes(runtime, shop, 5, 40)
    await send_wave.handler(run_of(runtime, shop), wave_id=again)
    assert relay.recipients == ["ada@example.com"] * 2
    (signup,) = await rows(database, shop, "signups")
    assert (signup["notifications_sent"], signup["blocked_reason"]) == (1, None)


@pytest.fixture
def said(shop, database_url, monkeypatch):
    """Run the command with options; return its exit code and what it prints."""
    monkeypatch.setenv("OPENSTOQ_DATABASE_URL", database_url)
    monkeypatch.setenv("OPENSTOQ_SECURITY_KEY", KEY)

    async def said(*options):
        arguments = ["shop", "unblock", shop.domain, *options]
        answer = await asyncio.to_thread(CliRunner().invoke, command, arguments)
        return answer.exit_code, answer.output

    return said


@pytest.mark.usefixtures("blocked")
async def test_the_command_unblocks(database, shop, said):
    assert await said("--reason", "530") == (0, "2 sign-ups are pending again\n")
    assert await still_blocked(database, shop) == {"a", "b"}
    assert await said("--since", "2999-01-01") == (0, "0 sign-ups are pending again\n")
    for options in ((), ("--all", "--reason", "x")):
        assert (await said(*options))[0] == 2
    assert await still_blocked(database, shop) == {"a", "b"}
    assert await said("--all") == (0, "2 sign-ups are pending again\n")


@pytest.mark.usefixtures("blocked")
async def test_the_command_knows_the_days_of_the_shop(database, shop, said):
    await set_zone(database, shop, "Pacific/Kiritimati")
    # Noon of July 1 in UTC is July 2 there.
    assert await said("--since", "2026-07-02") == (0, "2 sign-ups are pending again\n")
    assert await still_blocked(database, shop) == {"c", "d"}
