"""Refunds of an order: lines and shipping taken back, money paid back."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shopify_sandbox.money import Bag, Exchange
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.payments import Transaction
from shopify_sandbox.records.taxes import ZERO


@dataclass(slots=True, eq=False, kw_only=True)
class RefundLine:
    """Units of a line that a refund took back, with the tax that they had."""

    id: int
    line: LineItem
    quantity: int
    restock_type: str
    subtotal: Decimal
    tax: Decimal = ZERO

    def bag(self, amount: Decimal) -> Bag:
        """Return an amount of the line in both currencies."""
        return self.line.bag(amount)


@dataclass(slots=True, eq=False, kw_only=True)
class RefundShipping:
    """A part of the shipping's price that a refund gave back, with the tax that it had."""

    id: int
    subtotal: Decimal
    tax: Decimal


@dataclass(slots=True, eq=False, kw_only=True)
class Refund:
    """Lines or shipping taken back, or money paid back, or both.

    `discrepancy` is the money that was paid back beyond the reduction of the order's price.
    """

    id: int
    created_at: datetime
    exchange: Exchange
    note: str | None = None
    lines: list[RefundLine] = field(default_factory=list)
    shipping: RefundShipping | None = None
    transactions: list[Transaction] = field(default_factory=list)
    discrepancy: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Return the money that was paid back."""
        return sum((each.amount for each in self.transactions if each.status == "SUCCESS"), ZERO)

    def bag(self, amount: Decimal) -> Bag:
        """Return an amount of the refund in both currencies."""
        return self.exchange.bag(amount)
