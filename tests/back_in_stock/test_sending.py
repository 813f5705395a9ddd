"""Sending a wave: every message once, whatever the relay says and whoever is interrupted."""

import asyncio
from collections import Counter
from datetime import timedelta
from email.utils import format_datetime

import pytest

from openstoq.back_in_stock.notifications import claims
from openstoq.db.pool import Database
from openstoq.jobs.job import Retry
from openstoq.kernel.ids import created_at
from openstoq.messaging.port import RelayUnavailable
from tests.back_in_stock.sendings import answering, send, statuses, wave_id, wave_row
from tests.factories.catalogs import seconds_after_noon
from tests.factories.relays import ACCEPTED, DEFERRED, REFUSED, UNKNOWN
from tests.factories.waitlists import (
    make_waitlist,
    rows,
    set_settings,
    time_passes,
)

__all__ = ["wave_id"]

pytestmark = pytest.mark.usefixtures("sold_out")


async def test_everybody_is_told_once_and_the_wave_ends(database, runtime, shop, relay, wave_id):
    await make_waitlist(database, shop, 450)
    await send(runtime, shop, wave_id)
    assert Counter(relay.recipients) == Counter(f"shopper{n}@example.com" for n in range(1, 451))
    assert await statuses(database, shop) == {"sent": 450}
    assert all(row["notified_at"] for row in await rows(database, shop, "signups"))
    row = await wave_row(database, shop)
    assert (row["ended_by"], row["finished_at"]) == ("all_told", seconds_after_noon(0))
    await send(runtime, shop, wave_id)
    assert len(relay.taken) == 450


async def test_the_oldest_are_told_first(database, runtime, shop, relay, wave_id):
    relay.connections = 1
    await make_waitlist(database, shop, 250)
    await send(runtime, shop, wave_id)
    assert relay.recipients == [f"shopper{n}@example.com" for n in range(1, 251)]


async def test_an_empty_wave_ends(database, runtime, shop, relay, wave_id):
    await send(runtime, shop, wave_id)
    assert relay.taken == []
    assert (await wave_row(database, shop))["ended_by"] == "all_told"


async def test_overlapping_runs_tell_nobody_twice(database, runtime, shop, relay, wave_id):
    await make_waitlist(database, shop, 450)
    ended = await asyncio.gather(
        *(send(runtime, shop, wave_id) for _ in range(4)), return_exceptions=True
    )
    assert {type(one) for one in ended} <= {type(None), Retry}
    while (await wave_row(database, shop))["finished_at"] is None:
        await send(runtime, shop, wave_id)
    assert len(relay.recipients) == len(set(relay.recipients)) == 450


async def test_a_refusal_touches_its_own_message_only(database, runtime, shop, relay, wave_id):
    relay.answer = answering(shopper2=REFUSED)
    await make_waitlist(database, shop, 5)
    await send(runtime, shop, wave_id)
    assert await statuses(database, shop) == {"sent": 4, "failed": 1}
    blocked = [row["contact"] for row in await rows(database, shop, "signups") if row["blocked_at"]]
    assert blocked == ["shopper2@example.com"]
    assert (await wave_row(database, shop))["ended_by"] == "all_told"


async def test_later_is_tried_again_when_it_is_time(database, runtime, shop, relay, wave_id):
    relay.answer = answering(shopper2=DEFERRED)
    await make_waitlist(database, shop, 5)
    with pytest.raises(Retry) as retry:
        await send(runtime, shop, wave_id)
    assert timedelta(seconds=1) < retry.value.delay <= timedelta(seconds=30)
    assert await statuses(database, shop) == {"sent": 4, "queued": 1}
    relay.answer = answering()
    with pytest.raises(Retry):
        await send(runtime, shop, wave_id)
    assert len(relay.taken) == 5
    await time_passes(database, shop, 0.5)
    await send(runtime, shop, wave_id)
    assert relay.recipients[5:] == ["shopper2@example.com"]
    assert relay.taken[-1].id == next(
        one.id for one in relay.taken if one.recipient == "shopper2@example.com"
    )
    assert await statuses(database, shop) == {"sent": 5}


async def test_an_unknown_outcome_is_sent_again(database, runtime, shop, relay, wave_id):
    relay.answer = answering(shopper1=UNKNOWN)
    await make_waitlist(database, shop, 2)
    with pytest.raises(Retry):
        await send(runtime, shop, wave_id)
    relay.answer = answering()
    await time_passes(database, shop, 0.5)
    await send(runtime, shop, wave_id)
    assert Counter(relay.recipients) == {"shopper1@example.com": 2, "shopper2@example.com": 1}
    assert await statuses(database, shop) == {"sent": 2}
    # Octet by octet the same, its Message-ID and its Date too.
    first, again = (one for one in relay.taken if one.recipient == "shopper1@example.com")
    assert again == first
    date = format_datetime(created_at(first.id)).encode()
    assert b"\r\nDate: " + date + b"\r\n" in first.content


@pytest.mark.parametrize(("unknown_outcome", "is_durable"), [("resend", False), ("hold", True)])
async def test_a_claim_waits_for_the_disk_where_unknown_outcomes_are_held(
    database, runtime, shop, wave_id, monkeypatch, unknown_outcome, is_durable
):
    """A claim is then the only trace of a message that the relay may have."""
    await set_settings(database, shop, {"delivery": {"unknown_outcome": unknown_outcome}})
    await make_waitlist(database, shop, 3)
    begun, claimed = [], []
    transaction, claim_new = Database.transaction, claims.claim_new

    def begin(self, shop_id, *, durable=True, **options):
        begun.append(durable)
        return transaction(self, shop_id, durable=durable, **options)

    async def claim(*arguments, **options):
        claimed.append(begun[-1])
        return await claim_new(*arguments, **options)

    monkeypatch.setattr(Database, "transaction", begin)
    monkeypatch.setattr(claims, "claim_new", claim)
    await send(runtime, shop, wave_id)
    assert set(claimed) == {is_durable}


async def test_an_unknown_outcome_is_held_where_the_shop_says_so(
    database, runtime, shop, relay, wave_id
):
    await set_settings(database, shop, {"delivery": {"unknown_outcome": "hold"}})
    relay.answer = answering(shopper1=UNKNOWN)
    await make_waitlist(database, shop, 2)
    await send(runtime, shop, wave_id)
    assert await statuses(database, shop) == {"sent": 1, "unknown": 1}
    assert (await wave_row(database, shop))["ended_by"] == "all_told"


@pytest.mark.usefixtures("claimed_at_once")
async def test_a_relay_that_is_away_loses_nothing(database, runtime, shop, relay, wave_id):
    await make_waitlist(database, shop, 90)

    async def away(email):
        if len(relay.taken) > 20:
            raise RelayUnavailable("nobody answers")
        return ACCEPTED

    async def send_until_away(outbox):
        while (email := await outbox.next()) is not None:
            relay.taken.append(email)
            try:
                outbox.record(email, await away(email))
            except RelayUnavailable:
                outbox.record(email, DEFERRED)
                raise

    relay.send = send_until_away
    with pytest.raises(Retry):
        await send(runtime, shop, wave_id)
    assert await statuses(database, shop) == {"sent": 20, "queued": 70}
    row = await wave_row(database, shop)
    assert row["finished_at"] is None
