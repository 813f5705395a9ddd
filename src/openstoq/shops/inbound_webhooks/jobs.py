"""Receive webhook deliveries, and publish the change in each of them to its subscribers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog

from openstoq.commerce.inbound import Change, Delivery, Inbound
from openstoq.commerce.port import CommerceUnreadable
from openstoq.errors import BadRequest, NotFound, Unauthorized
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run, Runtime
from openstoq.kernel.alone import alone
from openstoq.shops import store
from openstoq.shops.connection import webhook_secrets
from openstoq.shops.inbound_webhooks import store as deliveries
from openstoq.shops.model import Shop

log = structlog.get_logger(__name__)

jobs = JobSet("shops.webhooks")


@dataclass(frozen=True, slots=True)
class News:
    """A change reported by a shop, and the time at which the report was triggered."""

    change: Change
    triggered_at: datetime


@dataclass(frozen=True, slots=True)
class Announced:
    """A delivery as its headers describe it, before the signature of its body has been checked."""

    shop: Shop
    delivery: Delivery
    headers: Mapping[str, str]


async def announced(runtime: Runtime, headers: Mapping[str, str]) -> Announced:
    """Return the delivery that the headers describe, before the costlier reading of the body.

    Raises Unauthorized without a signature, BadRequest for headers that do not describe a delivery,
    and NotFound for a shop that has not installed the app.
    """
    inbound = runtime.ports.get(Inbound)
    if not inbound.is_signed(headers):
        raise Unauthorized("send the body's signature in X-Shopify-Hmac-Sha256")
    delivery = inbound.delivery(headers)
    shop = await store.shop_of_domain(runtime.database, delivery.shop_domain)
    if shop is None:
        raise NotFound(f"no shop {delivery.shop_domain} has installed this app")
    return Announced(shop, delivery, headers)


async def receive(runtime: Runtime, said: Announced, raw_body: bytes, *, request_id: str) -> bool:
    """Check a delivery's signature, then store it and enqueue its job in one transaction.

    Returns False if this delivery was received before. Raises Unauthorized for a bad signature,
    and BadRequest for a body that is not JSON or is about another shop.
    """
    inbound = runtime.ports.get(Inbound)
    shop, delivery = said.shop, said.delivery
    if not inbound.is_genuine(raw_body, said.headers, webhook_secrets(runtime, shop)):
        raise Unauthorized("the signature is not one of this app's")
    try:
        orjson.loads(raw_body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    _check_shop(inbound, shop, delivery.topic, raw_body)
    async with runtime.work(shop.id, request_id=request_id) as work:
        if not await deliveries.store(work.db, shop.id, delivery, raw_body, now=runtime.clock()):
            return False
        work.enqueue(work_off, webhook_id=delivery.webhook_id)
    return True


def _check_shop(inbound: Inbound, shop: Shop, topic: str, raw_body: bytes) -> None:
    """Raise BadRequest if the body is about a different shop than the header names.

    Only the body is signed. Without this check, anybody who has a signed body could apply it to
    another shop by changing the header.
    """
    try:
        named = inbound.named_shop(topic, raw_body)
    except ValueError:
        # The body cannot be read; the job that processes it records that.
        return
    if named.domain is not None:
        is_ours = named.domain == shop.domain
    else:
        is_ours = None in (named.shopify_id, shop.shopify_id) or named.shopify_id == shop.shopify_id
    if not is_ours:
        raise BadRequest("the body is about another shop than X-Shopify-Shop-Domain names")


class NotHeard(Exception):  # noqa: N818 - what happened, for the queue's log
    """Some subscribers of a delivery failed; the job calls them again."""


@jobs.job()
async def work_off(run: Run, *, webhook_id: str) -> None:
    """Call a delivery's subscribers, and record which of them succeeded, in one transaction.

    Raises NotHeard if a subscriber failed: the next run calls only those that failed.
    """
    async with run.work(durable=False) as work:
        stored = await deliveries.load(work.db, work.shop_id, webhook_id)
        if stored is None:
            return
        failures: dict[str, str] = {}
        heard, change = stored.heard, None
        with alone("webhook", webhook_id, failures):
            change = _change(run, stored)
        if change is not None:
            news = News(change, stored.triggered_at)
            heard, failures = await work.publish_apart(news, stored.heard)
        await deliveries.note(
            work.db,
            work.shop_id,
            webhook_id,
            heard=heard,
            done_at=run.runtime.clock() if change is None or not failures else None,
            error="; ".join(failures.values()) or None,
        )
    if change is not None and failures:
        raise NotHeard("; ".join(f"{name}: {error}" for name, error in failures.items()))


def _change(run: Run, stored: deliveries.Stored) -> Change | None:
    try:
        return run.runtime.ports.get(Inbound).change(stored.topic, stored.body)
    except ValueError as malformed:
        raise CommerceUnreadable(str(malformed)) from malformed
