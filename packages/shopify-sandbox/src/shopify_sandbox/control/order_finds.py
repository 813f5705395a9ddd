"""The orders, lines and taxes that requests of the control API name."""

from collections.abc import Sequence

from starlette.requests import Request

from shopify_sandbox.control.errors import MissingError, RefusalError
from shopify_sandbox.control.order_bodies import TaxRate
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.taxes import Tax
from shopify_sandbox.shops import OpenShop


def order_of(opened: OpenShop, request: Request) -> Order:
    """Return the order of a request's address."""
    found = opened.shop.orders.get(request.path_params["id"])
    if found is None:
        raise MissingError(f"There is no order {request.path_params['id']} in this shop.")
    return found


def check_open(order: Order) -> None:
    """Refuse a change of an order that is cancelled."""
    if order.cancelled_at is not None:
        raise RefusalError("The order is cancelled.")


def line_of(order: Order, number: int) -> LineItem:
    """Return a line of an order."""
    for each in order.lines:
        if each.id == number:
            return each
    raise RefusalError(f"The order has no line {number}.")


def read_taxes(rows: Sequence[TaxRate] | None) -> tuple[Tax, ...] | None:
    """Return the taxes that a body lists.

    An empty list stays empty: it means no taxes. None, for a body without a list, stays None.
    """
    return None if rows is None else tuple(Tax(each.title, each.rate) for each in rows)
