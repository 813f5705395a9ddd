"""The control API's endpoints for the app's installation, webhooks, faults and the throttle."""

import asyncio
from typing import Annotated, Any

from starlette.requests import Request

from shopify_sandbox.bodies import Body, NoBody, Number, choice
from shopify_sandbox.control.errors import MissingError, RefusalError
from shopify_sandbox.control.views import subscription_view
from shopify_sandbox.faults import GRAPHQL_FAULTS, WEBHOOK_FAULTS, Fault
from shopify_sandbox.shops import OpenShop
from shopify_sandbox.webhooks import catalogue_payloads as payloads

COMPLIANCE_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
PATIENCE_SECONDS = 10.0
NEWEST_DELIVERIES = 100


class ShopChange(Body):
    """The facts of a shop to change."""

    name: str | None = None
    email: str | None = None


class Compliance(Body):
    """A privacy webhook to send, and the customer and orders that it is about."""

    topic: Annotated[str, choice(*COMPLIANCE_TOPICS)] = COMPLIANCE_TOPICS[0]
    customer: dict[str, Any] = {}
    orders: list[Any] = []


class Patience(Body):
    """The longest time to wait, in seconds."""

    timeout: Number = PATIENCE_SECONDS


class FaultRequest(Body):
    """A fault to add.

    A fault on webhooks may be limited to one `topic`, a fault on GraphQL to one `operation`.
    """

    on: Annotated[str, choice("graphql", "webhooks")] = "graphql"
    fault: str
    count: int = 1
    topic: str | None = None
    operation: str | None = None
    status: int = 503
    seconds: Number = 0.0


class Release(Body):
    """The order in which held deliveries go out."""

    reverse: bool = False


class ThrottleChange(Body):
    """Changes to the bucket of points that limits the app's GraphQL requests.

    `maximum` is the size of the bucket, `restore_rate` the number of points restored per second,
    and `available` the number of points in the bucket now. Without `available`, the bucket is full.
    """

    maximum: Number | None = None
    restore_rate: Number | None = None
    available: Number | None = None


async def update_shop(opened: OpenShop, body: ShopChange, _: Request) -> dict[str, Any]:
    """Change the shop's name or e-mail address, and announce shop/update."""
    shop = opened.shop
    shop.name, shop.email = body.name or shop.name, body.email or shop.email
    shop.updated_at = shop.moment()
    shop.announce("shop/update", shop.action(), lambda: payloads.shop_itself(shop))
    return {"name": shop.name, "email": shop.email}


async def uninstall(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """Uninstall the app.

    First app/uninstalled is sent. From then on the app's token is rejected, and its webhook
    subscriptions are deleted.
    """
    shop = opened.shop
    shop.announce("app/uninstalled", shop.action(), lambda: payloads.shop_itself(shop))
    shop.installed = False
    shop.subscriptions.clear()
    return {"installed": False}


async def install(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """Install the app again: accept its token from now on.

    The app has no subscriptions yet, because they were deleted when it was uninstalled.
    """
    opened.shop.installed = True
    return {"installed": True}


async def send_compliance(opened: OpenShop, body: Compliance, _: Request) -> dict[str, Any]:
    """Send a webhook with one of the three privacy topics to the sandbox's `compliance_url`."""
    shop = opened.shop
    uri = opened.courier.config.compliance_url
    if uri is None:
        raise RefusalError("Start the sandbox with --compliance-url to send privacy topics.")
    payload = payloads.compliance(shop, body.topic, body.customer, body.orders)
    return opened.courier.send(shop, body.topic, shop.action(), payload, uri=uri).view()


async def list_subscriptions(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List the app's webhook subscriptions."""
    return {"subscriptions": [subscription_view(e) for e in opened.shop.subscriptions.values()]}


async def list_deliveries(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
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
        raise RefusalError("limit must be a whole number above 0.")
    return {
        "total_count": len(found),
        "deliveries": [each.view() for each in found[-int(limit) :]],
    }


async def redeliver(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Send a delivery again, with the same body and the same webhook id."""
    webhook_id = request.path_params["webhook_id"]
    for each in opened.courier.log:
        if each.webhook_id == webhook_id and each.shop is opened.shop:
            opened.courier.redeliver(each)
            return each.view()
    raise MissingError(f"There is no delivery {webhook_id} in the log.")


async def idle(opened: OpenShop, body: Patience, _: Request) -> dict[str, Any]:
    """Wait for background jobs, then for webhook deliveries; return whether all of them ended.

    Each of the two waits lasts at most `timeout` seconds. Jobs that end after a number of polls are
    not waited for.
    """
    try:
        async with asyncio.timeout(body.timeout):
            await opened.shop.work.idle()
    except TimeoutError:
        return {"idle": False}
    return {"idle": await opened.courier.idle(opened.shop.config.domain, body.timeout)}


async def show_faults(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """Show the faults that are not used up."""
    return _faults(opened)


def _faults(opened: OpenShop) -> dict[str, Any]:
    webhooks = opened.courier.faults[opened.shop.config.domain]
    return {"graphql": opened.faults.view(), "webhooks": webhooks.view()}


async def add_fault(opened: OpenShop, body: FaultRequest, _: Request) -> dict[str, Any]:
    """Add a fault that hits the next requests (`on: graphql`) or deliveries (`on: webhooks`)."""
    on_graphql = body.on == "graphql"
    kinds = GRAPHQL_FAULTS if on_graphql else WEBHOOK_FAULTS
    kind = next((each for each in kinds if each == body.fault.casefold()), None)
    if kind is None:
        raise RefusalError(f"fault must be one of {', '.join(kinds)}.")
    if body.topic is not None and on_graphql:
        raise RefusalError("topic is for faults on webhooks; name an operation.")
    if body.operation is not None and not on_graphql:
        raise RefusalError("operation is for faults on graphql; name a topic.")
    faults = opened.faults if on_graphql else opened.courier.faults[opened.shop.config.domain]
    faults.add(
        Fault(
            kind=kind,
            count=body.count,
            topic=body.operation if on_graphql else body.topic,
            status=body.status,
            seconds=body.seconds,
        )
    )
    return _faults(opened)


async def clear_faults(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """Cancel all faults; deliveries that are held stay held until they are released."""
    opened.faults.clear()
    opened.courier.faults[opened.shop.config.domain].clear()
    return _faults(opened)


async def release(opened: OpenShop, body: Release, _: Request) -> dict[str, Any]:
    """Deliver the held webhooks one after the other, in reverse order if `reverse`."""
    domain = opened.shop.config.domain
    return {"released": opened.courier.release(domain, reverse=body.reverse)}


async def show_throttle(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """Show the bucket as GraphQL responses do, with the points spent and queries made so far."""
    return _throttle(opened)


async def set_throttle(opened: OpenShop, body: ThrottleChange, _: Request) -> dict[str, Any]:
    """Set the bucket's size, its restore rate, and the number of points in it."""
    bucket = opened.bucket
    bucket.set(
        size=bucket.size if body.maximum is None else body.maximum,
        rate=bucket.rate if body.restore_rate is None else body.restore_rate,
        available=body.available,
    )
    return _throttle(opened)


def _throttle(opened: OpenShop) -> dict[str, Any]:
    bucket = opened.bucket
    return {**bucket.status(), "spent": bucket.spent, "queries": bucket.queries}


async def reset(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """Start over: the seeded catalogue, no subscriptions, no faults, an empty log."""
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
