"""The records of an order's money: cards, transactions, and payment schedules."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from shopify_sandbox.money import Bag, Exchange
from shopify_sandbox.records.lines import LineItem

GATEWAY = "shopify_payments"
GIFT_CARD = "gift_card"
# The kinds that bring money to the shop.
PAYMENTS = ("SALE", "CAPTURE")


@dataclass(slots=True, eq=False, kw_only=True)
class Mandate:
    """A card that the shopper left to be charged later; `card` names its behaviour."""

    id: int
    card: str
    declines_left: int = 0
    brand: str = "Visa"
    last_digits: str = "4242"
    expiry_month: int = 12
    expiry_year: int = 2031

    @property
    def expired(self) -> bool:
        """Return whether the card can no longer be charged."""
        return self.card == "expired"


@dataclass(slots=True, eq=False, kw_only=True)
class Transaction:
    """A movement of money in the shopper's currency.

    The kind is SALE, AUTHORIZATION, CAPTURE, VOID or REFUND, the status SUCCESS or FAILURE.
    """

    id: int
    kind: str
    status: str
    amount: Decimal
    exchange: Exchange
    created_at: datetime
    processed_at: datetime
    gateway: str = GATEWAY
    parent: "Transaction | None" = None
    error_code: str | None = None
    message: str | None = None
    payment_reference_id: str | None = None

    def bag(self, amount: Decimal) -> Bag:
        """Return an amount of the transaction in both currencies."""
        return self.exchange.bag(amount)


@dataclass(slots=True, eq=False, kw_only=True)
class PaymentSchedule:
    """A part of an order's price that is due later.

    The amounts are in the shopper's `currency` only. `total` is the amount before any payment.
    `balance` is the amount that is still to be paid; the webhook payment_schedules/due has only
    this one. `lines` are the lines whose plans made the schedule; Shopify does not show them.
    """

    id: int
    currency: str
    issued_at: datetime
    due_at: datetime | None
    total: Decimal
    balance: Decimal
    lines: list[LineItem] = field(default_factory=list)
    completed_at: datetime | None = None
    due_announced: bool = False

    @property
    def open(self) -> bool:
        """Return whether the schedule is still to be paid."""
        return self.completed_at is None


@dataclass(slots=True, eq=False, kw_only=True)
class PaymentTerms:
    """The terms by which the rest of an order's price is due: kind FIXED, NET or FULFILLMENT."""

    id: int
    kind: str
    name: str
    schedules: list[PaymentSchedule]
    created_at: datetime
    due_in_days: int | None = None

    @property
    def open_schedules(self) -> list[PaymentSchedule]:
        """Return the schedules that are still to be paid, the earliest first.

        Schedules without a date come last.
        """
        return sorted((each for each in self.schedules if each.open), key=_date)


def _date(schedule: PaymentSchedule) -> datetime:
    return schedule.due_at or datetime.max.replace(tzinfo=UTC)
