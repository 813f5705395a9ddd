"""Amounts of money in a currency, and their conversion between two currencies."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

# ISO 4217 currencies whose minor unit is not a hundredth.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = {**dict.fromkeys(_WHOLE.split(), 0), **dict.fromkeys(_THOUSANDTHS.split(), 3)}


def digits(currency: str) -> int:
    """Return how many decimals an amount of `currency` has (ISO 4217)."""
    return _DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency, rounded to that currency's minor unit."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        unit = Decimal(1).scaleb(-digits(self.currency))
        object.__setattr__(self, "amount", self.amount.quantize(unit, rounding=ROUND_HALF_UP))

    def __str__(self) -> str:
        return f"{self.amount}"


@dataclass(frozen=True, slots=True)
class Bag:
    """One amount in two currencies: the shop's and the shopper's."""

    shop: Money
    presentment: Money

    def __add__(self, other: "Bag") -> "Bag":
        return self._with(other, 1)

    def __sub__(self, other: "Bag") -> "Bag":
        return self._with(other, -1)

    def _with(self, other: "Bag", sign: int) -> "Bag":
        return Bag(
            Money(self.shop.amount + sign * other.shop.amount, self.shop.currency),
            Money(
                self.presentment.amount + sign * other.presentment.amount,
                self.presentment.currency,
            ),
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """The two currencies of an order: the shop's, and the one in which the shopper pays.

    One unit of the shop's currency is worth `rate` units of the shopper's. `rounding` is the shop's
    rule for converted prices. A value below 1, such as 0.95, is the ending of each price. A value
    of 1 or more makes each price a multiple of it, such as 100. Prices are never rounded down.
    """

    shop: str
    presentment: str
    rate: Decimal = Decimal(1)
    rounding: Decimal | None = None

    @classmethod
    def none(cls, currency: str) -> "Exchange":
        """Return the exchange of a shopper who pays in the shop's own currency."""
        return cls(currency, currency)

    def bag(self, amount: Decimal) -> Bag:
        """Return an amount of the shopper's currency in both currencies.

        Each of the two amounts is rounded separately.
        """
        return Bag(Money(amount / self.rate, self.shop), Money(amount, self.presentment))

    def converted(self, amount: Decimal) -> Decimal:
        """Convert an amount from the shop's currency into the shopper's."""
        return Money(amount * self.rate, self.presentment).amount

    def price(self, amount: Decimal) -> Decimal:
        """Convert a price into the shopper's currency, and apply the shop's rounding rule."""
        price = self.converted(amount)
        if self.rounding is None or not price:
            return price
        if self.rounding >= 1:
            steps = (price / self.rounding).to_integral_value(ROUND_CEILING)
            return Money(steps * self.rounding, self.presentment).amount
        ending = price.to_integral_value(ROUND_FLOOR) + self.rounding
        return Money(ending if ending >= price else ending + 1, self.presentment).amount
