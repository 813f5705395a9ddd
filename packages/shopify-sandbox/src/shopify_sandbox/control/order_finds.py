"""Look up the orders, lines and taxes that a request of the control API refers to."""

from collections.abc import Sequence

from starlette.requests import Request

from shopify_sandbox.control.errors import MissingError, RefusalError
from shopify_sandbox.control.order_bodies import TaxRate
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.taxes import Tax
from shopify_sandbox.shops import OpenShop


def order_of(opened: OpenShop, request: Request) -> Order:
    """Return the order whose id is in a request's path.

    Raises MissingError if the shop has no such order.
    """
    found = opened.shop.orders.get(request.path_params["id"])
    if found is None:
        raise MissingError(f"There is no order {request.path_params['id']} in this shop.")
    return found


def check_open(order: Order) -> None:
    """Raise RefusalError if an order is cancelled, because it can no longer be changed then."""
    if order.cancelled_at is not None:
        raise RefusalError("The order is cancelled.")


def line_of(order: Order, number: int) -> LineItem:
    """Return the line with the id `number`; raise RefusalError if the order has no such line."""
    for each in order.lines:
        if each.id == number:
            return each
    raise RefusalError(f"The order has no line {number}.")


def read_taxes(rows: Sequence[TaxRate] | None) -> tuple[Tax, ...] | None:
    """Return the taxes that a body lists.

    An empty list stays empty: it means no taxes. None, for a body without a list, stays None.
    """
    return None if rows is None else tuple(Tax(each.title, each.rate) for each in rows)
