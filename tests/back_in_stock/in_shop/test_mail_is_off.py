"""While the e-mail channel is off nothing is mailed to shoppers, and nothing is lost."""

import asyncio

from openstoq.back_in_stock.notifications.single_mails import ask_returned
from openstoq.back_in_stock.restock.jobs import find_stragglers
from tests.factories.patience import PATIENCE
from tests.factories.relays import DEFERRED, accept
from tests.factories.sandboxed import all_jobs_done, run
from tests.factories.waitlists import rows

CHANNELS = "/back_in_stock/settings/channels"


async def turn(tote, *, on):
    answer = await tote.client.patch(CHANNELS, json={"email": {"enabled": on}})
    assert answer.status_code == 202


async def sweep(tote, runtime, shop):
    for job in (find_stragglers, ask_returned):
        await run(runtime, shop, job)
    await all_jobs_done(tote.database)


async def test_nobody_is_told_by_hand_while_it_is_off(tote):
    signup = await tote.waits("ada@example.com")
    await turn(tote, on=False)
    at = f"/back_in_stock/signups/{signup}/notify"
    answer = await tote.client.post(at, json={})
    assert answer.status_code == 409
    assert "The channel email is off" in answer.json()["errors"][0]
    body = {"signup_ids": [signup]}
    answer = await tote.client.post("/back_in_stock/signups/bulk_notify", json=body)
    assert answer.status_code == 207
    await tote.done()
    assert tote.told == []
    await turn(tote, on=True)
    assert (await tote.client.post(at, json={})).status_code == 202
    await tote.done()
    assert tote.told == ["ada@example.com"]


async def test_a_restock_while_it_is_off_is_announced_when_it_is_on(tote, runtime, shop):
    await tote.waits("ada@example.com")
    await turn(tote, on=False)
    await tote.stock(5)
    await sweep(tote, runtime, shop)
    assert tote.told == []
    await turn(tote, on=True)
    await sweep(tote, runtime, shop)
    assert tote.told == ["ada@example.com"]


async def test_what_was_under_way_stops_and_goes_on(tote, runtime, database, shop):
    everybody = ["ada@example.com", "bob@example.com"]
    for email in everybody:
        await tote.waits(email)
    asked, is_off = asyncio.Event(), asyncio.Event()

    async def say_later(_):
        asked.set()
        await is_off.wait()
        return DEFERRED

    tote.relay.answer = say_later
    await tote.site.control("POST", "stock", {"variant_id": tote.variant, "available": 1})
    await asyncio.wait_for(asked.wait(), PATIENCE)
    await turn(tote, on=False)
    is_off.set()
    await tote.done()
    await sweep(tote, runtime, shop)
    (wave,) = await rows(database, shop, "waves")
    assert (wave["ended_by"], sorted(tote.told)) == ("switched_off", everybody)
    signups = await rows(database, shop, "signups")
    assert {(row["wave_id"], row["notified_at"]) for row in signups} == {(None, None)}
    tote.relay.taken.clear()
    tote.relay.answer = accept
    await turn(tote, on=True)
    await sweep(tote, runtime, shop)
    assert sorted(tote.told) == everybody
    assert None not in {row["notified_at"] for row in await rows(database, shop, "signups")}


async def test_a_message_by_hand_stops_too(tote, worker, database, shop):
    signup = await tote.waits("ada@example.com")
    await worker.stop()
    answer = await tote.client.post(f"/back_in_stock/signups/{signup}/notify", json={})
    assert answer.status_code == 202
    await turn(tote, on=False)
    worker.start()
    await tote.done()
    assert tote.told == []
    (wave,) = await rows(database, shop, "waves")
    (row,) = await rows(database, shop, "signups")
    assert (wave["ended_by"], row["wave_id"], row["notified_at"]) == ("switched_off", None, None)


async def test_nobody_is_asked_to_confirm_while_it_is_off(tote, runtime, shop):
    settings = {"compliance": {"optin_required": True}, "channels": {"email": {"enabled": False}}}
    await tote.client.patch("/back_in_stock/settings", json=settings)
    await tote.waits("ada@example.com")
    await sweep(tote, runtime, shop)
    assert tote.told == []
    await turn(tote, on=True)
    await sweep(tote, runtime, shop)
    await sweep(tote, runtime, shop)
    assert tote.told == ["ada@example.com"]
