"""How long a client waits for a shop that is silent."""

import asyncio
from dataclasses import replace

import pytest
from starlette.responses import Response, StreamingResponse

from openstoq.commerce.port import (
    CommerceUnavailable,
    ShopCredentials,
)
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.throttle import Patience, Reach, Throttle
from openstoq.kernel.ids import new_id
from openstoq.kernel.slots import Slot, occupied
from tests.commerce.server import DOMAIN, SHOP, TOKEN, answer, throttled
from tests.factories.patience import PATIENCE


async def test_a_server_that_is_not_there_is_unavailable(http, patience, dead_port):
    url = f"http://127.0.0.1:{dead_port}"
    client = Client(http, ShopCredentials(DOMAIN, TOKEN, url), Throttle(), patience)
    with pytest.raises(CommerceUnavailable, match="ConnectError"):
        await client.execute("ShopFacts")


async def test_a_server_that_hangs_is_given_up(http, admin, clock):
    never = asyncio.Event()

    async def hang(_variables):
        await never.wait()
        return answer(SHOP)

    admin.replies(hang, answer(SHOP))
    short = Patience(attempts=2, answer=1.0, now=lambda: clock.now, sleep=clock.sleep)
    client = Client(http, ShopCredentials(DOMAIN, TOKEN, admin.url), Throttle(), short)
    assert (await client.execute("ShopFacts")).data == SHOP
    never.set()


async def test_a_server_that_drips_for_ever_is_given_up(http, admin, clock):
    async def drip():
        while True:
            yield b" "
            await asyncio.sleep(0.005)

    admin.replies(StreamingResponse(drip()), answer(SHOP))
    short = Patience(attempts=2, answer=1.0, now=lambda: clock.now, sleep=clock.sleep)
    client = Client(http, ShopCredentials(DOMAIN, TOKEN, admin.url), Throttle(), short)
    assert (await client.execute("ShopFacts")).data == SHOP


async def test_all_tries_and_waits_of_an_operation_together_have_a_limit(client, admin, clock):
    slow = Response(status_code=503, headers={"Retry-After": "25"})
    admin.replies(*[slow] * 4)
    with pytest.raises(CommerceUnavailable, match="asks to wait 25 seconds"):
        await client.execute("ShopFacts")
    assert len(admin.requests) == 3
    assert clock.slept == [25, 25]


@pytest.fixture
async def silent():
    """The address of a server that takes every connection and never answers."""
    taken = []

    async def say_nothing(reader, writer):
        taken.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in taken:
            writer.close()


async def test_a_silent_shop_is_asked_by_one_operation_at_a_time(http, admin, clock, silent):
    short = Patience(attempts=1, answer=0.05, now=lambda: clock.now, sleep=clock.sleep)
    reach = Reach()

    def client_at(url, patience):
        return Client(http, ShopCredentials(DOMAIN, TOKEN, url), Throttle(), patience, reach)

    client = client_at(silent, short)
    with pytest.raises(CommerceUnavailable, match="did not answer ShopFacts"):
        await client.execute("ShopFacts")
    for _ in range(3):
        with pytest.raises(CommerceUnavailable, match="did not answer lately") as caught:
            await client.execute("ShopFacts")
        assert caught.value.retry_after == 30
    clock.now += 30
    both = await asyncio.gather(
        client.execute("ShopFacts"), client.execute("ShopFacts"), return_exceptions=True
    )
    assert ["lately" in str(error) for error in both] == [False, True]
    clock.now += 30
    admin.replies(answer(SHOP), answer(SHOP), answer(SHOP))
    # One that answers has the time that it needs.
    answering = client_at(admin.url, replace(short, answer=PATIENCE))
    assert (await answering.execute("ShopFacts")).data == SHOP
    assert (await answering.execute("ShopFacts")).data == SHOP


async def test_an_answer_after_a_silent_try_is_no_silence(http, admin, clock, silent):
    admin.replies(Response(status_code=500), answer(SHOP), answer(SHOP))
    reach = Reach()
    short = Patience(attempts=2, answer=5.0, now=lambda: clock.now, sleep=clock.sleep)
    client = Client(http, ShopCredentials(DOMAIN, TOKEN, admin.url), Throttle(), short, reach)
    reach.note_silence(clock.now, 10.0)
    clock.now += 10
    assert (await client.execute("ShopFacts")).data == SHOP
    assert reach.wait_for(clock.now) == 0


async def test_an_operation_holds_no_slot_while_it_waits(http, admin, clock):
    slot = Slot("work", new_id())
    seen = []

    async def look(_variables):
        seen.append(slot.is_free)
        return throttled(requested=40, available=38)

    async def sleep(seconds):
        seen.append(slot.is_free)
        await clock.sleep(seconds)

    admin.replies(look, answer(SHOP))
    patience = Patience(attempts=2, answer=5.0, now=lambda: clock.now, sleep=sleep)
    client = Client(http, ShopCredentials(DOMAIN, TOKEN, admin.url), Throttle(), patience)
    with occupied(slot):
        await client.execute("ShopFacts")
    assert seen == [True, True]
    assert not slot.is_free
