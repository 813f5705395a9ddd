"""What decisions about orders call for; the jobs that do it subscribe to these."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OrderDecided:
    """Something about an order is to be made so in the shop."""

    order_id: int


@dataclass(frozen=True, slots=True)
class ChargeBegun:
    """A charge of a balance is in the ledger and waits to be made."""

    order_id: int
    payment_id: UUID


@dataclass(frozen=True, slots=True)
class RefundBegun:
    """A refund is in the ledger and waits to be made."""

    order_id: int
    payment_id: UUID
