"""What clients send on sockets of their own, and that others are served meanwhile."""

import asyncio

from tests.e2e.connecting import HALF, LAST, POST, WHOLE, http, serves
from tests.e2e.plant import Plant, signature
from tests.e2e.raw_clients import clients, said_to
from tests.factories.patience import until

__all__ = ["http"]

CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


# What is no request, or may be read as two by somebody else on its way.
MALFORMED = {
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/3": b"GET /healthz HTTP/3.0\r\n\r\n",
    "tls": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 190,
    "no method": b"A" * 100_000,
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "the same length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "lengths in a list": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a signed length": POST + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "a coding behind chunked": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "no number of a chunk": CHUNKED + b"zz\r\n",
    "a space in a name": HALF + b"X Y: 1\r\n\r\n",
    "a space behind a name": POST + b"Content-Length : 2\r\n\r\n{}",
    "nul in a name": HALF + b"X\x00Y: 1\r\n\r\n",
    "nul in a value": HALF + b"X: a\x00b\r\n\r\n",
    "a folded header": HALF + b"X: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: shop\n\n",
    "two hosts": HALF + b"Host: other\r\n\r\n",
    "a proxy's method": b"CONNECT shop:443 HTTP/1.1\r\nHost: shop\r\n\r\n",
    "no path": b"GET http://shop HTTP/1.1\r\nHost: shop\r\n\r\n",
    "a broken address": b"GET http://[::1 HTTP/1.1\r\nHost: shop\r\n\r\n",
    "bytes in the address": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: shop\r\n\r\n",
    "a long length": POST + b"Content-Length: " + b"0" * 5000 + b"2\r\n\r\n{}",
    "a length of twenty digits": POST + b"Content-Length: " + b"0" * 19 + b"2\r\n\r\n{}",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "http/0.9": b"GET /healthz HTTP/0.9\r\n\r\n",
    "http/0.9 as it was": b"GET /healthz\r\n\r\n",
    "chunks in http/1.0": POST.replace(b"1.1", b"1.0")
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding in http/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: gzip\r\n\r\n",
    "two hosts in http/1.0": HALF.replace(b"1.1", b"1.0") + b"Host: other\r\n\r\n",
    "endless extensions": CHUNKED + b"1;" + b"a" * 200_000,
    "endless trailers": CHUNKED + b"1\r\na\r\n0\r\n" + b"X: y\r\n" * 30_000,
}


async def test_what_is_no_request_is_400(plant: Plant, http):
    await plant.start_api()
    answers = await asyncio.gather(*(said_to(plant, data) for data in MALFORMED.values()))
    assert dict(zip(MALFORMED, answers, strict=True)) == {name: [400] for name in MALFORMED}
    await serves(http)


async def test_what_is_refused_is_counted_with_its_reason(plant: Plant, http):
    await plant.start_api(
        OPENSTOQ_HTTP_MAX_CONNECTIONS="10",
        OPENSTOQ_HTTP_ANSWER_SECONDS="0.5",
        OPENSTOQ_HTTP_HEAD_SECONDS="0.5",
    )
    assert await said_to(plant, b"GARBAGE\r\n\r\n") == [400]
    assert await said_to(plant, HALF) == [408]

    async def counted(*reasons: str) -> bool:
        text = (await http.get("/metrics")).text
        return all(f'connections_total{{reason="{reason}"}}' in text for reason in reasons)

    async with clients(plant, SO_RCVBUF=4096) as (taker,):
        taker.writer.transport.pause_reading()
        await taker.send(b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n" * 10)
        await until(lambda: counted("bad_request", "request_timeout", "slow_to_take"))
    async with clients(plant, 20) as many:
        for client in many:
            await client.send(HALF)
        await until(lambda: counted("made_room"))


async def test_http_1_0_needs_no_host(plant: Plant):
    await plant.open_shop(signups=0)
    await plant.start_api()
    assert await said_to(plant, b"GET /healthz HTTP/1.0\r\n\r\n") == [200]
    assert await said_to(plant, HALF.replace(b"1.1", b"1.0") + b"\r\n") == [200]


async def test_a_head_is_bounded(plant: Plant, http):
    await plant.start_api()
    bounds = {
        HALF + b"X: y\r\n" * 200 + b"\r\n": [431],
        HALF + b"X: " + b"y" * 66_000 + b"\r\n\r\n": [431],
        HALF + b"X: " + b"y" * 60_000 + b"\r\nConnection: close\r\n\r\n": [200],
        HALF + b"x" * 66_000: [431],
        b"GET /healthz?" + b"y" * 33_000 + b" HTTP/1.1\r\n\r\n": [414],
        b"GET /healthz?" + b"y" * 32_000 + b" HTTP/1.1" + LAST.partition(b"1.1")[2]: [200],
        b"GET /" + b"y" * 5_000_000: [414],
    }
    for data, statuses in bounds.items():
        assert await said_to(plant, data) == statuses, data[:100]
    async with clients(plant) as (client,):
        await client.send(HALF + b"X: ")
        for _ in range(200):
            await client.send(b"y" * 1_000_000)
        assert await client.statuses() in ([431], [])
    await serves(http)


async def test_requests_in_a_row_are_answered_in_their_turn(plant: Plant):
    await plant.open_shop(signups=0)
    await plant.start_api()
    assert await said_to(plant, WHOLE * 3 + LAST) == [200] * 4
    assert await said_to(plant, WHOLE + b"GARBAGE\r\n\r\n") == [200, 400]
    assert await said_to(plant, WHOLE + HALF + b"X: " + b"y" * 200_000) == [200, 431]
    answered = await said_to(plant, WHOLE * 10_000)
    assert (set(answered[:-1]), answered[-1]) == ({200}, 429)
    assert len(answered) < 100
    # Another protocol is not spoken: the request is answered as it stands, and that is all.
    asked = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert await said_to(plant, HALF + asked + b"frames") == [200]


async def test_who_sends_slowly_is_cut_off(plant: Plant, http):
    await plant.start_api(OPENSTOQ_HTTP_HEAD_SECONDS="0.5", OPENSTOQ_HTTP_BODY_SECONDS="3")

    async def trickled(begin: bytes, piece: bytes) -> list[int]:
        async with clients(plant) as (client,):
            await client.send(begin)
            statuses = asyncio.create_task(client.statuses())
            while not statuses.done():
                await client.send(piece)
                await asyncio.sleep(0.02)
            return await statuses

    announced = POST + b"Content-Length: 5000\r\n\r\n"
    expected = POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    cases: list[tuple[bytes, bytes, list[int]]] = [
        (b"", b"", []),
        (b"", b"\r\n", []),
        (WHOLE, b"\r\n", [200]),
        (HALF, b"x", [408]),
        (WHOLE + HALF, b"x", [200, 408]),
        (announced, b"x", [408]),
        (announced + b"{}", b"", [408]),
        (expected, b"", [100, 408]),
        (CHUNKED, b"1\r\nx\r\n", [408]),
        (CHUNKED, b"1;" + b"x" * 1000 + b"\r\nx\r\n", [408]),
        # Fast enough at every moment, and still without an end.
        (CHUNKED, b"800\r\n" + b"x" * 2048 + b"\r\n", [408]),
        # Nobody waits for what it announced: it was answered before.
        (POST + b"Content-Length: 90000000\r\n\r\n", b"x" * 2000, [413]),
    ]
    answers = await asyncio.gather(*(trickled(begin, piece) for begin, piece, _ in cases))
    assert answers == [statuses for _, _, statuses in cases]
    await serves(http)


async def test_a_large_webhook_may_come_slowly(plant: Plant):
    await plant.open_shop(signups=0)
    await plant.start_api(OPENSTOQ_HTTP_HEAD_SECONDS="0.5")
    body = plant.stock_news(3).ljust(8_000_000)
    headers = {
        "Host": "shop",
        "X-Shopify-Topic": "inventory_levels/update",
        "X-Shopify-Shop-Domain": plant.shop.domain,
        "X-Shopify-Hmac-Sha256": signature(body),
        "X-Shopify-Webhook-Id": "slow",
        "X-Shopify-Triggered-At": "2030-01-01T00:00:00Z",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    async with clients(plant) as (client,):
        await client.send(f"POST /webhooks/shopify HTTP/1.1\r\n{head}\r\n".encode())
        for start in range(0, len(body), 100_000):
            await client.send(body[start : start + 100_000])
            await asyncio.sleep(0.02)
        assert await client.statuses() == [200]
