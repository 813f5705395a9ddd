"""Connections to the relay: a bound for all that is sent at once, and a turn for everybody."""

import asyncio
import dataclasses
from collections import Counter
from uuid import uuid4

import pytest

from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.email.turns import Turns
from tests.factories.patience import until
from tests.factories.smtp_relays import Pile, an_email, relay

CONNECTIONS = 10
PAUSE = 0.005
# A turn of each connection, twice: what may be taken before somebody new is served.
SOON = 2 * CONNECTIONS * 20


def pile_of(count, owner):
    pile = Pile([an_email() for _ in range(count)], permits=64)
    pile.owner = owner
    return pile


@pytest.fixture
async def transport():
    """A transport of ten connections to a relay that takes its time."""
    async with relay() as (server, settings):
        server.pause = PAUSE
        opened = SMTPTransport(dataclasses.replace(settings, connections=CONNECTIONS))
        opened.server = server
        yield opened
        await opened.aclose()


async def test_sends_at_the_same_time_share_the_connections(transport):
    piles = [pile_of(20, owner) for owner in (uuid4(), uuid4()) for _ in range(15)]
    await asyncio.gather(*(transport.send(pile) for pile in piles))
    assert transport.server.most_open <= CONNECTIONS
    assert all(pile.is_balanced() and len(pile.settled) == 20 for pile in piles)
    assert len(transport.server.accepted) == 600


@pytest.mark.parametrize("waves", [1, 20, 200])
@pytest.mark.parametrize("is_same_owner", [False, True])
async def test_nobodys_first_message_waits_for_anothers_wave(transport, waves, is_same_owner):
    busy, owner = uuid4(), uuid4()
    piles = [pile_of(100_000 // waves, busy) for _ in range(waves)]
    sending = [asyncio.create_task(transport.send(pile)) for pile in piles]
    taken = transport.server.accepted

    async def is_under_way():
        return len(taken) > SOON

    await until(is_under_way)
    mine, began = pile_of(1, busy if is_same_owner else owner), len(taken)
    await transport.send(mine)
    # Among the outboxes of one owner each has its turn as well.
    assert len(taken) - began <= SOON * (max(1, waves // 10) if is_same_owner else 1)
    assert mine.is_balanced()
    assert not any(task.done() for task in sending)
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)
    assert all(pile.is_balanced() for pile in piles)
    assert transport.server.most_open <= CONNECTIONS


async def test_a_waiting_outbox_has_one_message_taken_at_most(transport):
    transport.server.pause = 3600
    first = pile_of(100, uuid4())
    sending = [asyncio.create_task(transport.send(first))]

    async def is_full():
        return transport.server.open == CONNECTIONS

    # One owner gets so many; those who come later get the rest.
    sending += [
        asyncio.create_task(transport.send(pile_of(100, owner))) for owner in (uuid4(), uuid4())
    ]
    await until(is_full)
    waiting = [pile_of(10, uuid4()) for _ in range(5)]
    sending += [asyncio.create_task(transport.send(pile)) for pile in waiting]

    async def all_wait():
        return all(pile.taken for pile in waiting)

    await until(all_wait)
    assert [sum(pile.taken.values()) for pile in waiting] == [1] * 5
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)
    assert all(pile.is_balanced() for pile in (first, *waiting))
    assert all(pile.outcome(next(iter_taken(pile))) == "deferred" for pile in waiting)


def iter_taken(pile):
    return (Taken(number) for number in pile.taken)


@dataclasses.dataclass
class Taken:
    id: object


@pytest.mark.parametrize("connections", [2, 3, 4, 10])
async def test_there_is_room_for_another_owner_while_the_relay_lets_everybody_wait(connections):
    async with relay() as (server, settings):
        server.pause = 3600
        transport = SMTPTransport(dataclasses.replace(settings, connections=connections))
        piles = [pile_of(100, "busy") for _ in range(3)]
        sending = [asyncio.create_task(transport.send(pile)) for pile in piles]
        most = connections - max(1, connections // 4)

        async def is_full():
            return server.open == most

        await until(is_full)
        # Whoever comes has its first message on its way at once.
        sending.append(asyncio.create_task(transport.send(pile_of(100, "other"))))

        async def is_served():
            return server.open == most + 1

        await until(is_served)
        assert not any(task.done() for task in sending)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await transport.aclose()


async def test_one_owner_may_use_every_connection_to_a_quick_relay(transport, monkeypatch):
    # However busy the machine is, the relay counts as quick.
    monkeypatch.setattr("openstoq.messaging.email.turns.QUICK_SECONDS", 3600)
    pile = pile_of(100_000, uuid4())
    sending = asyncio.create_task(transport.send(pile))

    async def is_full():
        return transport.server.open == CONNECTIONS

    await until(is_full)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert pile.is_balanced()


async def test_the_reserve_is_back_once_the_relay_is_slow():
    turns = Turns(4)
    for _ in range(3):
        await turns.take("busy", 1)
    waiting = asyncio.create_task(turns.take("busy", 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not turns.are_awaited_beside(1)
    assert turns.are_awaited_beside(2)
    turns.note_answer(0.02)
    (await waiting).note_answer(5)
    turns.give_back("busy")
    waiting = asyncio.create_task(turns.take("busy", 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    await turns.take("other", 2)
    waiting.cancel()


@pytest.mark.parametrize("size", range(1, 13))
async def test_every_turn_can_be_had_and_none_is_lost(size):
    turns, served = Turns(size), Counter()

    async def ask(owner):
        await turns.take(owner, owner)
        served[owner] += 1
        await asyncio.sleep(0)
        turns.give_back(owner)

    owners = [number % 5 for number in range(200)]
    async with asyncio.timeout(5):
        await asyncio.gather(*(ask(owner) for owner in owners))
        assert served == Counter(owners)
        for owner in range(size):
            await turns.take(owner, owner)
    assert not turns.are_awaited_beside(None)


async def test_owners_take_turns_and_within_one_who_asked_first():
    turns, served = Turns(1), []
    await turns.take("x", "x")

    async def ask(owner, number):
        await turns.take(owner, owner)
        served.append((owner, number))
        turns.give_back(owner)

    asked = [("a", n) for n in range(4)] + [("b", n) for n in range(2)] + [("c", 0)]
    tasks = [asyncio.create_task(ask(*one)) for one in asked]
    await asyncio.sleep(0)
    assert turns.are_awaited_beside(None)
    turns.give_back("x")
    await asyncio.gather(*tasks)
    assert served == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("a", 2), ("a", 3)]
    assert not turns.are_awaited_beside(None)


@pytest.mark.parametrize("stopped", range(64))
async def test_who_is_stopped_while_waiting_costs_no_turn(stopped):
    """Whoever of six is stopped, before or at the moment that it is called."""
    turns, served = Turns(2), Counter()
    for owner in ("x", "y"):
        await turns.take(owner, owner)

    async def ask(number):
        await turns.take(number % 3, number)
        served[number] += 1
        turns.give_back(number % 3)

    tasks = [asyncio.create_task(ask(number)) for number in range(6)]
    await asyncio.sleep(0)
    turns.give_back("x")
    for number, task in enumerate(tasks):
        if stopped >> number & 1:
            task.cancel()
    turns.give_back("y")
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served == Counter(n for n in range(6) if not stopped >> n & 1)
    async with asyncio.timeout(5):
        assert not (await turns.take("x", "x")).is_over
        await turns.take("y", "y")
    assert not turns.are_awaited_beside(None)
