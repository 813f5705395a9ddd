"""Runs that a relay puts off, that have to pause, or that are cut short."""

from contextlib import suppress

import pytest

from openstoq.back_in_stock.notifications import outbox
from openstoq.back_in_stock.restock.jobs import find_stragglers
from openstoq.jobs.job import Retry
from tests.back_in_stock.relay_stage import FAULTS, HIDING, LATER, make_late, stage
from tests.factories.catalogs import seconds_after_noon
from tests.factories.waitlists import (
    rows,
    run_of,
    stock_becomes,
    time_passes,
)

__all__ = ["stage"]

pytestmark = pytest.mark.usefixtures("sold_out")


@pytest.mark.parametrize(("step", "reply"), [LATER[1], LATER[2]])
@pytest.mark.parametrize("count", [1, 3, 19])
async def test_a_few_whom_a_relay_puts_off_for_days_are_told(stage, step, reply, count):
    await stage.restock(count)
    stage.mood.stage, stage.mood.reply = step, reply
    for _ in range(20):
        await stage.stopped()
        await time_passes(stage.database, stage.shop, 60)
    assert await stage.statuses() == {"queued": count}
    stage.mood.reply = ""
    await stage.send_until_over()
    assert len(set(stage.told)) == count


@pytest.fixture
def always_crowded(monkeypatch):
    """Others wait for the run's slot from its first message on."""
    monkeypatch.setattr(outbox, "SHORTEST_RUN_SECONDS", 0.0)
    return {"crowded_after": 1}


@pytest.mark.parametrize(("step", "reply"), [FAULTS[0], *HIDING, *LATER])
async def test_a_run_that_has_to_pause_blocks_nobody_for_a_relays_fault(
    stage, always_crowded, step, reply
):
    await stage.restock(70)
    stage.mood.stage, stage.mood.reply = step, reply
    for _ in range(5):
        with pytest.raises(Retry):
            await stage.send(**always_crowded)
        await time_passes(stage.database, stage.shop, 24 * 60)
    assert await stage.blocked() == set()
    messages = await rows(stage.database, stage.shop, "notifications")
    assert {(row["status"], row["attempts"]) for row in messages} == {("queued", 0)}
    stage.mood.reply = ""
    await stage.send_until_over(most=200, **always_crowded)
    assert len(stage.told) == len(set(stage.told)) == 70


@pytest.mark.parametrize("dead", [{1, 2, 3}, set(range(1, 16)), set(range(1, 41, 3)), {38, 39, 40}])
async def test_runs_that_always_have_to_pause_come_to_an_end(stage, always_crowded, dead):
    await stage.restock(40)
    addresses = {f"shopper{n}@example.com" for n in dead}
    stage.mood.stage, stage.mood.reply = "RCPT", "550 5.1.1 no such user"
    stage.mood.is_bad = addresses.__contains__
    await stage.send_until_over(most=100, **always_crowded)
    assert await stage.blocked() == addresses
    assert len(stage.told) == len(set(stage.told)) == 40 - len(dead)


@pytest.mark.parametrize("cut", ["stopping", "unavailable"])
@pytest.mark.parametrize(("step", "reply"), [FAULTS[7], *HIDING, *LATER])
@pytest.mark.parametrize("refused", [1, 7])
async def test_a_run_that_is_cut_short_decides_nothing(stage, cut, step, reply, refused):
    await stage.restock(60)
    if cut == "stopping":
        # A worker that is told to stop hands over no more than is under way.
        stage.server.pause = 0.01
    stage.mood.stage, stage.mood.reply = step, reply
    heard = []

    def is_bad(recipient):
        heard.append(recipient)
        if len(heard) == refused and cut == "stopping":
            stage.runtime.stopping.set()
        if len(heard) > refused and cut == "unavailable":
            stage.server.script = lambda *_: "drop"
        return True

    stage.mood.is_bad = is_bad
    with suppress(Retry):
        await stage.send()
    assert await stage.blocked() == set()
    messages = await rows(stage.database, stage.shop, "notifications")
    assert {row["status"] for row in messages} == {"queued"}
    assert {row["attempts"] for row in messages if row["error"] == reply} == {0}
    assert not any(row["singled_out"] for row in messages)
    stage.runtime.stopping.clear()
    stage.mood.reply, stage.server.script = "", stage.mood
    await time_passes(stage.database, stage.shop, 60)
    await stage.send_until_over()
    assert len(stage.told) == len(set(stage.told)) == 60


async def test_an_odd_message_loses_no_attempt_to_a_relay_that_serves_nobody(stage):
    await stage.restock(60)
    stage.mood.stage, stage.mood.reply = "RCPT", "550 5.7.1 policy"
    stage.mood.is_bad = "shopper2@example.com".__eq__
    with pytest.raises(Retry):
        await stage.send()
    late = await make_late(stage, 30)
    async with stage.database.transaction(stage.shop.id) as db:
        await db.execute(
            "UPDATE signups SET created_at = $1 WHERE contact LIKE 'late%'", seconds_after_noon(-1)
        )
    stage.mood.is_bad = lambda _: True
    for _ in range(15):
        await time_passes(stage.database, stage.shop, 24 * 60)
        await stage.stopped()
    messages = await rows(stage.database, stage.shop, "notifications")
    assert {row["attempts"] for row in messages if row["contact"] == "shopper2@example.com"} == {1}
    stage.mood.reply = ""
    await time_passes(stage.database, stage.shop, 24 * 60)
    await stage.send_until_over()
    assert set(stage.told) == {f"shopper{n}@example.com" for n in range(1, 61)} | late


async def test_a_full_mailbox_is_told_at_the_next_restock(stage, watch):
    await stage.restock(10)
    stage.mood.stage, stage.mood.reply = "RCPT", "552 5.2.2 mailbox full"
    stage.mood.is_bad = "shopper3@example.com".__eq__
    await stage.send()
    assert await stage.statuses() == {"sent": 9, "failed": 1}
    assert await stage.blocked() == set()
    await find_stragglers.handler(run_of(stage.runtime, stage.shop))
    assert (await stage.wave())["finished_at"] is not None
    stage.mood.reply = ""
    await stock_becomes(stage.runtime, stage.shop, 0, 30)
    watch.show(40)
    (stage.wave_id,) = await stock_becomes(stage.runtime, stage.shop, 5, 40)
    await stage.send()
    assert stage.told[9:] == ["shopper3@example.com"]
    signups = await rows(stage.database, stage.shop, "signups")
    assert {row["blocked_reason"] for row in signups} == {None}


async def test_selling_out_ends_a_wave_that_waits_for_its_relay(stage, watch):
    await stage.restock(30)
    stage.mood.stage, stage.mood.reply = "MAIL", "530 log in"
    await stage.stopped()
    await stock_becomes(stage.runtime, stage.shop, 0, 30)
    await stage.send()
    assert (await stage.wave())["ended_by"] == "sold_out"
    assert await stage.statuses() == {}
    stage.mood.reply = ""
    watch.show(40)
    (stage.wave_id,) = await stock_becomes(stage.runtime, stage.shop, 5, 40)
    await stage.send()
    assert len(set(stage.told)) == 30
