"""Convert payment schedules to the shop's currency, as Shopify states them only in the shopper's.

Conversion by a rate would put every fifth amount a cent off. But Shopify states some amounts in
both currencies: the order's price, its outstanding amount and each payment. So such an amount, in
the shop's currency, is divided among the schedules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from openstoq.kernel.money import allocate


@dataclass(frozen=True, slots=True)
class Bag:
    """One amount in the shop's currency and in the currency that was shown to the shopper."""

    shop: Decimal
    shown: Decimal

    def __add__(self, other: "Bag") -> "Bag":
        """Return the sum in both currencies."""
        return Bag(self.shop + other.shop, self.shown + other.shown)


NOTHING = Bag(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """The amounts of an order in both currencies; `payments` are sorted by time, oldest first."""

    price: Bag
    outstanding: Bag
    payments: Sequence[Bag]


def convert_due(due: Sequence[Decimal], stated: Stated, currency: str) -> list[Decimal]:
    """Convert the amounts that are still to be paid for schedules.

    They are shares of the order's outstanding amount. The rest of the outstanding amount is due
    without a schedule. If the order is cancelled, nothing is outstanding, although its schedules
    are still unpaid. So if the schedules exceed the outstanding amount, the amounts are shares of
    the order's price instead.
    """
    fits = sum(due, Decimal(0)) <= stated.outstanding.shown
    return _shares(stated.outstanding if fits else stated.price, due, currency)


def convert_paid(paid: Sequence[Decimal], stated: Stated, currency: str) -> list[Decimal]:
    """Convert the amounts that were paid for schedules.

    They are shares of the payments that paid for the schedules. If those payments cannot be
    identified by their amounts, they are shares of all payments, or else of the order's price.
    """
    amount = sum(paid, Decimal(0))
    if amount <= 0:
        return [Decimal(0) for _ in paid]
    received = sum(stated.payments, NOTHING)
    whole = _paid_later(amount, stated.payments) or received
    return _shares(whole if amount <= whole.shown else stated.price, paid, currency)


def _paid_later(amount: Decimal, payments: Sequence[Bag]) -> Bag | None:
    """Return the sum of the payments that exactly match an amount.

    They are the last payments, if these add up to it, or else a single payment. Returns None if
    neither matches.
    """
    later = NOTHING
    for payment in reversed(payments):
        later += payment
        if later.shown >= amount:
            break
    if later.shown == amount:
        return later
    return next((one for one in payments if one.shown == amount), None)


def _shares(whole: Bag, parts: Sequence[Decimal], currency: str) -> list[Decimal]:
    rest = max(whole.shown - sum(parts, Decimal(0)), Decimal(0))
    return allocate(whole.shop, [*parts, rest], currency)[:-1]
