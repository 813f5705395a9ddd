"""Charges of shoppers' saved cards."""

from dataclasses import dataclass, field
from decimal import Decimal

from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import Mandate, PaymentSchedule, Transaction


@dataclass(slots=True, eq=False, kw_only=True)
class Charge:
    """A charge of a saved card for an order; `status` is one of OrderPaymentStatusResult."""

    reference: str
    key: str
    order: Order
    mandate: Mandate
    amount: Decimal
    schedule: PaymentSchedule | None
    job_id: str = ""
    status: str = "PROCESSING"
    error: str | None = None
    transactions: list[Transaction] = field(default_factory=list)
