"""Floods from many addresses: each is within its own limits, and together they are too much.

A merchant with a key, and a shopper whose alert is due, are served meanwhile.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from statistics import median
from time import monotonic

import httpx
import pytest

from tests.e2e.connecting import merchant_of
from tests.e2e.plant import Plant
from tests.e2e.raw_clients import clients
from tests.factories import catalogs
from tests.factories.clients import patient_client

# OPENSTOQ_FLOOD_ADDRESSES=250 makes 4,000 connections.
ADDRESSES = int(os.environ.get("OPENSTOQ_FLOOD_ADDRESSES", "40"))
CONNECTIONS_EACH = 16
SIGNUPS = int(os.environ.get("OPENSTOQ_FLOOD_SIGNUPS", "600"))

HEAD = b"GET /openapi.json HTTP/1.1\r\nHost: shop\r\n"
BODY = b"POST /api/v1/intents HTTP/1.1\r\nHost: shop\r\nContent-Length: 9000\r\n\r\n{"
# What each connection of the flood sends, and then no more: half a head, half a body, nothing at
# all, and more requests than anybody reads the answers of.
HALVES = (HEAD, BODY, b"", (HEAD + b"\r\n") * 20)


@asynccontextmanager
async def flood(plant: Plant) -> AsyncIterator[None]:
    """Connect from many addresses, each with as many connections as it may have."""
    async with AsyncExitStack() as stack:
        for number in range(ADDRESSES):
            source = f"127.0.{1 + number // 250}.{1 + number % 250}"
            opened = await stack.enter_async_context(
                clients(plant, CONNECTIONS_EACH, source, SO_RCVBUF=4096)
            )
            for client, half in zip(opened, cycle(HALVES), strict=False):
                client.writer.transport.pause_reading()
                client.writer.write(half)
        yield


async def slowest(http: httpx.AsyncClient, times: int) -> dict[str, float]:
    """Read as a merchant does, so many times; return the median and the slowest, in seconds."""
    seconds = []
    for _ in range(times):
        began = monotonic()
        assert (await http.get("/api/v2/external/back_in_stock/signups")).status_code == 200
        seconds.append(monotonic() - began)
    return {"median": round(median(seconds), 3), "slowest": round(max(seconds), 3)}


@pytest.fixture
async def merchant(plant: Plant) -> AsyncIterator[httpx.AsyncClient]:
    """The client of a shop with shoppers who wait."""
    await plant.open_shop(signups=5)
    async with merchant_of(plant) as opened:
        yield opened


async def test_connections_from_many_addresses_shut_nobody_out(
    plant: Plant, merchant: httpx.AsyncClient, record_property
):
    relay = await plant.start_relay()
    # Fewer than come, whatever the machine's limit on open files.
    await plant.start_api(OPENSTOQ_HTTP_MAX_CONNECTIONS=str(ADDRESSES * CONNECTIONS_EACH // 3))
    plant.start_worker(relay.port)
    record_property("quiet", await slowest(merchant, 20))
    async with flood(plant):
        record_property("beside", await slowest(merchant, 20))
        await plant.stock_becomes(5)
        await relay.has_taken(5)
        assert (await merchant.get("/readyz")).status_code == 200


def address_of(number: int) -> str:
    """Return the address of one of many clients, of either family; no two are of one household."""
    if number % 2:
        return f"198.51.{100 + number // 250}.{1 + number % 250}"
    return f"2001:db8:{number:x}::{number + 1:x}"


def sent_from(number: int) -> dict[str, object]:
    """Return a sign-up of the flood: half of them name one victim, each in its own spelling."""
    victim = f"victim+{number}@example.com" if number % 4 < 2 else f"anybody{number}@example.com"
    return {
        "intent": {
            "shopify_variant_id": catalogs.VARIANT,
            "shopify_product_id": catalogs.PRODUCT,
            "channel": "email",
            "quantity": 1,
        },
        "customer": {"email": victim, "name": "https://example.com/win 123"},
    }


async def sign_up(plant: Plant, numbers: range) -> Counter[int]:
    """Send sign-ups through a proxy, each from an address of its own; count the statuses."""
    statuses: Counter[int] = Counter()
    waiting = iter(numbers)

    async with patient_client(base_url=plant.address) as http:

        async def work() -> None:
            for number in waiting:
                answer = await http.post(
                    "/api/v1/intents",
                    content=json.dumps(sent_from(number)),
                    headers={
                        "X-Shopify-Shop-Domain": plant.shop.domain,
                        "X-Forwarded-For": address_of(number),
                    },
                )
                statuses[answer.status_code] += 1

        await asyncio.gather(*(work() for _ in range(8)))
    return statuses


async def test_sign_ups_from_many_addresses_end_and_bomb_nobody(
    plant: Plant, merchant: httpx.AsyncClient, record_property
):
    relay = await plant.start_relay()
    admitted = SIGNUPS // 2
    await plant.start_api(
        OPENSTOQ_HTTP_TRUSTED_PROXIES="127.0.0.1",
        OPENSTOQ_LIMITS_SIGNUP_POINTS=str(2 * admitted),
    )
    plant.start_worker(relay.port)
    compliance = "/api/v2/external/back_in_stock/settings/compliance"
    assert (await merchant.patch(compliance, json={"optin_required": True})).is_success
    record_property("quiet", await slowest(merchant, 20))
    flooding = asyncio.create_task(sign_up(plant, range(SIGNUPS)))
    record_property("beside", await slowest(merchant, 20))
    # A merchant's own sign-ups are not among those that all strangers share.
    own = await merchant.post(
        "/api/v1/intents",
        json=sent_from(-2) | {"customer": {"email": "own@shop.example"}},
    )
    statuses = await flooding
    record_property("statuses", dict(statuses))
    assert own.status_code == 201, own.text
    assert set(statuses) <= {201, 429}
    # As many as the minute's points pay for, of one minute or of two.
    assert admitted <= statuses[201] <= 2 * admitted
    await plant.idle()
    asked = "signups WHERE optin_asked_at IS NOT NULL"
    assert await plant.count(f"{asked} AND mailbox = 'victim@example.com'") == 1
    # Everybody else of them was asked once, the merchant's own shopper too, and no mail more left.
    assert len(relay.taken()) == await plant.count(asked) > admitted // 2
