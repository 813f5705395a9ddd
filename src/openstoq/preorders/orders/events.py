"""Events of orders, for those that act on them: jobs that ask Shopify, and mails."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OrderDecided:
    """Something about an order is to be made so in the shop."""

    order_id: int


@dataclass(frozen=True, slots=True)
class BalanceCollected:
    """The balance of an order that was known before has come, by whatever way."""

    order_id: int


@dataclass(frozen=True, slots=True)
class RefundBegun:
    """A refund is in the ledger and waits to be made."""

    order_id: int
    payment_id: UUID
