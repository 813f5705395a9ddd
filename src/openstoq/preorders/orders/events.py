"""Events of orders, for the jobs that ask Shopify and for the mails."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OrderDecided:
    """Something was decided about an order that Shopify has to follow."""

    order_id: int


@dataclass(frozen=True, slots=True)
class BalanceCollected:
    """The balance of an order that was known before was collected, by whichever means."""

    order_id: int


@dataclass(frozen=True, slots=True)
class RefundBegun:
    """A refund is in the ledger and waits to be made."""

    order_id: int
    payment_id: UUID
