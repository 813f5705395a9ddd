"""Refunds of an order: lines taken back, money paid back."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shopify_sandbox.records.lines import ZERO, LineItem
from shopify_sandbox.records.payments import Transaction


@dataclass(slots=True, eq=False, kw_only=True)
class RefundLine:
    """Units of a line that a refund took back."""

    id: int
    line: LineItem
    quantity: int
    restock_type: str
    subtotal: Decimal


@dataclass(slots=True, eq=False, kw_only=True)
class Refund:
    """Lines taken back, or money paid back, or both."""

    id: int
    created_at: datetime
    note: str | None = None
    lines: list[RefundLine] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """Return the money that was paid back."""
        return sum((each.amount for each in self.transactions if each.status == "SUCCESS"), ZERO)
