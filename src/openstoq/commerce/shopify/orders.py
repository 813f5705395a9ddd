"""Read a shop's orders, find those that changed, and tag them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import structlog

from openstoq.commerce.orders import (
    FulfillmentLine,
    FulfillmentOrder,
    Order,
    OrderLine,
    OrderPage,
)
from openstoq.commerce.shopify import order_fields
from openstoq.commerce.shopify.answers import readable, reading
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.pages import next_cursor
from openstoq.kernel.clock import rfc3339
from openstoq.kernel.ids import gid

log = structlog.get_logger(__name__)

Member = TypeVar("Member", OrderLine, FulfillmentOrder, FulfillmentLine)

_MOST = 250
_FULFILLMENT_ORDERS = 10
# Each of these fields needs a permission that Shopify gives on request. Without them an order is
# still held and counted, but its shopper can neither be charged nor be sent mails.
_ON_REQUEST = frozenset(
    {
        "customer",
        "email",
        "phone",
        "shippingAddress",
        "purchasingEntity",
        "paymentTerms",
        "vaultedPaymentMethods",
    }
)


async def order(client: Client, order_id: int) -> Order | None:
    """Read an order with all its lines and fulfillment orders, over as many pages as needed.

    Returns None if the order does not exist.
    """
    answer = await client.execute("OrderById", id=gid("Order", order_id))
    with reading("OrderById"):
        told = answer.whole(optional=_ON_REQUEST)
        if not told.has("order"):
            return None
        node = told.inside("order")
        part = order_fields.order(node)
        taxes_included = order_fields.taxes_included(node)
        after = next_cursor(node.inside("lineItems"))
        begun, more = _begun(node.inside("fulfillmentOrders"))
    if answer.errors:
        scopes = sorted({scope for error in answer.errors for scope in error.scopes})
        log.warning("order.partly_denied", order_id=order_id, scopes=scopes)
    return replace(
        part,
        lines=_once(
            [
                *part.lines,
                *await _further_lines(client, order_id, after, taxes_included=taxes_included),
            ]
        ),
        fulfillment_orders=_once(
            [
                await _completed(client, one, rest)
                for one, rest in [*begun, *await _further(client, order_id, more)]
            ]
        ),
    )


async def updated(
    client: Client, since: datetime, *, after: str | None
) -> AsyncIterator[OrderPage]:
    """Read the ids of the orders updated since `since`, page by page."""
    query = f"updated_at:>='{rfc3339(since)}'"
    while True:
        answer = await client.execute("OrdersUpdatedPage", first=_MOST, after=after, query=query)
        with reading("OrdersUpdatedPage"):
            page = answer.whole().inside("orders")
            found = list(readable("OrdersUpdatedPage", page.each("nodes"), _updated))
            after = next_cursor(page)
        yield OrderPage(tuple(found), after)
        if after is None:
            return


def _updated(node: Fields) -> tuple[int, datetime]:
    return node.id("id"), node.moment("updatedAt")


async def tag(client: Client, order_id: int, tags: Sequence[str]) -> None:
    """Add tags to an order."""
    if tags:
        answer = await client.execute("OrderTagsAdd", id=gid("Order", order_id), tags=list(tags))
        answer.payload("tagsAdd")


async def untag(client: Client, order_id: int, tags: Sequence[str]) -> None:
    """Remove tags from an order."""
    if tags:
        answer = await client.execute("OrderTagsRemove", id=gid("Order", order_id), tags=list(tags))
        answer.payload("tagsRemove")


async def _further_lines(
    client: Client, order_id: int, after: str | None, *, taxes_included: bool
) -> list[OrderLine]:
    found: list[OrderLine] = []
    while after is not None:
        answer = await client.execute(
            "OrderLinesPage", id=gid("Order", order_id), first=_MOST, after=after
        )
        with reading("OrderLinesPage"):
            page = answer.whole().inside("order").inside("lineItems")
            found += order_fields.lines(page, taxes_included=taxes_included)
            after = next_cursor(page)
    return found


async def _further(
    client: Client, order_id: int, after: str | None
) -> list[tuple[FulfillmentOrder, str | None]]:
    found: list[tuple[FulfillmentOrder, str | None]] = []
    while after is not None:
        answer = await client.execute(
            "OrderFulfillmentOrdersPage",
            id=gid("Order", order_id),
            first=_FULFILLMENT_ORDERS,
            after=after,
        )
        with reading("OrderFulfillmentOrdersPage"):
            page = answer.whole().inside("order").inside("fulfillmentOrders")
            begun, after = _begun(page)
            found += begun
    return found


def _begun(connection: Fields) -> tuple[list[tuple[FulfillmentOrder, str | None]], str | None]:
    """Parse a page of fulfillment orders; return them and the cursor to the next page.

    Each fulfillment order comes with the cursor to its further lines, or None if it is complete.
    """
    begun = [
        (order_fields.fulfillment_order(node), next_cursor(node.inside("lineItems")))
        for node in connection.distinct("nodes")
    ]
    return begun, next_cursor(connection)


async def _completed(client: Client, part: FulfillmentOrder, after: str | None) -> FulfillmentOrder:
    lines: list[FulfillmentLine] = list(part.lines)
    while after is not None:
        answer = await client.execute(
            "FulfillmentOrderLinesPage",
            id=gid("FulfillmentOrder", part.id),
            first=_MOST,
            after=after,
        )
        with reading("FulfillmentOrderLinesPage"):
            page = answer.whole().inside("fulfillmentOrder").inside("lineItems")
            lines += order_fields.fulfillment_lines(page)
            after = next_cursor(page)
    return replace(part, lines=_once(lines))


def _once(members: Iterable[Member]) -> tuple[Member, ...]:
    """Return each member once.

    If the order changes while its pages are read, a member may be on two pages.
    """
    return tuple({member.id: member for member in members}.values())
