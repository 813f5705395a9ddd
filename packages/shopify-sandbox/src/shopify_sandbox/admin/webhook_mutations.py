"""The mutations webhookSubscriptionCreate, webhookSubscriptionUpdate and -Delete."""

import re
from typing import Any
from urllib.parse import urlsplit

from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.admin.records import Info, find, own_namespace, shop_of
from shopify_sandbox.ids import gid
from shopify_sandbox.records.subscriptions import Subscription
from shopify_sandbox.shop import Shop

# A topic is resource/event; the enum joins both by an underscore, which resources have too.
_RESOURCES = (
    "fulfillment_holds",
    "fulfillment_orders",
    "fulfillments",
    "inventory_items",
    "inventory_levels",
    "locations",
    "markets",
    "order_transactions",
    "orders",
    "payment_schedules",
    "products",
    "refunds",
    "variants",
    "shop",
    "app",
)
_NAME = re.compile(r"^[A-Za-z0-9_-]{1,50}$")
_SHOPIFY_HOST = re.compile(r"(^|\.)(shopify\.com|myshopify\.com|shopifycloud\.com)$")
# Shopify's errors still name the address by the field of earlier API versions.
_ADDRESS = ("webhookSubscription", "callbackUrl")


def _topic(name: str) -> str:
    resource = next(each for each in _RESOURCES if name.lower().startswith(f"{each}_"))
    return f"{resource}/{name.lower().removeprefix(f'{resource}_')}"


def create(_: Any, info: Info, topic: str, webhook_subscription: dict[str, Any]) -> dict[str, Any]:
    """Subscribe an address to a topic."""
    shop = shop_of(info)
    name = _topic(topic)
    given = webhook_subscription
    if problems := _problems(shop, name, given, None, allow_http=info.context.allow_http):
        return {"webhook_subscription": None, "user_errors": problems}
    moment = shop.moment()
    made = Subscription(
        id=next(shop.ids), topic=name, uri=given["uri"], created_at=moment, updated_at=moment
    )
    _fill(made, given)
    shop.subscriptions[made.id] = made
    return {"webhook_subscription": made, "user_errors": []}


def update(_: Any, info: Info, id: str, webhook_subscription: dict[str, Any]) -> dict[str, Any]:
    """Change a subscription, for instance its address or the fields in its webhooks."""
    shop = shop_of(info)
    found = find(info, id, Subscription)
    if found is None:
        return {"webhook_subscription": None, "user_errors": [_UNKNOWN]}
    given = {"uri": found.uri, **webhook_subscription}
    if problems := _problems(shop, found.topic, given, found, allow_http=info.context.allow_http):
        return {"webhook_subscription": None, "user_errors": problems}
    found.uri = given["uri"]
    _fill(found, given)
    found.updated_at = shop.moment()
    return {"webhook_subscription": found, "user_errors": []}


def delete(_: Any, info: Info, id: str) -> dict[str, Any]:
    """Delete a subscription."""
    found = find(info, id, Subscription)
    if found is None:
        return {"deleted_webhook_subscription_id": None, "user_errors": [_UNKNOWN]}
    del shop_of(info).subscriptions[found.id]
    return {
        "deleted_webhook_subscription_id": gid("WebhookSubscription", found.id),
        "user_errors": [],
    }


_UNKNOWN = UserProblem("Webhook subscription does not exist", ("id",))


def _fill(subscription: Subscription, given: dict[str, Any]) -> None:
    if "include_fields" in given:
        subscription.include_fields = tuple(given["include_fields"] or ())
    if "metafield_namespaces" in given:
        namespaces = given["metafield_namespaces"] or ()
        subscription.metafield_namespaces = tuple(own_namespace(each) for each in namespaces)
    if "filter" in given:
        subscription.filter = given["filter"]
    if "name" in given:
        subscription.name = given["name"]


def _problems(  # noqa: PLR0911 — one answer per rule
    shop: Shop,
    topic: str,
    given: dict[str, Any],
    itself: Subscription | None,
    *,
    allow_http: bool,
) -> list[UserProblem]:
    uri = given.get("uri")
    if not uri:
        return [UserProblem("Address can't be blank", _ADDRESS)]
    parts = urlsplit(uri)
    if parts.scheme == "http" and not allow_http:
        return [UserProblem("Address protocol http:// is not supported", _ADDRESS)]
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [UserProblem("Address is invalid", _ADDRESS)]
    if _SHOPIFY_HOST.search(parts.hostname):
        return [UserProblem("Address cannot be a Shopify or an internal domain", _ADDRESS)]
    name = given.get("name")
    if name is not None and not _NAME.match(name):
        return [
            UserProblem(
                "Name can only contain alphanumeric characters, underscores, and hyphens",
                ("webhookSubscription", "name"),
            )
        ]
    if given.get("filter"):
        return [
            UserProblem(
                "The sandbox shop delivers everything of a topic; leave the filter empty.",
                ("webhookSubscription", "filter"),
            )
        ]
    twin = any(
        each.topic == topic and each.uri == uri and each is not itself
        for each in shop.subscriptions.values()
    )
    if twin:
        return [UserProblem("Address for this topic has already been taken", _ADDRESS)]
    return []
