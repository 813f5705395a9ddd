"""Subscribe to webhooks, and repair subscriptions that were changed elsewhere."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

import structlog

from openstoq.commerce.port import AccessDenied, CommerceRefused, WebhookChange
from openstoq.commerce.shopify.answers import reading
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.pages import next_cursor

log = structlog.get_logger(__name__)

# The three privacy topics are missing on purpose: they are set in the app, not subscribed to.
TOPICS = (
    "app/uninstalled",
    "fulfillment_holds/added",
    "fulfillment_holds/released",
    "fulfillment_orders/cancelled",
    "fulfillment_orders/hold_released",
    "fulfillment_orders/merged",
    "fulfillment_orders/moved",
    "fulfillment_orders/order_routing_complete",
    "fulfillment_orders/placed_on_hold",
    "fulfillment_orders/rescheduled",
    "fulfillment_orders/scheduled_fulfillment_order_ready",
    "fulfillment_orders/split",
    "fulfillments/create",
    "fulfillments/update",
    "inventory_items/delete",
    "inventory_items/update",
    "inventory_levels/connect",
    "inventory_levels/disconnect",
    "inventory_levels/update",
    "locations/activate",
    "locations/create",
    "locations/deactivate",
    "locations/delete",
    "locations/update",
    "markets/create",
    "markets/delete",
    "markets/update",
    "order_transactions/create",
    "orders/cancelled",
    "orders/create",
    "orders/delete",
    "orders/edited",
    "orders/fulfilled",
    "orders/paid",
    "orders/partially_fulfilled",
    "orders/updated",
    "payment_schedules/due",
    "products/create",
    "products/delete",
    "products/update",
    "refunds/create",
    "shop/update",
)
_MOST = 250
# Every option is sent, so that an update removes a filter or a choice of fields.
_EVERYTHING = {"format": "JSON", "filter": "", "includeFields": []}


async def ensure(client: Client, topics: Sequence[str], uri: str) -> list[WebhookChange]:
    """Subscribe to `topics` at the address `uri`, and return the changes that were necessary.

    A subscription is ours if its address is `uri`. It is also ours if its address has the same path
    at another host, because the app may have moved from there. A subscription to any other address
    belongs to somebody else.
    """
    present = await _subscriptions(client)
    changes: list[WebhookChange] = []
    for topic in topics:
        named = topic.upper().replace("/", "_")
        same = [each for each in present if each.text("topic") == named]
        if any(each.text("uri") == uri and _sends_everything(each) for each in same):
            continue
        # Prefer the one with the exact address: Shopify refuses a second subscription to it.
        ours = sorted(
            (each for each in same if _is_ours(each.text("uri"), uri)),
            key=lambda each: each.text("uri") != uri,
        )
        if ours:
            await _update(client, ours[0].text("id"), uri)
            changes.append(WebhookChange(topic, "updated"))
        elif (action := await _create(client, named, uri)) is not None:
            changes.append(WebhookChange(topic, action))
    return changes


async def _subscriptions(client: Client) -> list[Fields]:
    found: list[Fields] = []
    after: str | None = None
    while True:
        answer = await client.execute("WebhookSubscriptionsPage", first=_MOST, after=after)
        with reading("WebhookSubscriptionsPage"):
            page = answer.whole().inside("webhookSubscriptions")
            found += page.each("nodes")
            after = next_cursor(page)
        if after is None:
            return found


async def _create(client: Client, topic: str, uri: str) -> Literal["created", "denied"] | None:
    try:
        answer = await client.execute(
            "WebhookSubscriptionCreate", topic=topic, webhookSubscription={"uri": uri} | _EVERYTHING
        )
        answer.payload("webhookSubscriptionCreate")
    except AccessDenied as denied:
        log.warning("webhooks.denied", topic=topic, reason=str(denied))
        return "denied"
    except CommerceRefused as refused:
        # Another process was faster, or our first attempt succeeded and its answer was lost.
        if refused.refusals and all("taken" in each.message for each in refused.refusals):
            return None
        # No code shows that the app lacks a scope, or Shopify's approval for customers' data. But
        # such a refusal blames no part of the subscription, such as its address.
        blamed = {part for each in refused.refusals for part in each.field}
        if refused.refusals and blamed <= {"webhookSubscription", "topic"}:
            log.warning("webhooks.denied", topic=topic, reason=str(refused))
            return "denied"
        raise
    return "created"


async def _update(client: Client, subscription: str, uri: str) -> None:
    answer = await client.execute(
        "WebhookSubscriptionUpdate", id=subscription, webhookSubscription={"uri": uri} | _EVERYTHING
    )
    answer.payload("webhookSubscriptionUpdate")


def _sends_everything(subscription: Fields) -> bool:
    return (
        subscription.text("format") in ("JSON", "")
        and not subscription.text("filter")
        and not subscription.texts("includeFields")
    )


def _is_ours(present: str, wanted: str) -> bool:
    there, here = urlsplit(present), urlsplit(wanted)
    return there.scheme in ("http", "https") and there.path == here.path
