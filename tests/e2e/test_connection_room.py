"""How many connections clients hold, how slowly, and that others are served meanwhile."""

import asyncio
import os
import resource
import socket
import subprocess
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import asyncpg
import httpx
import psutil

from tests.e2e.connecting import HALF, LAST, POST, READ, WHOLE, answered, http, serves
from tests.e2e.plant import Plant, reserved_port
from tests.e2e.raw_clients import clients, said_to
from tests.factories.clients import patient_client
from tests.factories.patience import PATIENCE, until

__all__ = ["http"]


def connections(plant: Plant, api: subprocess.Popen[bytes]) -> int:
    """Count the connections that the API holds open."""
    port = plant.listening.getsockname()[1]
    return sum(
        one.laddr.port == port and bool(one.raddr)
        for one in psutil.Process(api.pid).net_connections("tcp")
    )


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
    # How much each got before it was cut off is the kernel's affair.
    assert max(few, some) < whole <= all_of_it
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
