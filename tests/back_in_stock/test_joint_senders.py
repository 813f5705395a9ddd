"""Joint senders: several workers send one wave, and none of its messages is sent twice."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from openstoq.back_in_stock.notifications import claims, supply, waves
from openstoq.back_in_stock.notifications.jobs import send_jointly, send_wave
from openstoq.back_in_stock.notifications.mails import Letters
from openstoq.jobs.job import Retry
from openstoq.jobs.queue import waiting_arguments
from openstoq.kernel.ids import new_id
from openstoq.messaging.port import EmailTransport, RelayUnavailable
from tests.back_in_stock.sendings import send, statuses, wave_id, wave_row
from tests.factories.catalogs import NOON, somebody_waits
from tests.factories.patience import until
from tests.factories.relays import ACCEPTED, REFUSED, Relay
from tests.factories.waitlists import load_wave, make_waitlist, restocking_runtime, run_of

__all__ = ["wave_id"]

pytestmark = pytest.mark.usefixtures("sold_out")


@pytest.fixture
def other(database, watch):
    """A second worker: a runtime with a budget and a relay of its own."""
    return restocking_runtime(database, watch, ports={EmailTransport: Relay()})


async def send_beside(runtime, shop, wave_id, **changes):
    await send_jointly.handler(replace(run_of(runtime, shop), **changes), wave_id=wave_id)


async def called_senders(database, shop):
    async with database.transaction(shop.id) as db:
        return await waiting_arguments(db, shop.id, send_jointly.name)


@pytest.mark.parametrize(
    ("number", "called"), [(supply.GROUP - 1, 0), (2 * supply.GROUP, 1), (4 * supply.GROUP, 1)]
)
async def test_another_sender_is_called_once_for_what_fills_a_group(
    database, runtime, shop, wave_id, number, called
):
    await make_waitlist(database, shop, number)
    await send(runtime, shop, wave_id)
    assert await called_senders(database, shop) == [{"wave_id": str(wave_id)}] * called


async def test_two_workers_share_a_wave(database, runtime, relay, other, shop, wave_id):
    await make_waitlist(database, shop, 5 * supply.GROUP)
    second = other.ports.get(EmailTransport)
    both = asyncio.Event()

    async def answer(_):
        # Neither goes on before the other has its first message.
        if relay.taken and second.taken:
            both.set()
        await both.wait()
        return ACCEPTED

    relay.answer = second.answer = answer
    async with asyncio.TaskGroup() as sending:
        sending.create_task(until_over(runtime, shop, wave_id))
        sending.create_task(send_beside(other, shop, wave_id))
    told = relay.recipients + second.recipients
    assert len(told) == len(set(told)) == 5 * supply.GROUP
    assert await statuses(database, shop) == {"sent": 5 * supply.GROUP}
    assert (await wave_row(database, shop))["ended_by"] == "all_told"


async def until_over(runtime, shop, wave_id):
    """Send a wave as its job does, which is run again while a joint sender has messages."""
    while True:
        try:
            await send(runtime, shop, wave_id)
        except Retry:
            await asyncio.sleep(0.01)
        else:
            return


async def test_a_joint_sender_does_not_end_a_wave(database, other, shop, wave_id):
    await make_waitlist(database, shop, 3)
    await send_beside(other, shop, wave_id)
    assert await statuses(database, shop) == {"sent": 3}
    assert (await wave_row(database, shop))["finished_at"] is None


async def test_a_joint_sender_leaves_what_the_relay_refuses_to_the_wave(
    database, runtime, other, shop, wave_id
):
    await make_waitlist(database, shop, 60)

    async def refuse(_):
        return REFUSED

    other.ports.get(EmailTransport).answer = refuse
    await send_beside(other, shop, wave_id)
    assert (await wave_row(database, shop))["refusals"] == 0
    assert await statuses(database, shop) == {"queued": 60}
    async with database.transaction(shop.id) as db:
        await waves.note_refusals(db, shop.id, wave_id, 1, "refused")
    taken = len(other.ports.get(EmailTransport).taken)
    await send_beside(other, shop, wave_id)
    assert len(other.ports.get(EmailTransport).taken) == taken


async def test_a_joint_sender_of_a_relay_that_is_away_ends(
    database, other, shop, wave_id, monkeypatch
):
    await make_waitlist(database, shop, 3)

    async def away(_):
        raise RelayUnavailable("nobody answers")

    monkeypatch.setattr(other.ports.get(EmailTransport), "send", away)
    await send_beside(other, shop, wave_id)
    assert await statuses(database, shop) == {}


async def test_a_joint_sender_of_a_wave_that_has_ended_does_nothing(
    database, runtime, other, shop, wave_id
):
    await make_waitlist(database, shop, 3)
    await send(runtime, shop, wave_id)
    await send_beside(other, shop, wave_id)
    assert other.ports.get(EmailTransport).taken == []


async def test_a_joint_sender_makes_room_for_another_shop(
    database, other, shop, wave_id, monkeypatch
):
    await make_waitlist(database, shop, 2 * supply.GROUP)
    monkeypatch.setattr("openstoq.back_in_stock.notifications.outbox.SHORTEST_RUN_SECONDS", 0.0)
    relay = other.ports.get(EmailTransport)
    await send_beside(other, shop, wave_id, is_crowded=lambda: bool(relay.taken))
    assert 0 < len(relay.taken) < supply.GROUP
    assert (await statuses(database, shop))["sending"] == 0
    # However often it is run, one joint sender at most waits.
    assert await called_senders(database, shop) == [{"wave_id": str(wave_id)}]


async def test_a_wave_does_not_end_while_a_claim_is_not_committed(
    database, runtime, relay, shop, wave_id
):
    await make_waitlist(database, shop, 3)
    wave = await load_wave(database, shop, wave_id)
    async with database.transaction(shop.id) as db:
        await claims.claim_new(
            db,
            shop.id,
            wave,
            run_id=new_id(),
            after=None,
            limit=3,
            now=NOON,
            lease=timedelta(minutes=1),
        )
        ending = asyncio.create_task(send(runtime, shop, wave_id))
        await until(lambda: somebody_waits(database))
        assert not ending.done()
    # The wave's run finds the claimed messages, and waits until their lease has ended.
    with pytest.raises(Retry):
        await ending
    assert relay.taken == []
    assert (await wave_row(database, shop))["finished_at"] is None


async def test_a_claim_that_is_rolled_back_is_made_again(
    database, runtime, relay, shop, wave_id, monkeypatch
):
    await make_waitlist(database, shop, 60)
    prepare, failures = Letters.prepare, [True]

    async def fails_once(self, work, group):
        await prepare(self, work, group)
        if len(group) == 2 * supply.FIRST_GROUP and failures.pop():
            failures.append(False)
            raise asyncpg.DeadlockDetectedError

    monkeypatch.setattr(Letters, "prepare", fails_once)
    with suppress(ExceptionGroup):
        await send(runtime, shop, wave_id)
    with suppress(Retry):
        await until_over(runtime, shop, wave_id)
    assert len(relay.recipients) == len(set(relay.recipients)) == 60
    assert (await wave_row(database, shop))["ended_by"] == "all_told"


def test_a_wave_and_its_joint_sender_are_kept_apart(wave_id):
    arguments = {"wave_id": wave_id}
    assert send_wave.apart(arguments) == send_jointly.apart(arguments) == str(wave_id)
