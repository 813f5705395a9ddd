"""Convert payment schedules to the shop's currency.

Shopify states the amounts of schedules only in the shopper's currency. If they were converted by a
rate, every fifth amount would be a cent off. But Shopify states the order's price and its
outstanding amount in both currencies. So either the outstanding amount or the price is taken in the
shop's currency, and divided among the schedules.
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


def convert_due(
    due: Sequence[Decimal], *, price: Bag, outstanding: Bag, currency: str
) -> list[Decimal]:
    """Convert `due`, the unpaid amounts of an order's schedules, to the shop's currency.

    The order's outstanding amount is divided in proportion to `due`. The part of it that no
    schedule covers is due without a schedule. A cancelled order has no outstanding amount, although
    its schedules are still unpaid. So if the schedules exceed the outstanding amount, the order's
    price is divided instead.
    """
    total = sum(due, Decimal(0))
    whole = outstanding if total <= outstanding.shown else price
    rest = max(whole.shown - total, Decimal(0))
    return allocate(whole.shop, [*due, rest], currency)[:-1]
