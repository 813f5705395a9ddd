"""Requests as bytes, and a client that behaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.e2e.plant import Plant
from tests.factories.patience import PATIENCE

HALF = b"GET /healthz HTTP/1.1\r\nHost: shop\r\n"
WHOLE = HALF + b"\r\n"
LAST = HALF + b"Connection: close\r\n\r\n"
# A delivery whose body is awaited, which its signature does not fit.
POST = (
    b"POST /webhooks/shopify HTTP/1.1\r\nHost: shop\r\nX-Shopify-Topic: orders/updated\r\n"
    b"X-Shopify-Shop-Domain: snowdevil.myshopify.com\r\nX-Shopify-Webhook-Id: 1\r\n"
    b"X-Shopify-Hmac-Sha256: " + b"x" * 43 + b"=\r\n"
)
READ = "/api/v2/external/back_in_stock/settings"


@asynccontextmanager
async def merchant_of(plant: Plant) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client that behaves, with the shop's key and a new connection for every request."""
    async with httpx.AsyncClient(
        base_url=plant.address,
        headers={"X-Auth-Token": plant.key},
        limits=httpx.Limits(max_keepalive_connections=0),
        timeout=PATIENCE,
    ) as opened:
        yield opened


@pytest.fixture
async def http(plant: Plant) -> AsyncIterator[httpx.AsyncClient]:
    """The client of a shop without sign-ups."""
    await plant.open_shop(signups=0)
    async with merchant_of(plant) as opened:
        yield opened


async def serves(http: httpx.AsyncClient) -> None:
    """See that others are answered."""
    for path in ("/healthz", READ):
        assert (await http.get(path)).status_code == 200


async def answered(http: httpx.AsyncClient) -> bool:
    return (await http.get("/healthz")).is_success
