"""The mutation refundCreate, which pays money back and takes units back."""

from decimal import Decimal, InvalidOperation
from typing import Any

from shopify_sandbox import refunds
from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.admin.idempotency import Result
from shopify_sandbox.admin.records import Info, find, shop_of
from shopify_sandbox.ids import shopify_id
from shopify_sandbox.money import Money
from shopify_sandbox.records.lines import ZERO, LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import Transaction

_TRANSACTIONS = ("transactions",)
_LINES = ("refundLineItems",)


class RefusedError(Exception):
    """A refund that is refused, with the user error that says why."""

    def __init__(self, message: str, field: tuple[str, ...] | None) -> None:
        super().__init__(message)
        self.problem = UserProblem(message, field)


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
        parts, returned = _asked(order, input)
    except RefusedError as refused:
        return {"refund": None, "order": order, "user_errors": [refused.problem]}
    made = refunds.refund(
        shop, order, shop.action(), parts=parts, returned=returned, note=input.get("note")
    )
    return {"refund": made, "order": order, "user_errors": []}


def _asked(
    order: Order, input: dict[str, Any]
) -> tuple[list[refunds.Part], list[refunds.Returned]]:
    if input.get("currency") not in (None, order.currency):
        raise RefusedError(f"Currency must be {order.currency}", ("currency",))
    parts = _parts(order, input.get("transactions") or [])
    returned = _returned(order, input.get("refund_line_items") or [])
    if not parts and not returned:
        raise RefusedError("Refund must refund something", None)
    return parts, returned


def _parts(order: Order, given: list[dict[str, Any]]) -> list[refunds.Part]:
    parts: list[refunds.Part] = []
    for each in given:
        if each["kind"] != "REFUND":
            raise RefusedError(f"Kind {each['kind'].lower()} is not a valid transaction", None)
        payment = _payment(order, each.get("parent_id"))
        amount = _amount(order, each["amount"])
        taken = sum((part.amount for part in parts if part.payment is payment), ZERO)
        if taken + amount > order.refundable(payment):
            raise RefusedError(
                f"Refund amount {taken + amount} is greater than the {order.refundable(payment)} "
                "that is left of the transaction",
                _TRANSACTIONS,
            )
        parts.append(refunds.Part(payment, amount))
    return parts


def _payment(order: Order, parent_id: str | None) -> Transaction:
    for each in order.transactions:
        paid = each.kind == "SALE" and each.status == "SUCCESS"
        if paid and parent_id is not None and shopify_id(parent_id) == each.id:
            return each
    raise RefusedError("Transactions require a parent_id associated with the order", _TRANSACTIONS)


def _amount(order: Order, text: str) -> Decimal:
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        raise RefusedError("Amount is not a number", _TRANSACTIONS) from None
    if not amount.is_finite() or amount <= 0 or amount != Money(amount, order.currency).amount:
        raise RefusedError("Amount must be a positive amount of the currency", _TRANSACTIONS)
    return amount


def _returned(order: Order, given: list[dict[str, Any]]) -> list[refunds.Returned]:
    returned: dict[LineItem, refunds.Returned] = {}
    for each in given:
        number = shopify_id(each["line_item_id"])
        line = next((line for line in order.lines if line.id == number), None)
        if line is None or line in returned:
            raise RefusedError("Refund line items must each be a line of the order", _LINES)
        if not 0 < each["quantity"] <= line.current_quantity:
            raise RefusedError(
                "Refund line items quantity cannot refund more items than were purchased", _LINES
            )
        kind = each.get("restock_type") or "NO_RESTOCK"
        returned[line] = refunds.Returned(line, each["quantity"], kind)
    return list(returned.values())
