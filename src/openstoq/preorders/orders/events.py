"""Events of orders, for the jobs that make requests to Shopify and for the mails."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OrderDecided:
    """A decision about an order that has to be carried out in Shopify."""

    order_id: int


@dataclass(frozen=True, slots=True)
class BalanceCollected:
    """The balance of an already known order was collected, by whatever means."""

    order_id: int


@dataclass(frozen=True, slots=True)
class RefundBegun:
    """A refund was entered in the ledger, and has to be requested from Shopify."""

    order_id: int
    payment_id: UUID
