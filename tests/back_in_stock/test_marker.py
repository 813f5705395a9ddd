"""What a relay took is marked, whatever it said and whatever another message's mark fails at."""

import dataclasses
from contextlib import suppress

import pytest
import structlog

from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.notifications.marker import UNWRITABLE, Marker
from openstoq.back_in_stock.notifications.marks import Mark
from openstoq.jobs.job import Retry
from openstoq.kernel.ids import new_id
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import EmailTransport
from openstoq.messaging.unmarked import LEAST, UnmarkedBudget
from tests.factories.smtp_relays import relay as smtp_relay
from tests.factories.waitlists import (
    claim_new,
    load_wave,
    make_waitlist,
    restocking_runtime,
    rows,
    run_of,
    stock_becomes,
)

pytestmark = pytest.mark.usefixtures("sold_out")

ODD = ["\x00", "\x00" * 300, "\x1b[31m", "\x7f\x85\x9f", "\x0b\x0c", "\ufffe\uffff", "\U0010ffff"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("RCPT", "550 5.1.1 no such{} user"),
        ("RCPT", "452 4.2.2 mailbox{} full"),
        ("RCPT", "550 5.7.1 {} policy"),
        ("content", "554 5.6.0 {} content"),
        ("content", "421 {} closing"),
    ],
)
async def test_whatever_a_relay_says_of_one_message_the_others_are_marked(
    database, shop, watch, step, reply, odd
):
    def script(stage, argument):
        return reply.format(odd) if stage == step and "shopper7@" in argument else None

    await make_waitlist(database, shop, 60)
    async with smtp_relay(script) as (server, settings):
        transport = SMTPTransport(dataclasses.replace(settings, connections=4))
        runtime = restocking_runtime(database, watch, ports={EmailTransport: transport})
        (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
        with suppress(Retry):
            await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
        await transport.aclose()
    messages = await rows(database, shop, "notifications")
    sent = [row for row in messages if row["status"] == "sent"]
    (bad,) = [row for row in messages if row["status"] != "sent"]
    assert len(sent) == len(server.accepted) == 59
    assert bad["error"]
    assert not any(ord(character) < 32 for character in bad["error"])


@pytest.mark.parametrize("step", ["greet", "EHLO"])
async def test_whatever_a_relay_says_at_its_door_has_blocks(database, shop, watch, step):
    await make_waitlist(database, shop, 3)
    script = lambda stage, _: "554 5.7.1 \x00 go away" if stage in (step, "HELO") else None  # noqa: E731
    async with smtp_relay(script) as (_, settings):
        transport = SMTPTransport(dataclasses.replace(settings, connections=4))
        runtime = restocking_runtime(database, watch, ports={EmailTransport: transport})
        (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
        with pytest.raises(Retry, match="554") as retry:
            await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
        await transport.aclose()
    assert "\x00" not in str(retry.value)
    messages = await rows(database, shop, "notifications")
    assert {(row["status"], row["attempts"]) for row in messages} == {("queued", 0)}
    assert any("554 5.7.1" in (row["error"] or "") for row in messages)


@pytest.mark.parametrize("bad", ["a\x00b", "\ud800", 5])
@pytest.mark.parametrize("places", [[0], [63], [3, 4, 40], range(64)])
async def test_a_mark_that_postgresql_refuses_keeps_no_other_from_being_written(
    database, shop, watch, bad, places
):
    """The error of a mark is the one value of it that comes from outside."""
    await make_waitlist(database, shop, 64)
    runtime = restocking_runtime(database, watch)
    (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
    wave, run_id = await load_wave(database, shop, wave_id), new_id()
    claimed, _ = await claim_new(database, shop, wave, run_id=run_id)
    marker = Marker(run_of(runtime, shop), wave, run_id, UnmarkedBudget(LEAST).join())
    for number, one in enumerate(claimed):
        is_bad = number in places
        marker.add(
            Mark(
                id=one.id,
                signup_id=one.signup_id,
                status="failed" if is_bad else "sent",
                error=bad if is_bad else None,
            )
        )
    marker.end()
    with structlog.testing.capture_logs() as logged:
        await marker.run()
    by_id = {row["id"]: row for row in await rows(database, shop, "notifications")}
    for number, one in enumerate(claimed):
        expected = ("failed", UNWRITABLE) if number in places else ("sent", None)
        assert (by_id[one.id]["status"], by_id[one.id]["error"]) == expected
    assert "a\\x00b" not in str(logged)
    told = [row["notified_at"] is not None for row in await rows(database, shop, "signups")]
    assert told.count(False) == len(places)
