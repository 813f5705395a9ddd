"""The client against a real server that throttles, fails, hangs and breaks off."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

from commerce.server import DOMAIN, TOKEN, answer, throttled
from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnavailable,
    ShopCredentials,
)
from openstoq.commerce.shopify import client as client_module
from openstoq.commerce.shopify.answers import TooExpensive
from openstoq.commerce.shopify.client import Client, address
from openstoq.commerce.shopify.throttle import Patience, Reach, Throttle
from openstoq.kernel.ids import new_id
from openstoq.kernel.slots import Slot, occupied

SHOP = {"shop": {"id": "gid://shopify/Shop/1"}}
DENIED = {
    "message": "Access denied for heldByApp field.",
    "extensions": {"code": "ACCESS_DENIED", "requiredAccess": "`read_apps` access scope."},
    "path": ["webhookSubscriptionCreate", "webhookSubscription", "name"],
}


def coded(code, message="It went wrong."):
    return {"message": message, "extensions": {"code": code}}


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

    def client_at(url):
        return Client(http, ShopCredentials(DOMAIN, TOKEN, url), Throttle(), short, reach)

    client = client_at(silent)
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
    assert (await client_at(admin.url).execute("ShopFacts")).data == SHOP
    assert (await client_at(admin.url).execute("ShopFacts")).data == SHOP


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


async def test_an_answer_that_never_ends_is_cut_off(client, admin, monkeypatch):
    monkeypatch.setattr(client_module, "MOST_BYTES", 1000)
    admin.replies(Response(b" " * 1001))
    with pytest.raises(TooExpensive):
        await client.execute("ShopFacts")


async def test_denied_access_names_the_scope(client, admin):
    admin.replies(answer({"shop": None}, [DENIED]))
    with pytest.raises(AccessDenied, match="heldByApp") as caught:
        await client.execute("ShopFacts")
    assert caught.value.scopes == ("read_apps",)


async def test_what_a_mutation_did_is_kept_beside_its_errors(client, admin):
    done = {"webhookSubscriptionCreate": {"webhookSubscription": {"id": "x"}, "userErrors": []}}
    admin.replies(answer(done, [DENIED, coded("INTERNAL_SERVER_ERROR")]))
    got = await client.execute("WebhookSubscriptionCreate", topic="SHOP_UPDATE")
    assert got.payload("webhookSubscriptionCreate").inside("webhookSubscription").text("id") == "x"
    assert [error.code for error in got.errors] == ["ACCESS_DENIED", "INTERNAL_SERVER_ERROR"]
    assert len(admin.requests) == 1


async def test_a_read_with_a_hole_is_not_taken_for_the_whole(client, admin):
    admin.replies(answer(SHOP, [DENIED]))
    got = await client.execute("ShopFacts")
    with pytest.raises(AccessDenied):
        got.whole()
    assert got.whole(optional=frozenset({"name"})).has("shop")


@pytest.mark.parametrize(
    ("reply", "expected", "sentence"),
    [
        (JSONResponse({"errors": "[API] Invalid API key"}, 401), AccessDenied, "Invalid API key"),
        (JSONResponse({"errors": "Forbidden"}, 403), AccessDenied, "Install the app again"),
        (JSONResponse({"errors": "Unavailable Shop"}, 402), CommerceUnavailable, "closed"),
        (JSONResponse({"errors": "Not Found"}, 404), CommerceRefused, "No shop answers as"),
        (Response("", 302, {"Location": "https://example.com"}), CommerceRefused, "HTTP 302"),
        (JSONResponse({"errors": {"query": "Required"}}, 400), CommerceRefused, "query: Required"),
        (
            JSONResponse({"errors": [coded("SHOP_INACTIVE", "The store is inactive.")]}),
            CommerceUnavailable,
            "inactive",
        ),
        (
            JSONResponse({"errors": [coded("MAX_COST_EXCEEDED", "Query cost is 1723.")]}),
            TooExpensive,
            "1723",
        ),
        (JSONResponse({"errors": [coded("undefinedField")]}), CommerceRefused, "It went wrong"),
        (JSONResponse({"errors": [coded("NEW_CODE_OF_2027")]}), CommerceRefused, "It went wrong"),
    ],
)
async def test_what_will_not_pass_is_told_at_once(client, admin, reply, expected, sentence):
    admin.replies(reply)
    with pytest.raises(expected, match=sentence):
        await client.execute("ShopFacts")
    assert len(admin.requests) == 1


async def test_the_token_is_in_no_log_and_no_error(client, admin, caplog):
    caplog.set_level(logging.DEBUG)
    admin.replies(*[Response(status_code=500)] * 3, Response("{"))
    with pytest.raises(CommerceUnavailable) as caught:
        await client.execute("ShopFacts")
    error: BaseException | None = caught.value
    assert error.__context__ is None
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(caught.value)
    assert TOKEN not in repr(ShopCredentials(DOMAIN, TOKEN))
    assert admin.headers[0]["x-shopify-access-token"] == TOKEN


async def test_cookies_are_not_kept(client, http, admin):
    with_cookie = answer(SHOP)
    with_cookie.set_cookie("_shopify_essential", "x")
    admin.replies(with_cookie, answer(SHOP))
    await client.execute("ShopFacts")
    await client.execute("ShopFacts")
    assert "cookie" not in admin.headers[1]


@pytest.mark.parametrize(
    "domain",
    [
        "example.com",
        "snowdevil.myshopify.com.example.com",
        "snowdevil.myshopify.com\n",
        "snowdevil.myshopify.com/x",
        "-x.myshopify.com",
        "Snowdevil.myshopify.com",
        "a@b.myshopify.com",
        "",
    ],
)
def test_the_token_is_sent_to_no_other_domain(domain):
    with pytest.raises(ValueError, match="permanent domain"):
        address(domain)
    with pytest.raises(ValueError, match="permanent domain"):
        address(domain, "http://127.0.0.1:1/")


def test_only_an_explicit_address_may_be_plain_http():
    assert address(DOMAIN) == f"https://{DOMAIN}"
    assert address(DOMAIN, "http://127.0.0.1:1/shops/x/") == "http://127.0.0.1:1/shops/x"
    for wrong in ("ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://x/?a=b", ""):
        with pytest.raises(ValueError, match="not an address"):
            address(DOMAIN, wrong)
