"""The control API's other half: the installation, deliveries, faults and the throttle."""

import asyncio
from typing import Any

from starlette.requests import Request

from shopify_sandbox.body import Body, BodyError
from shopify_sandbox.control.views import MissingError, subscription_view
from shopify_sandbox.faults import GRAPHQL_FAULTS, WEBHOOK_FAULTS, Fault
from shopify_sandbox.shops import OpenShop
from shopify_sandbox.webhooks import catalogue_payloads as payloads

COMPLIANCE_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
PATIENCE_SECONDS = 10.0
NEWEST_DELIVERIES = 100


async def update_shop(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Change the shop's name or address, which sends shop/update."""
    shop = opened.shop
    name, email = body.text("name"), body.text("email")
    body.finish()
    shop.name, shop.email = name or shop.name, email or shop.email
    shop.updated_at = shop.moment()
    shop.announce("shop/update", shop.action(), lambda: payloads.shop_itself(shop))
    return {"name": shop.name, "email": shop.email}


async def uninstall(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Uninstall the app: app/uninstalled goes out, the token dies, subscriptions are gone."""
    body.finish()
    shop = opened.shop
    shop.announce("app/uninstalled", shop.action(), lambda: payloads.shop_itself(shop))
    shop.installed = False
    shop.subscriptions.clear()
    return {"installed": False}


async def install(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Install the app again: the token works, and nothing is subscribed."""
    body.finish()
    opened.shop.installed = True
    return {"installed": True}


async def send_compliance(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Send one of the three privacy topics to the address the app has configured for them."""
    shop = opened.shop
    topic = body.choice("topic", COMPLIANCE_TOPICS, COMPLIANCE_TOPICS[0])
    customer, orders = body.raw("customer", {}), body.raw("orders", [])
    body.finish()
    uri = opened.courier.config.compliance_url
    if uri is None:
        raise BodyError(["Start the sandbox with --compliance-url to send privacy topics."])
    if not isinstance(customer, dict) or not isinstance(orders, list):
        raise BodyError(["customer must be an object and orders a list of order ids."])
    payload = payloads.compliance(shop, topic, customer, orders)
    return opened.courier.send(shop, topic, shop.action(), payload, uri=uri).view()


async def list_subscriptions(opened: OpenShop, _: Body, __: Request) -> dict[str, Any]:
    """List the app's webhook subscriptions."""
    return {"subscriptions": [subscription_view(e) for e in opened.shop.subscriptions.values()]}


async def list_deliveries(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """List deliveries, newest last, filtered by `topic` and `state`."""
    asked = request.query_params
    domain = opened.shop.config.domain
    found = [
        each
        for each in opened.courier.log
        if each.shop.config.domain == domain
        and asked.get("topic") in (None, each.topic)
        and asked.get("state") in (None, each.state)
    ]
    limit = asked.get("limit", str(NEWEST_DELIVERIES))
    if not (limit.isascii() and limit.isdigit() and int(limit) > 0):
        raise BodyError(["limit must be a whole number above 0."])
    return {
        "total_count": len(found),
        "deliveries": [each.view() for each in found[-int(limit) :]],
    }


async def redeliver(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Send a delivery again, the very same body under the same webhook id."""
    webhook_id = request.path_params["webhook_id"]
    for each in opened.courier.log:
        if each.webhook_id == webhook_id and each.shop is opened.shop:
            opened.courier.redeliver(each)
            return each.view()
    raise MissingError(f"There is no delivery {webhook_id} in the log.")


async def idle(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Wait until every job and delivery has come to its end, each at most `timeout` seconds."""
    patience = body.number("timeout", PATIENCE_SECONDS)
    body.finish()
    try:
        async with asyncio.timeout(patience):
            await opened.shop.work.idle()
    except TimeoutError:
        return {"idle": False}
    return {"idle": await opened.courier.idle(opened.shop.config.domain, patience)}


async def show_faults(opened: OpenShop, _: Body, __: Request) -> dict[str, Any]:
    """Show the faults that are still to come."""
    webhooks = opened.courier.faults[opened.shop.config.domain]
    return {"graphql": opened.faults.view(), "webhooks": webhooks.view()}


async def add_fault(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Ask for a fault of the next requests (`on: graphql`) or deliveries (`on: webhooks`)."""
    on = body.choice("on", ("graphql", "webhooks"), "graphql")
    kinds = GRAPHQL_FAULTS if on == "graphql" else WEBHOOK_FAULTS
    fault = Fault(
        kind=body.choice("fault", kinds, ""),
        count=body.integer("count", 1),
        topic=body.text("operation" if on == "graphql" else "topic"),
        status=body.integer("status", 503),
        seconds=body.number("seconds"),
    )
    body.finish()
    webhooks = opened.courier.faults[opened.shop.config.domain]
    (opened.faults if on == "graphql" else webhooks).add(fault)
    return await show_faults(opened, body, request)


async def clear_faults(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Call off all faults; what is held stays held until it is released."""
    opened.faults.clear()
    opened.courier.faults[opened.shop.config.domain].clear()
    return await show_faults(opened, body, request)


async def release(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Deliver what was held, one after the other, backwards if `reverse`."""
    reverse = body.flag("reverse", default=False)
    body.finish()
    return {"released": opened.courier.release(opened.shop.config.domain, reverse=reverse)}


async def show_throttle(opened: OpenShop, _: Body, __: Request) -> dict[str, Any]:
    """Show the bucket as GraphQL answers do, and what was ever spent of it."""
    bucket = opened.bucket
    return {**bucket.status(), "spent": bucket.spent, "queries": bucket.queries}


async def set_throttle(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Change the bucket: its size, its restore rate and what is in it now."""
    bucket = opened.bucket
    available = body.number("available") if "available" in body else None
    size, rate = body.number("maximum", bucket.size), body.number("restore_rate", bucket.rate)
    body.finish()
    bucket.set(size=size, rate=rate, available=available)
    return await show_throttle(opened, body, request)


async def reset(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Begin anew: the seeded catalogue, no subscriptions, no faults, an empty log."""
    body.finish()
    opened.reset()
    return {"reset": True}


OPERATIONS = (
    ("PATCH", "shop", update_shop),
    ("POST", "uninstall", uninstall),
    ("POST", "install", install),
    ("POST", "compliance", send_compliance),
    ("GET", "subscriptions", list_subscriptions),
    ("GET", "deliveries", list_deliveries),
    ("POST", "deliveries/{webhook_id}/redeliver", redeliver),
    ("POST", "idle", idle),
    ("GET", "faults", show_faults),
    ("POST", "faults", add_fault),
    ("DELETE", "faults", clear_faults),
    ("POST", "faults/release", release),
    ("GET", "throttle", show_throttle),
    ("PATCH", "throttle", set_throttle),
    ("POST", "reset", reset),
)
