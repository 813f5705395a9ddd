"""Taxes on an order's lines and shipping, included in the prices or added to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopify_sandbox.money import Money

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax with its rate: 0.2 is 20 %."""

    title: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Taxation:
    """The taxes of a line or of the shipping, and whether its prices include them."""

    taxes: tuple[Tax, ...] = ()
    included: bool = False

    def amounts(self, price: Decimal, currency: str) -> list[tuple[Tax, Decimal]]:
        """Return the amount of each tax on a price; as at Shopify, each is rounded separately."""
        base = price / (1 + sum(each.rate for each in self.taxes)) if self.included else price
        return [(each, Money(base * each.rate, currency).amount) for each in self.taxes]

    def tax(self, price: Decimal, currency: str) -> Decimal:
        """Return the sum of all taxes on a price."""
        return sum((amount for _, amount in self.amounts(price, currency)), ZERO)

    def cost(self, price: Decimal, currency: str) -> Decimal:
        """Return the amount to pay for a price, including taxes that are added to it."""
        return price if self.included else price + self.tax(price, currency)


def merge(parts: Sequence[tuple[Tax, Decimal]]) -> list[tuple[Tax, Decimal]]:
    """Add up the amounts of taxes that have the same title and rate."""
    found: dict[Tax, Decimal] = {}
    for tax, amount in parts:
        found[tax] = found.get(tax, ZERO) + amount
    return list(found.items())
