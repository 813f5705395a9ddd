"""A quota that lasts a day or longer costs nobody an alert, and is not asked about all the time."""

from datetime import timedelta
from itertools import count

import pytest

from openstoq.back_in_stock.notifications import rules
from openstoq.jobs.job import Retry
from tests.back_in_stock.relay_stage import stage
from tests.factories.waitlists import rows, time_passes

__all__ = ["stage"]

pytestmark = pytest.mark.usefixtures("sold_out")

QUOTAS = [
    ("content", "454 Throttling failure: Daily message quota exceeded."),
    ("RCPT", "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail"),
    ("content", ("550 5.1.90 Your message can't be sent because you've reached your daily limit for"
     " message recipients")),
    ("content", ("450 Domain x.example is not allowed to send: recipient limit exceeded, try again"
     " after Mon, 25 Aug 2025 07:00:31 UTC")),
    ("RCPT", ("450 4.7.1 <a@b.example>: Recipient address rejected: Policy Rejection- Quota"
     " Exceeded.")),
    ("content", "550 Not allowed to send: you ran out of credits"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "reply"), QUOTAS)
@pytest.mark.parametrize("before", [0, 20, 28, 29])
async def test_nobody_is_lost_to_a_quota_of_a_day(stage, step, reply, before):
    """It is used up by so many of thirty messages, also when one or two are left."""
    await stage.restock(30)
    stage.mood.stage, stage.mood.reply = step, reply
    asked = count()
    stage.mood.is_bad = lambda _: next(asked) >= before
    left, runs = timedelta(hours=25), 0
    while left > timedelta(0):
        with pytest.raises(Retry) as retry:
            await stage.send(runs)
        runs += 1
        left -= retry.value.delay
        await time_passes(stage.database, stage.shop, retry.value.delay.total_seconds() / 60)
    assert runs < 60
    assert len(stage.told) == before
    assert await stage.blocked() == set()
    stage.mood.reply = ""
    await stage.send_until_over()
    assert len(stage.told) == len(set(stage.told)) == 30
    assert await stage.statuses() == {"sent": 30}


@pytest.mark.parametrize(("step", "reply"), QUOTAS[:2])
async def test_a_relay_whose_quota_is_used_up_is_asked_about_few(stage, step, reply):
    await stage.restock(300)
    stage.mood.stage, stage.mood.reply = step, reply
    reason, delay = await stage.stopped()
    assert "quota is used up" in reason
    assert delay == rules.WAVE_QUOTA_PAUSES[0]
    asked = [one for one in stage.server.heard if one.startswith("RCPT")]
    assert len(asked) < 30
    messages = await rows(stage.database, stage.shop, "notifications")
    assert {(row["status"], row["attempts"]) for row in messages} == {("queued", 0)}


@pytest.mark.parametrize("first", ["550 5.7.1 relaying denied", "451 4.7.1 Greylisting in action"])
async def test_a_quota_that_only_some_replies_name_stops_the_wave_as_long_as_its_messages(
    stage, first
):
    await stage.restock(30)
    stage.mood.stage, quota = "RCPT", QUOTAS[1][1]

    def asked(_):
        # What came first, and then by turns.
        stage.mood.reply = quota if stage.mood.reply == first else first
        return True

    stage.mood.reply, stage.mood.is_bad = quota, asked
    reason, delay = await stage.stopped()
    assert "quota is used up" in reason
    assert delay == rules.WAVE_QUOTA_PAUSES[0]
    assert (await stage.wave())["error"] == reason


def test_a_message_waits_days_for_a_quota_in_all_its_attempts():
    waits = [rules.quota_pause(attempts) for attempts in range(1, rules.MOST_ATTEMPTS)]
    assert waits == sorted(waits)
    assert timedelta(days=4) < sum(waits, timedelta(0)) < timedelta(days=5)
