"""A request is sent, waits for its points, and is tried again."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from starlette.responses import JSONResponse, Response

from openstoq.commerce.port import (
    CommerceUnavailable,
    ShopCredentials,
)
from openstoq.commerce.shopify import client as client_module
from openstoq.commerce.shopify.answers import TooExpensive
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.throttle import Throttle
from tests.commerce.server import DOMAIN, SHOP, TOKEN, answer, coded, throttled


async def test_one_named_operation_is_sent_to_the_versioned_address(client, admin):
    admin.replies(answer(SHOP))
    got = await client.execute("ShopFacts")
    assert got.data == SHOP
    assert admin.paths == [f"/shops/{DOMAIN}/admin/api/2026-07/graphql.json"]
    assert admin.headers[0]["x-shopify-access-token"] == TOKEN
    assert admin.headers[0]["content-type"] == "application/json"
    assert admin.requests[0]["operationName"] == "ShopFacts"
    assert admin.requests[0]["query"].startswith("query ShopFacts")


async def test_a_throttled_request_waits_for_its_points_and_comes_again(client, admin, clock):
    admin.replies(throttled(requested=338, available=38, rate=100), answer(SHOP))
    assert (await client.execute("ShopFacts")).data == SHOP
    assert clock.slept == [3.0]


async def test_a_throttled_request_waits_at_least_a_second(client, admin, clock):
    admin.replies(throttled(requested=40, available=38), answer(SHOP))
    await client.execute("ShopFacts")
    assert clock.slept == [1.0]


async def test_a_request_waits_before_it_is_sent_if_the_bucket_lacks_its_points(
    client, admin, clock
):
    admin.replies(answer(SHOP, requested=500, available=100, rate=50), answer(SHOP))
    await client.execute("ShopFacts")
    assert clock.slept == []
    await client.execute("ShopFacts")
    assert clock.slept == [8.0]
    assert len(admin.requests) == 2


async def test_requests_at_the_same_time_do_not_count_on_the_same_points(throttle):
    throttle.learn(("ShopFacts", 0), client_module.answers.Cost(60, 100, 100, 10), 0.0)
    throttle.take(60)
    assert throttle.wait_for(60, 0.0) == pytest.approx(2.0)
    throttle.learn(("ShopFacts", 0), client_module.answers.Cost(60, 100, 40, 10), 0.0)
    throttle.finish(60)
    assert throttle.wait_for(30, 10.0) == 0.0


async def test_a_wait_that_is_too_long_is_left_to_the_caller(client, admin, clock):
    admin.replies(throttled(requested=900, available=0, maximum=1000, rate=1))
    with pytest.raises(CommerceUnavailable) as caught:
        await client.execute("ShopFacts")
    assert caught.value.retry_after == 900
    assert clock.slept == []


async def test_a_request_dearer_than_the_bucket_is_asked_for_in_less(client, admin):
    admin.replies(throttled(requested=900, available=800, maximum=800))
    with pytest.raises(TooExpensive, match="900"):
        await client.execute("ShopFacts")
    with pytest.raises(TooExpensive, match="900"):
        await client.execute("ShopFacts")
    assert len(admin.requests) == 1


async def test_retry_after_is_obeyed(client, admin, clock):
    admin.replies(Response(status_code=429, headers={"Retry-After": "2.0"}), answer(SHOP))
    await client.execute("ShopFacts")
    assert clock.slept == [2.0]


async def test_retry_after_may_be_a_date(client, admin, clock):
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    admin.replies(Response(status_code=503, headers={"Retry-After": later}))
    with pytest.raises(CommerceUnavailable) as caught:
        await client.execute("ShopFacts")
    assert 3500 < caught.value.retry_after <= 3600


@pytest.mark.parametrize("told", ["soon", "-5", "nan", "", "Sat, 99 Foo 2026"])
async def test_a_retry_after_that_says_nothing_is_passed_over(client, admin, clock, told):
    admin.replies(Response(status_code=429, headers={"Retry-After": told}), answer(SHOP))
    await client.execute("ShopFacts")
    assert len(clock.slept) == 1
    assert 0 < clock.slept[0] <= 0.5


@pytest.mark.parametrize(
    "reply",
    [
        Response("upstream", status_code=502),
        Response("{", media_type="application/json"),
        Response('{"neither": 1}', media_type="application/json"),
        Response(b'{"data": "\xff"}', media_type="application/json"),
        JSONResponse([]),
        JSONResponse({"errors": [coded("INTERNAL_SERVER_ERROR")]}),
        JSONResponse({"data": {"shop": None}, "errors": [coded("TIMEOUT")]}),
        JSONResponse({"data": SHOP, "errors": [coded("INTERNAL_SERVER_ERROR")]}),
    ],
)
async def test_what_may_pass_is_tried_again(client, admin, clock, reply):
    admin.replies(reply, answer(SHOP))
    assert (await client.execute("ShopFacts")).data == SHOP
    assert len(clock.slept) == 1


async def test_retries_are_bounded_and_spread(client, admin, clock):
    admin.replies(*[Response(status_code=500)] * 9)
    with pytest.raises(CommerceUnavailable, match="4 attempts: HTTP 500") as caught:
        await client.execute("ShopFacts")
    assert len(admin.requests) == 4
    assert caught.value.retry_after == 30
    for wait, most in zip(clock.slept, [0.5, 1.0, 2.0], strict=True):
        assert most / 2 <= wait <= most


async def test_an_answer_that_breaks_off_is_asked_for_again(client, admin):
    broken = Response('{"data": {', headers={"Content-Length": "4000"})
    admin.replies(broken, answer(SHOP))
    assert (await client.execute("ShopFacts")).data == SHOP


async def test_a_connection_closed_without_an_answer_is_opened_again(http, patience):
    asked = []

    async def hang_up(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = Client(http, ShopCredentials(DOMAIN, TOKEN, url), Throttle(), patience)
        with pytest.raises(CommerceUnavailable, match="4 attempts"):
            await client.execute("ShopFacts")
    assert len(asked) == 4
