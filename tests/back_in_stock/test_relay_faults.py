"""A relay that refuses us for a while costs nobody an alert, and no odd recipient costs others."""

from contextlib import suppress
from datetime import timedelta

import pytest
import structlog

from openstoq.back_in_stock.restock.jobs import find_stragglers
from openstoq.jobs.job import Retry
from tests.back_in_stock.relay_stage import FAULTS, HIDING, LATER, make_late, stage
from tests.factories.waitlists import (
    rows,
    run_of,
    stock_becomes,
    time_passes,
)

__all__ = ["stage"]

pytestmark = pytest.mark.usefixtures("sold_out")


@pytest.mark.parametrize(
    ("step", "reply", "count"),
    [
        *(
            (step, reply.replace("550-", "550 "), count)
            for step, reply in FAULTS
            for count in (1, 3, 70)
        ),
        # Words for a recipient or a message are believed where they concern a few.
        *((step, reply, 70) for step, reply in HIDING + LATER),
    ],
)
async def test_a_relay_that_refuses_for_a_while_costs_nobody_an_alert(stage, step, reply, count):
    await stage.restock(count)
    stage.mood.stage, stage.mood.reply = step, reply
    delays = []
    with structlog.testing.capture_logs() as logged:
        for _ in range(5):
            reason, delay = await stage.stopped()
            delays.append(delay)
            # Days later, as far as PostgreSQL can tell.
            await time_passes(stage.database, stage.shop, 24 * 60)
    assert delays == sorted(set(delays))
    assert stage.told == []
    assert await stage.blocked() == set()
    messages = await rows(stage.database, stage.shop, "notifications")
    assert {(row["status"], row["attempts"]) for row in messages} == {("queued", 0)}
    assert reply in {row["error"] for row in messages}
    wave = await stage.wave()
    assert (wave["error"], wave["refusals"]) == (reason, 5)
    lines = [one for one in logged if one["event"] == "wave.relay_refuses"]
    assert [(one["stage"], reply[:3] in one["reason"]) for one in lines] == [(step, True)] * 5
    assert "@" not in str(lines)

    stage.mood.reply = ""
    await stage.send_until_over()
    assert len(stage.told) == len(set(stage.told)) == count
    assert await stage.statuses() == {"sent": count}
    wave = await stage.wave()
    assert (wave["ended_by"], wave["error"], wave["refusals"]) == ("all_told", None, 0)


@pytest.mark.parametrize(
    ("steps", "reply"),
    [
        (("greet",), "554 5.7.1 your address is blocked"),
        (("greet",), "421 too many connections"),
        (("EHLO", "HELO"), "550 5.7.1 bad name"),
    ],
)
@pytest.mark.parametrize("count", [1, 70])
async def test_a_relay_that_turns_us_away_at_the_door_costs_nobody_an_alert(
    stage, steps, reply, count
):
    await stage.restock(count)
    is_well = []
    stage.server.script = lambda step, _: reply if step in steps and not is_well else None
    for _ in range(5):
        reason, _ = await stage.stopped()
        assert reply[:3] in reason
        await time_passes(stage.database, stage.shop, 24 * 60)
    assert await stage.blocked() == set()
    messages = await rows(stage.database, stage.shop, "notifications")
    assert {(row["status"], row["attempts"]) for row in messages} == {("queued", 0)}
    is_well.append(True)
    await stage.send_until_over()
    assert len(stage.told) == len(set(stage.told)) == count
    assert await stage.statuses() == {"sent": count}


@pytest.mark.parametrize(("step", "reply"), [FAULTS[0], *FAULTS[7:11], *HIDING, *LATER])
async def test_a_relay_that_turns_bad_in_the_middle_costs_nobody_an_alert(stage, step, reply):
    await stage.restock(150)
    stage.mood.stage, stage.mood.reply = step, reply.replace("550-", "550 ")
    stage.mood.is_bad = lambda _: len(stage.server.accepted) >= 60
    await stage.stopped()
    assert 60 <= len(stage.told) < 80
    assert await stage.blocked() == set()
    stage.mood.reply = ""
    await time_passes(stage.database, stage.shop, 24 * 60)
    await stage.send_until_over()
    assert len(stage.told) == len(set(stage.told)) == 150
    assert await stage.statuses() == {"sent": 150}


@pytest.mark.parametrize(
    ("step", "reply"), [(s, r) for s, r in FAULTS + LATER if s not in ("MAIL", "DATA")]
)
@pytest.mark.parametrize("odd", [1, 4, 20, 40])
async def test_one_odd_recipient_stops_nobody_else_and_comes_to_an_end(stage, step, reply, odd):
    await stage.restock(40)
    address = f"shopper{odd}@example.com"
    stage.mood.stage, stage.mood.reply = step, reply.replace("550-", "550 ")
    stage.mood.is_bad = address.__eq__
    with pytest.raises(Retry):
        await stage.send()
    assert len(stage.told) == 39
    await time_passes(stage.database, stage.shop, 60)
    assert 10 <= await stage.send_until_over() <= 26
    assert await stage.statuses() == {"sent": 39, "failed": 1}
    assert await stage.blocked() == set()
    assert (await stage.wave())["ended_by"] == "all_told"
    assert len(stage.told) == len(set(stage.told)) == 39
    await find_stragglers.handler(run_of(stage.runtime, stage.shop))
    assert (await stage.wave())["ended_by"] == "all_told"


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "550 no such user", "553 bad mailbox"])
@pytest.mark.parametrize("count", [1, 3, 15])
async def test_a_small_list_of_dead_addresses_is_blocked_and_ends(stage, reply, count):
    await stage.restock(count)
    stage.mood.stage, stage.mood.reply = "RCPT", reply
    await stage.send()
    assert await stage.statuses() == {"failed": count}
    assert len(await stage.blocked()) == count
    assert (await stage.wave())["ended_by"] == "all_told"


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "550 5.7.1 policy"])
async def test_many_dead_addresses_in_a_row_do_not_stop_a_wave(stage, reply):
    """Somebody signed up a crowd of them, on the same day."""
    await stage.restock(400)
    dead = {f"shopper{n}@example.com" for n in range(1, 151)}
    stage.mood.stage, stage.mood.reply = "RCPT", reply
    stage.mood.is_bad = dead.__contains__
    for _ in range(5):
        with suppress(Retry):
            await stage.send()
        await time_passes(stage.database, stage.shop, 1)
    assert set(stage.told) == {f"shopper{n}@example.com" for n in range(151, 401)}
    assert await stage.blocked() == (dead if "5.1.1" in reply else set())


@pytest.mark.parametrize(
    "reply", ["550 5.1.1 no such user", "550 5.7.1 policy", "450 4.1.2 Domain not found"]
)
async def test_a_crowd_of_dead_addresses_keeps_nobody_from_being_told(stage, reply, watch):
    """Somebody signed up a crowd of them, ahead of everybody else: nearly the whole list."""
    await stage.restock(1000)
    alive = {f"shopper{n}@example.com" for n in range(981, 1001)}
    stage.mood.stage, stage.mood.reply = "RCPT", reply
    stage.mood.is_bad = lambda recipient: recipient not in alive
    waited = timedelta(0)
    while set(stage.told) < alive:
        with pytest.raises(Retry) as retry:
            await stage.send()
        waited += retry.value.delay
        await time_passes(stage.database, stage.shop, retry.value.delay.total_seconds() / 60)
        assert waited < timedelta(hours=1)
    assert len(stage.told) == len(alive)
    if reply.startswith("450"):
        # What cannot be told for days comes last at the next restock.
        await stock_becomes(stage.runtime, stage.shop, 0, 30)
        await stage.send()
        await fail_all(stage)
        late = await make_late(stage, 30)
        watch.show(40)
        (stage.wave_id,) = await stock_becomes(stage.runtime, stage.shop, 5, 40)
        alive |= late
        with suppress(Retry):
            await stage.send()
        assert set(stage.told) == alive


async def fail_all(stage):
    """Let those who wait be those to whom a message of the earlier wave has failed."""
    async with stage.database.transaction(stage.shop.id) as db:
        await db.execute(
            "UPDATE signups SET failed_wave_at = $1 WHERE notified_at IS NULL",
            (await stage.wave())["started_at"],
        )
