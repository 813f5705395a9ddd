"""Convert payment schedules to the shop's currency: Shopify states them only in the shopper's.

A rate would put every fifth amount a cent off. So the amounts that Shopify states in both
currencies decide: what is outstanding, and the payments. The schedules are shares of those.
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
    """The amounts of an order in both currencies; `payments` are in the sequence of their time."""

    price: Bag
    outstanding: Bag
    payments: Sequence[Bag]


def convert_due(due: Sequence[Decimal], stated: Stated, currency: str) -> list[Decimal]:
    """Convert the amounts that schedules still wait for.

    They add up to the outstanding amount, less what is due without a schedule. A cancelled order
    has nothing outstanding although its schedules still wait, so its price is the measure then.
    """
    fits = sum(due, Decimal(0)) <= stated.outstanding.shown
    return _shares(stated.outstanding if fits else stated.price, due, currency)


def convert_paid(paid: Sequence[Decimal], stated: Stated, currency: str) -> list[Decimal]:
    """Convert the amounts that were paid for schedules.

    They add up to the payments that paid for them, if these can be found by their amounts.
    """
    amount = sum(paid, Decimal(0))
    if amount <= 0:
        return [Decimal(0) for _ in paid]
    received = sum(stated.payments, NOTHING)
    whole = _paid_later(amount, stated.payments) or received
    return _shares(whole if amount <= whole.shown else stated.price, paid, currency)


def _paid_later(amount: Decimal, payments: Sequence[Bag]) -> Bag | None:
    """Return the payments that add up to an amount: the last ones, or else a single one."""
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
