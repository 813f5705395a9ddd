"""Webhook deliveries as Shopify signs them, taken and worked off."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import asyncpg
import orjson

from openstoq.jobs.queue import waiting_arguments
from openstoq.jobs.work import Runtime
from openstoq.shops.inbound_webhooks.jobs import announced, receive, work_off
from openstoq.shops.model import Shop
from tests.factories.waitlists import run_of

SECRET = "the app's client secret"
DOMAIN = "snowdevil.myshopify.com"


def signature(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def make_delivery(
    topic: str,
    body: Any,
    *,
    secret: str = SECRET,
    domain: str = DOMAIN,
    triggered_at: str = "2026-07-01T12:00:00.123Z",
    webhook_id: str | None = None,
    **changes: str | None,
) -> tuple[dict[str, str], bytes]:
    """Headers and body; a change names a header by its last part, and None leaves it out."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": signature(raw, secret),
        "X-Shopify-Shop-Domain": domain,
        "X-Shopify-Webhook-Id": webhook_id or str(uuid4()),
        "X-Shopify-Event-Id": "one-action-of-the-merchant",
        "X-Shopify-Triggered-At": triggered_at,
        "X-Shopify-API-Version": "2026-07",
    }
    for name, value in changes.items():
        header = f"X-Shopify-{name.replace('_', '-')}"
        headers.pop(header, None)
        if value is not None:
            headers[header] = value
    return headers, raw


async def take(runtime: Runtime, headers: Mapping[str, str], body: bytes) -> bool:
    return await receive(runtime, await announced(runtime, headers), body, request_id="test")


async def deliver(
    runtime: Runtime, shop: Shop, topic: str, body: Any, **changes: Any
) -> asyncpg.Record | None:
    """Take a delivery and work it off; return its row."""
    headers, raw = make_delivery(topic, body, **changes)
    assert await take(runtime, headers, raw) is True
    webhook_id = headers["X-Shopify-Webhook-Id"]
    await work_off.handler(run_of(runtime, shop), webhook_id=webhook_id)
    return await row_of(runtime, shop, webhook_id)


async def row_of(runtime: Runtime, shop: Shop, webhook_id: str) -> asyncpg.Record | None:
    async with runtime.database.transaction(shop.id) as db:
        return await db.fetchrow(
            "SELECT * FROM webhook_deliveries WHERE shop_id = $1 AND webhook_id = $2",
            shop.id,
            webhook_id,
        )


async def waiting(runtime: Runtime, shop: Shop, job: str) -> list[dict[str, Any]]:
    async with runtime.database.transaction(shop.id) as db:
        return await waiting_arguments(db, shop.id, job)
