"""Order.suggestedRefund: what Shopify would pay back for lines and shipping."""

from decimal import Decimal
from typing import Any

from shopify_sandbox import refunds
from shopify_sandbox.admin.money_fields import money_bag
from shopify_sandbox.admin.records import Info, Resolver
from shopify_sandbox.admin.refund_inputs import (
    RefusedError,
    read_lines,
    read_shipping,
)
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.taxes import ZERO


def suggest(
    order: Order,
    _: Info,
    refund_line_items: list[dict[str, Any]] | None = None,
    shipping_amount: str | None = None,
    *,
    refund_shipping: bool = False,
    suggest_full_refund: bool = False,
) -> dict[str, Any] | None:
    """Suggest a refund of lines and shipping; return None if they cannot be refunded.

    The refund reduces the order's outstanding amount first. Only the rest is paid back.
    """
    try:
        returned = read_lines(order, refund_line_items or [])
        shipping = read_shipping(order, {"amount": shipping_amount, "full_refund": refund_shipping})
    except RefusedError:
        return None
    if suggest_full_refund:
        left = {each: each.current_quantity for each in order.lines if each.current_quantity}
        returned = [refunds.Returned(line, count, "NO_RESTOCK") for line, count in left.items()]
        shipping = order.current_shipping
    lines = [refunds.refunded_line(each, each.line.id) for each in returned]
    part = refunds.refunded_shipping(order, shipping, order.id)
    subtotal = sum((each.subtotal for each in lines), ZERO)

    def bag(amount: Decimal) -> dict[str, Any]:
        return money_bag(order.bag(amount))

    return {
        "amount_set": bag(refunds.owed(order, returned, shipping)),
        "discounted_subtotal_set": bag(subtotal),
        "maximum_refundable_set": money_bag(order.total_bag("net_payment")),
        "refund_line_items": lines,
        "shipping": {
            "amount_set": bag(part.subtotal),
            "maximum_refundable_set": bag(order.current_shipping),
            "tax_set": bag(part.tax),
        },
        "subtotal_set": bag(subtotal),
        "suggested_transactions": [
            {
                "amount_set": bag(each.amount),
                "gateway": each.payment.gateway,
                "kind": "SUGGESTED_REFUND",
                "maximum_refundable_set": bag(order.refundable(each.payment)),
                "parent_transaction": each.payment,
            }
            for each in refunds.spread(order, refunds.owed(order, returned, shipping))
        ],
        "total_cart_discount_amount_set": bag(ZERO),
        "total_duties_set": bag(ZERO),
        "total_tax_set": bag(sum((each.tax for each in lines), part.tax)),
    }


FIELDS: dict[str, Resolver] = {"Order.suggestedRefund": suggest}
