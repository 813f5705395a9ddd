"""A relay with moods, and a wave that is sent through it."""

import dataclasses
import math
import re
from collections import Counter

import pytest

from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.jobs.job import Retry
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import EmailTransport
from tests.factories.smtp_relays import relay as smtp_relay
from tests.factories.waitlists import (
    make_signup,
    make_waitlist,
    restocking_runtime,
    rows,
    run_of,
    stock_becomes,
    time_passes,
)


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


async def make_late(stage, count):
    for n in range(count):
        await make_signup(stage.database, stage.shop, f"late{n}@example.com", seconds=35)
    return {f"late{n}@example.com" for n in range(count)}
