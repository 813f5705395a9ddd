"""Convert payment schedules to the shop's currency.

Shopify states the amounts of schedules only in the shopper's currency. If they were converted by a
rate, every fifth amount would be a cent off. But Shopify states the order's price and its
outstanding amount in both currencies. So one of these amounts is taken in the shop's currency, and
divided among the schedules.
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
    """Convert the amounts that are still to be paid for schedules.

    They are shares of the order's outstanding amount. The rest of the outstanding amount is due
    without a schedule. If the order is cancelled, nothing is outstanding, although its schedules
    are still unpaid. So if the schedules exceed the outstanding amount, the amounts are shares of
    the order's price instead.
    """
    total = sum(due, Decimal(0))
    whole = outstanding if total <= outstanding.shown else price
    rest = max(whole.shown - total, Decimal(0))
    return allocate(whole.shop, [*due, rest], currency)[:-1]
