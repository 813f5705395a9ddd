"""A relay that refuses us for a while costs nobody an alert, and no odd recipient costs others."""

import dataclasses
import math
import re
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
import structlog

from factories.catalogs import at
from factories.smtp_relays import relay as smtp_relay
from factories.waitlists import (
    make_signup,
    make_waitlist,
    restocking_runtime,
    rows,
    run_of,
    stock_becomes,
    time_passes,
)
from openstoq.back_in_stock.notifications import outbox
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.restock.jobs import find_stragglers
from openstoq.jobs.job import Retry
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import EmailTransport

pytestmark = pytest.mark.usefixtures("sold_out")


class Mood:
    """What the relay answers, at what stage and to whom: nothing but yes once `reply` is ""."""

    def __init__(self):
        self.stage, self.reply = "", ""
        self.is_bad = lambda _: True

    def __call__(self, step, argument):
        if step != self.stage or not self.reply:
            return None
        recipient = argument.partition("To: " if step == "content" else "<")[2]
        is_bad = self.is_bad(re.split("[>\r]", recipient)[0])
        return self.reply if is_bad else None


@pytest.fixture
async def stage(database, shop, watch):
    """A shop whose wave is sent over SMTP to a relay with moods."""
    mood = Mood()
    async with smtp_relay(mood) as (server, settings):
        transport = SMTPTransport(dataclasses.replace(settings, connections=4))
        runtime = restocking_runtime(database, watch, ports={EmailTransport: transport})
        yield Stage(database, shop, runtime, mood, server)
        await transport.aclose()


@dataclasses.dataclass
class Stage:
    database: object
    shop: object
    runtime: object
    mood: Mood
    server: object

    async def restock(self, count):
        await make_waitlist(self.database, self.shop, count)
        (self.wave_id,) = await stock_becomes(self.runtime, self.shop, 5, 0)

    async def send(self, attempt=0, *, crowded_after=math.inf):
        """Run the wave; others wait for its slot once the relay has heard so many commands."""
        begun = len(self.server.heard)
        run = dataclasses.replace(
            run_of(self.runtime, self.shop, attempt),
            is_crowded=lambda: len(self.server.heard) - begun >= crowded_after,
        )
        await send_wave.handler(run, wave_id=self.wave_id)

    async def send_until_over(self, *, most=40, **changes):
        """Run the wave whenever it asks to be; return how often."""
        for count in range(most):
            try:
                await self.send(count, **changes)
            except Retry as retry:
                minutes = retry.delay.total_seconds() / 60
                await time_passes(self.database, self.shop, minutes + 0.01)
            else:
                return count
        raise AssertionError(f"the wave goes on after {most} runs")

    async def stopped(self):
        """Run the wave, which the relay stops; return the reason and the delay."""
        with pytest.raises(Retry) as retry:
            await self.send()
        return str(retry.value), retry.value.delay

    @property
    def told(self):
        return [
            content.split(b"To: ")[1].split(b"\r\n")[0].decode() for content in self.server.accepted
        ]

    async def statuses(self):
        messages = await rows(self.database, self.shop, "notifications")
        return Counter(row["status"] for row in messages)

    async def blocked(self):
        signups = await rows(self.database, self.shop, "signups")
        return {row["contact"] for row in signups if row["blocked_at"] is not None}

    async def wave(self):
        (row,) = await rows(self.database, self.shop, "waves")
        return row


FAULTS = [
    ("MAIL", "530 5.7.0 Authentication required"),
    ("MAIL", "535 5.7.8 bad login"),
    ("MAIL", "550 5.7.1 sender not allowed"),
    ("MAIL", "552 5.2.2 account is over quota"),
    ("MAIL", "421 4.7.0 too fast"),
    ("MAIL", "451 4.3.0 try later"),
    ("MAIL", "454 4.7.0 no authentication now"),
    ("RCPT", "550 5.7.1 relaying denied"),
    ("RCPT", "550 relay not permitted"),
    ("RCPT", "550-5.4.5 Daily sending limit exceeded"),
    ("RCPT", "451 4.3.0 lookup failed"),
    ("DATA", "554 5.5.1 no"),
    ("DATA", "451 4.3.5 configuration"),
    ("content", "554 5.7.1 spam"),
    ("content", "552 quota exceeded"),
    ("content", "454 Throttling failure: Daily message quota exceeded."),
    ("content", "550 5.1.8 bad outbound sender"),
]
HIDING = [
    ("RCPT", "550 5.1.1 User unknown"),
    ("RCPT", "550 no such user"),
    ("RCPT", "552 5.2.2 mailbox full"),
    ("content", "554 5.6.0 message content"),
    ("content", "550 5.1.1 User unknown"),
]
LATER = [
    ("RCPT", "450 4.1.2 Domain not found"),
    ("RCPT", "450 Requested mail action not taken: mailbox unavailable"),
    ("RCPT", "451 4.7.1 Greylisting in action"),
    ("RCPT", "452 4.2.2 mailbox full"),
    ("content", "452 4.2.2 mailbox full"),
]


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


async def make_late(stage, count):
    for n in range(count):
        await make_signup(stage.database, stage.shop, f"late{n}@example.com", seconds=35)
    return {f"late{n}@example.com" for n in range(count)}


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
        await db.execute("UPDATE signups SET created_at = $1 WHERE contact LIKE 'late%'", at(-1))
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
