"""What clients do to connections, on sockets of their own, and that others are served meanwhile."""

import asyncio
import os
import resource
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from e2e.plant import Plant, reserved_port, signature
from e2e.raw_clients import clients, said_to
from factories.clients import patient_client
from factories.patience import PATIENCE, until

HALF = b"GET /healthz HTTP/1.1\r\nHost: shop\r\n"
WHOLE = HALF + b"\r\n"
LAST = HALF + b"Connection: close\r\n\r\n"
# A delivery whose body is awaited, which its signature does not fit.
POST = (
    b"POST /webhooks/shopify HTTP/1.1\r\nHost: shop\r\nX-Shopify-Topic: orders/updated\r\n"
    b"X-Shopify-Shop-Domain: snowdevil.myshopify.com\r\nX-Shopify-Webhook-Id: 1\r\n"
    b"X-Shopify-Hmac-Sha256: " + b"x" * 43 + b"=\r\n"
)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
READ = "/api/v2/external/back_in_stock/settings"

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


@pytest.fixture
async def http(plant: Plant) -> AsyncIterator[httpx.AsyncClient]:
    """A client that behaves, with the shop's key and a new connection for every request."""
    await plant.open_shop(signups=0)
    async with httpx.AsyncClient(
        base_url=plant.address,
        headers={"X-Auth-Token": plant.key},
        limits=httpx.Limits(max_keepalive_connections=0),
        timeout=PATIENCE,
    ) as opened:
        yield opened


async def serves(http: httpx.AsyncClient) -> None:
    """See that others are answered."""
    for path in ("/healthz", READ):
        assert (await http.get(path)).status_code == 200


def connections(plant: Plant, api: subprocess.Popen[bytes]) -> int:
    """Count the connections that the API holds open."""
    port = plant.listening.getsockname()[1]
    return sum(
        one.laddr.port == port and bool(one.raddr)
        for one in psutil.Process(api.pid).net_connections("tcp")
    )


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


def large(client: int) -> bytes:
    """Begin a request of a client behind the proxy, of which 5 KB are missing."""
    head = f"X-Forwarded-For: 192.0.2.{client}\r\nConnection: close\r\nContent-Length: 95000\r\n"
    return POST + head.encode() + b"\r\n" + b"x" * 90_000


async def test_large_bodies_share_what_they_take_of_the_memory(plant: Plant):
    await plant.open_shop(signups=0)
    await plant.start_api(
        OPENSTOQ_HTTP_MAX_BODY_BYTES="100000", OPENSTOQ_HTTP_MAX_WEBHOOK_BYTES="100000"
    )
    async with clients(plant, 20) as senders:
        for number, client in enumerate(senders):
            await client.send(large(number))
        statuses = [asyncio.create_task(client.statuses()) for client in senders]
        first, _ = await asyncio.wait(statuses, return_when=asyncio.FIRST_COMPLETED)
        assert {tuple(one.result()) for one in first} == {(503,)}
        small = POST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}"
        assert await said_to(plant, small) == [401]
        for client in senders:
            await client.send(b"x" * 5000)
        assert {tuple(await one) for one in statuses} == {(401,), (503,)}
    assert await said_to(plant, large(1) + b"x" * 5000) == [401]


async def test_a_client_takes_no_more_of_it_than_its_share(plant: Plant):
    """Whatever one of them holds, the large webhooks of others are read."""
    await plant.open_shop(signups=0)
    await plant.start_api(
        OPENSTOQ_HTTP_MAX_BODY_BYTES="100000", OPENSTOQ_HTTP_MAX_WEBHOOK_BYTES="100000"
    )
    async with clients(plant, 20) as senders:
        for client in senders:
            await client.send(large(1))
        statuses = [asyncio.create_task(client.statuses()) for client in senders]
        await until(lambda: sum(one.done() for one in statuses) == 19)
        assert await said_to(plant, large(2) + b"x" * 5000) == [401]
        assert {tuple(one.result()) for one in statuses if one.done()} == {(503,)}
        for client in senders:
            await client.send(b"x" * 5000)
        assert sorted([await one for one in statuses]) == [[401]] + [[503]] * 19


async def test_half_sent_requests_make_room(plant: Plant, http):
    api = await plant.start_api(OPENSTOQ_HTTP_MAX_CONNECTIONS="30")
    async with AsyncExitStack() as stack:
        settled = await stack.enter_async_context(clients(plant, 10))
        for client in settled:
            await client.send(WHOLE)
            assert b"200 OK" in await client.reader.readline()
        strangers = await stack.enter_async_context(clients(plant, 200))
        for number, client in enumerate(strangers):
            await client.send((HALF, POST + b"Content-Length: 9000\r\n\r\n", b"")[number % 3])
        await serves(http)
        await until(lambda: connections(plant, api) <= 40)
        await serves(http)


async def test_what_is_being_answered_keeps_its_connection(plant: Plant, http):
    await plant.start_api(OPENSTOQ_HTTP_MAX_CONNECTIONS="10")
    blocker = await asyncpg.connect(plant.url)
    async with blocker.transaction(), clients(plant, 10) as asking:
        await blocker.execute("LOCK TABLE shops IN ACCESS EXCLUSIVE MODE")
        request = f"GET {READ} HTTP/1.1\r\nHost: shop\r\nX-Auth-Token: {plant.key}\r\nConnection: close\r\n\r\n"
        for client in asking:
            await client.send(request.encode())

        async def refused() -> httpx.Response | None:
            with suppress(httpx.TransportError):
                answer = await http.get("/healthz")
                return answer if answer.status_code == 503 else None
            return None

        answer = await until(refused)
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["errors"]
        await blocker.execute("ROLLBACK; BEGIN")
        assert [await client.statuses() for client in asking] == [[200]] * 10
    await blocker.close()
    await until(lambda: answered(http))


async def answered(http: httpx.AsyncClient) -> bool:
    return (await http.get("/healthz")).is_success


async def test_who_takes_nothing_of_an_answer_is_cut_off(plant: Plant, http):
    api = await plant.start_api(
        OPENSTOQ_HTTP_ANSWER_SECONDS="1", OPENSTOQ_HTTP_MAX_CONNECTIONS="300"
    )
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n"
    process = psutil.Process(api.pid)
    before = process.memory_info().rss
    async with clients(plant, 200, SO_RCVBUF=4096) as takers:
        for client in takers:
            client.writer.transport.pause_reading()
            await client.send(ask * 10)
        await serves(http)
        # Each of them asked for 5 MB, of which one copy is there for all.
        assert process.memory_info().rss - before < 200 * 100_000
        await until(lambda: connections(plant, api) == 0)
    await serves(http)


async def test_who_takes_an_answer_slowly_is_cut_off(plant: Plant, http):
    """However steadily it is taken: a few bytes now and then would keep it for ever."""
    await plant.start_api(OPENSTOQ_HTTP_ANSWER_SECONDS="0.5")
    whole = len((await http.get("/openapi.json", headers={"Accept-Encoding": ""})).content)

    async def taken(size: int, pause: float) -> int:
        got = 0
        async with clients(plant, SO_RCVBUF=4096) as (client,):
            client.writer.transport.pause_reading()
            raw = client.writer.transport.get_extra_info("socket")
            await client.send(b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n\r\n")
            loop = asyncio.get_running_loop()
            with socket.socket(fileno=os.dup(raw.fileno())) as taker, suppress(ConnectionError):
                async with asyncio.timeout(PATIENCE):
                    while got < whole and (piece := await loop.sock_recv(taker, size)):
                        got += len(piece)
                        await asyncio.sleep(pause)
        return got

    some, few, all_of_it = await asyncio.gather(
        taken(8_000, 0.1), taken(200, 0.1), taken(65_536, 0.01)
    )
    assert few < some < whole <= all_of_it
    await serves(http)


async def test_an_address_has_so_many_connections(plant: Plant, http):
    await plant.start_api(
        OPENSTOQ_HTTP_MAX_CONNECTIONS_PER_ADDRESS="5", OPENSTOQ_HTTP_TRUSTED_PROXIES="127.0.0.3"
    )
    async with clients(plant, 5, source="127.0.0.2") as many:
        for client in many:
            await client.send(HALF)
        async with clients(plant, source="127.0.0.2") as (one_more,):
            assert await one_more.statuses() == [429]
        await serves(http)
    # A proxy's address is everybody's.
    async with clients(plant, 8, source="127.0.0.3") as behind_a_proxy:
        for client in behind_a_proxy:
            await client.send(LAST)
        assert [await client.statuses() for client in behind_a_proxy] == [[200]] * 8

    async def free() -> bool:
        async with clients(plant, source="127.0.0.2") as (again,):
            await again.send(LAST)
            return await again.statuses() == [200]

    await until(free)


async def test_a_proxy_is_known_on_a_socket_for_both_families(plant: Plant, http):
    """There an IPv4 address comes as one of IPv6."""
    plant.listening.close()
    plant.listening = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    plant.address = f"http://127.0.0.1:{plant.listening.getsockname()[1]}"
    await plant.start_api(
        OPENSTOQ_LIMITS_ADDRESS_POINTS="1", OPENSTOQ_HTTP_MAX_CONNECTIONS_PER_ADDRESS="2"
    )
    asked = f"{plant.address}/api/storefront/preorders?variant_id=1&shop={plant.shop.domain}"
    statuses = [
        (await http.get(asked, headers={"X-Forwarded-For": address})).status_code
        for address in ("192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1")
    ]
    assert statuses == [200, 200, 429]
    many = [
        await asyncio.open_connection("127.0.0.1", plant.listening.getsockname()[1])
        for _ in range(5)
    ]
    assert (await http.get(f"{plant.address}/healthz")).status_code == 200
    for _, writer in many:
        writer.close()


async def test_connections_fit_into_the_files_that_may_be_open(plant: Plant, tmp_path: Path, http):
    limits = (100, 600)
    for most, outcome in zip(limits, ("ulimit -Hn", "server.connections_lowered"), strict=True):
        log = tmp_path / f"{most}.log"
        with log.open("wb") as errors:
            api = plant.begin_api(errors=errors)
            resource.prlimit(api.pid, resource.RLIMIT_NOFILE, (most // 2, most))
            if most == limits[0]:
                assert api.wait(PATIENCE) == 1
            else:
                await until(lambda: answered(http))
                assert resource.prlimit(api.pid, resource.RLIMIT_NOFILE) == (most, most)
                async with clients(plant, 700) as strangers:
                    for client in strangers:
                        await client.send(HALF)
                    await serves(http)
        assert outcome in log.read_text()


async def test_a_workers_metrics_have_the_same_bounds(plant: Plant):
    await plant.open_shop(signups=0)
    with reserved_port() as held:
        port = held.getsockname()[1]
        plant.start_worker(
            1,
            OPENSTOQ_WORKER_METRICS_PORT=str(port),
            OPENSTOQ_HTTP_MAX_CONNECTIONS="10",
        )
        address = f"http://127.0.0.1:{port}"
        async with patient_client() as http:

            async def serving() -> bool:
                with suppress(httpx.TransportError):
                    return (await http.get(f"{address}/healthz")).is_success
                return False

            await until(serving)
            assert (await http.get(f"{address}/healthz?{'y' * 40_000}")).status_code == 414
            many = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
            for _, writer in many:
                writer.write(HALF)
            assert (await http.get(f"{address}/healthz")).is_success
            for _, writer in many:
                writer.close()
