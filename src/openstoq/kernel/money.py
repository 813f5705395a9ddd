"""Money: Decimal amounts in a currency whose minor unit is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

# ISO 4217 currencies whose minor unit is not a hundredth.
_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def digits(currency: str) -> int:
    """Return the number of decimals in an amount of `currency` (ISO 4217)."""
    return _DIGITS.get(currency, 2)


def unit(currency: str) -> Decimal:
    """Return the smallest amount in `currency` (ISO 4217)."""
    return Decimal(1).scaleb(-digits(currency))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency, rounded to that currency's minor unit."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        rounded = self.amount.quantize(unit(self.currency), rounding=ROUND_HALF_UP)
        object.__setattr__(self, "amount", rounded)

    def __str__(self) -> str:
        return f"{self.amount}"


def allocate(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Divide an amount in proportion to weights, so that rounding loses no unit of the currency.

    Each part is first rounded down to the currency's smallest unit. The units that are missing then
    go, one each, to the parts that lost most by rounding. If parts lost equally, the earlier part
    comes first. If the sum of the weights is not positive, all parts are 0.
    """
    whole = sum(weights, Decimal(0))
    if whole <= 0:
        return [Decimal(0) for _ in weights]
    smallest = unit(currency)
    exact = [amount * weight / whole for weight in weights]
    parts = [one.quantize(smallest, rounding=ROUND_DOWN) for one in exact]
    missing = int((amount - sum(parts, Decimal(0))) / smallest)
    losers = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in losers[:missing]:
        parts[i] += smallest
    return parts
