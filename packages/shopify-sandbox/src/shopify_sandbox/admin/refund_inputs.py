"""The input of refundCreate and suggestedRefund: payments, units and the shipping price."""

from decimal import Decimal
from typing import Any

from shopify_sandbox import refunds
from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.bodies import read_number
from shopify_sandbox.ids import shopify_id
from shopify_sandbox.money import Money
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import Transaction
from shopify_sandbox.records.taxes import ZERO

_TRANSACTIONS = ("transactions",)
_LINES = ("refundLineItems",)
_SHIPPING = ("shipping",)


class RefusedError(Exception):
    """A refund that is refused, with the user error that says why."""

    def __init__(self, message: str, field: tuple[str, ...] | None) -> None:
        super().__init__(message)
        self.problem = UserProblem(message, field)


def read_parts(order: Order, given: list[dict[str, Any]]) -> list[refunds.Part]:
    """Return the amounts to pay back, each with the payment that it is taken from."""
    parts: list[refunds.Part] = []
    for each in given:
        if each["kind"] != "REFUND":
            raise RefusedError(f"Kind {each['kind'].lower()} is not a valid transaction", None)
        payment = _payment(order, each.get("parent_id"))
        amount = _amount(order, each["amount"], _TRANSACTIONS)
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
    for each in order.payments:
        if parent_id is not None and shopify_id(parent_id) == each.id:
            return each
    raise RefusedError("Transactions require a parent_id associated with the order", _TRANSACTIONS)


def read_shipping(order: Order, given: dict[str, Any]) -> Decimal:
    """Return the amount of the shipping price that is to be refunded."""
    if given.get("full_refund"):
        return order.current_shipping
    if given.get("amount") is None:
        return ZERO
    amount = _amount(order, given["amount"], _SHIPPING)
    if amount > order.current_shipping:
        raise RefusedError("Refund shipping amount is greater than what is refundable", _SHIPPING)
    return amount


def _amount(order: Order, text: str, field: tuple[str, ...]) -> Decimal:
    amount = read_number(text)
    if amount is None:
        raise RefusedError("Amount is not a number", field)
    if amount <= 0 or amount != Money(amount, order.currency).amount:
        raise RefusedError("Amount must be a positive amount of the currency", field)
    return amount


def read_lines(order: Order, given: list[dict[str, Any]]) -> list[refunds.Returned]:
    """Return the order lines to refund, each with the number of units and their restock type."""
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
