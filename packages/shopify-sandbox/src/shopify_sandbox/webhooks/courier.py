"""The courier: signs webhooks, posts them, retries, and keeps a log of recent deliveries."""

import asyncio
import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import orjson

from shopify_sandbox.clock import rfc3339, utc_now
from shopify_sandbox.config import API_VERSION, SandboxConfig
from shopify_sandbox.faults import Fault, FaultQueue
from shopify_sandbox.records.subscriptions import Subscription
from shopify_sandbox.shop import MerchantAction, Payload, Shop

LOG_LENGTH = 5_000
PARALLEL = 32
ACCEPTED = range(200, 300)


@dataclass(slots=True, eq=False, kw_only=True)
class Delivery:
    """One webhook and the address that it is sent to; a retry belongs to the same delivery."""

    shop: Shop
    topic: str
    uri: str
    subscription: Subscription | None
    body: bytes
    headers: dict[str, str]
    created_at: datetime
    state: str = "pending"
    attempts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def webhook_id(self) -> str:
        """Return the id that stays the same over all attempts."""
        return self.headers["X-Shopify-Webhook-Id"]

    def view(self) -> dict[str, Any]:
        """Return the delivery as the control API shows it."""
        return {
            "webhook_id": self.webhook_id,
            "event_id": self.headers["X-Shopify-Event-Id"],
            "topic": self.topic,
            "uri": self.uri,
            "state": self.state,
            "created_at": rfc3339(self.created_at),
            "attempts": self.attempts,
            "headers": self.headers,
            "body": self.body.decode(),
        }


def sign(body: bytes, secret: str) -> str:
    """Return the value of X-Shopify-Hmac-Sha256: a body's HMAC-SHA256 in base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


class Courier:
    """The sender of all shops' webhooks: many at a time, in no guaranteed order."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.faults: dict[str, FaultQueue] = {shop.domain: FaultQueue() for shop in config.shops}
        self.log: deque[Delivery] = deque(maxlen=LOG_LENGTH)
        self._held: dict[str, list[Delivery]] = {shop.domain: [] for shop in config.shops}
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._slots = asyncio.Semaphore(PARALLEL)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(config.answer_timeout, connect=config.connect_timeout),
            limits=httpx.Limits(max_connections=PARALLEL),
            trust_env=False,
        )

    async def close(self) -> None:
        """Stop delivering; deliveries under way are abandoned, as if the network had failed."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def announce(
        self, shop: Shop, topic: str, action: MerchantAction, body: Callable[[], Payload]
    ) -> None:
        """Send an event to all subscriptions of its topic, if the app is installed."""
        subscribers = [each for each in shop.subscriptions.values() if each.topic == topic]
        if not subscribers or not shop.installed:
            return
        payload = body()
        for subscription in subscribers:
            wanted = _wanted(shop, payload, subscription)
            self.send(shop, topic, action, wanted, subscription=subscription)

    def send(
        self,
        shop: Shop,
        topic: str,
        action: MerchantAction,
        payload: Payload,
        *,
        subscription: Subscription | None = None,
        uri: str = "",
    ) -> Delivery:
        """Start the delivery of one body to a subscription or, without one, to `uri`."""
        body = orjson.dumps(payload)
        headers = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": shop.config.domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(uuid4()),
            "X-Shopify-Event-Id": action.event_id,
            "X-Shopify-Triggered-At": action.triggered_at.isoformat().replace("+00:00", "Z"),
            "X-Shopify-Hmac-Sha256": sign(body, shop.config.client_secret),
        }
        if subscription and subscription.name:
            headers["X-Shopify-Name"] = subscription.name
        if topic.startswith("products/"):
            headers["X-Shopify-Product-Id"] = str(payload.get("id", ""))
        if topic.startswith("orders/"):
            about = payload.get("order_edit", payload)
            headers["X-Shopify-Order-Id"] = str(about.get("order_id") or about.get("id", ""))
        delivery = Delivery(
            shop=shop,
            topic=topic,
            uri=subscription.uri if subscription else uri,
            subscription=subscription,
            body=body,
            headers=headers,
            created_at=utc_now(),
        )
        self.log.append(delivery)
        self._dispatch(delivery, self.faults[shop.config.domain].take(topic))
        return delivery

    def _dispatch(self, delivery: Delivery, fault: Fault | None) -> None:
        domain = delivery.shop.config.domain
        match fault.kind if fault else None:
            case "drop":
                delivery.state = "dropped"
                return
            case "hold":
                delivery.state = "held"
                self._held[domain].append(delivery)
                return
            case "corrupt_signature":
                delivery.headers["X-Shopify-Hmac-Sha256"] = sign(delivery.body, str(uuid4()))
            case "duplicate":
                self._start(self._deliver(delivery), domain)
        self._start(self._deliver(delivery, wait=fault.seconds if fault else 0), domain)

    def redeliver(self, delivery: Delivery) -> None:
        """Send an earlier delivery again, unchanged and with the same webhook id."""
        self._start(self._deliver(delivery), delivery.shop.config.domain)

    def release(self, domain: str, *, reverse: bool) -> int:
        """Deliver a shop's held webhooks one after the other, and return their number.

        They are delivered in their original order or, with `reverse`, the other way round.
        """
        held, self._held[domain] = self._held[domain], []
        if reverse:
            held.reverse()
        if held:
            self._start(self._deliver_in_order(held), domain)
        return len(held)

    async def idle(self, domain: str, timeout_seconds: float) -> bool:
        """Wait until no delivery of a shop is under way; return False on timeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while tasks := [task for task, whose in self._tasks.items() if whose == domain]:
                    await asyncio.wait(tasks)
        except TimeoutError:
            return False
        return True

    def forget(self, domain: str) -> None:
        """Abandon one shop's deliveries, and clear its faults and its log."""
        for task, whose in self._tasks.items():
            if whose == domain:
                task.cancel()
        self._held[domain].clear()
        self.faults[domain].clear()
        kept = [each for each in self.log if each.shop.config.domain != domain]
        self.log.clear()
        self.log.extend(kept)

    def _start(self, work: Any, domain: str) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = domain
        task.add_done_callback(self._tasks.pop)

    async def _deliver_in_order(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await self._deliver(delivery)

    async def _deliver(self, delivery: Delivery, wait: float = 0) -> None:
        await asyncio.sleep(wait)
        for pause in (*self.config.retry_delays, None):
            async with self._slots:
                accepted = await self._attempt(delivery)
            if accepted:
                delivery.state = "delivered"
                return
            if pause is None:
                break
            await asyncio.sleep(pause)
        delivery.state = "failed"
        # Shopify deletes a subscription once all attempts of a delivery have failed.
        if delivery.subscription:
            delivery.shop.subscriptions.pop(delivery.subscription.id, None)

    async def _attempt(self, delivery: Delivery) -> bool:
        attempt: dict[str, Any] = {"at": rfc3339(utc_now()), "status": None, "error": None}
        delivery.attempts.append(attempt)
        try:
            async with asyncio.timeout(self.config.answer_timeout):
                answer = await self._client.post(
                    delivery.uri, content=delivery.body, headers=delivery.headers
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            attempt["error"] = f"{type(error).__name__}: {error}"
            return False
        attempt["status"] = answer.status_code
        return answer.status_code in ACCEPTED


def _wanted(shop: Shop, payload: Payload, subscription: Subscription) -> Payload:
    wanted = dict(payload)
    if subscription.metafield_namespaces and "admin_graphql_api_id" in payload:
        wanted["metafields"] = [
            {
                "id": each.id,
                "namespace": each.namespace,
                "key": each.key,
                "value": each.value,
                "type": each.type,
            }
            for each in shop.metafields.of(payload["admin_graphql_api_id"])
            if each.namespace in subscription.metafield_namespaces
        ]
    if subscription.include_fields:
        wanted = {name: wanted[name] for name in subscription.include_fields if name in wanted}
    return wanted
