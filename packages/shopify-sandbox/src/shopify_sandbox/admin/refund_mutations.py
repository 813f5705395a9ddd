"""The mutation refundCreate, which refunds payments, units and shipping."""

from typing import Any

from shopify_sandbox import refunds
from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.admin.idempotency import Result
from shopify_sandbox.admin.records import Info, find, shop_of
from shopify_sandbox.admin.refund_inputs import (
    RefusedError,
    read_lines,
    read_parts,
    read_shipping,
)
from shopify_sandbox.records.orders import Order


def refund(_: Any, info: Info, input: dict[str, Any]) -> Result:
    """Make a refund, once for each idempotency key."""
    return info.context.replays.once(
        info, now=shop_of(info).clock(), parameters=input, run=lambda: _refund(info, input)
    )


def _refund(info: Info, input: dict[str, Any]) -> Result:
    shop, order = shop_of(info), find(info, input["order_id"], Order)
    if order is None:
        problem = UserProblem("Order does not exist", ("orderId",))
        return {"refund": None, "order": None, "user_errors": [problem]}
    try:
        _check_currency(order, input.get("currency"))
        parts = read_parts(order, input.get("transactions") or [])
        returned = read_lines(order, input.get("refund_line_items") or [])
        shipping = read_shipping(order, input.get("shipping") or {})
    except RefusedError as refused:
        return _refused(order, refused.problem)
    if not (parts or returned or shipping):
        return _refused(order, UserProblem("Refund must refund something", None))
    made = refunds.refund(
        shop,
        order,
        shop.action(),
        parts=parts,
        returned=returned,
        shipping=shipping,
        note=input.get("note"),
    )
    return {"refund": made, "order": order, "user_errors": []}


def _refused(order: Order, problem: UserProblem) -> Result:
    return {"refund": None, "order": order, "user_errors": [problem]}


def _check_currency(order: Order, given: str | None) -> None:
    # The schema requires it where the shopper pays in another currency than the shop's.
    optional = order.currency == order.exchange.shop
    if given != order.currency and not (given is None and optional):
        raise RefusedError(f"Currency must be {order.currency}", ("currency",))
