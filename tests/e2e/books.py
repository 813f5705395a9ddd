"""What an order should have come to, by sums of the tests' own: nothing of it is asked of anybody."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

UNITS = {"USD": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001")}
ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Bought:
    """A line: `percent` of it is paid at checkout; `offer` is None for what is no preorder."""

    offer: str | None
    price: Decimal
    quantity: int
    percent: int
    discount: Decimal
    unit: Decimal
    counted: bool = True
    left: int = field(init=False)
    sent: int = 0

    def __post_init__(self) -> None:
        self.left = self.quantity

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity - self.discount

    @property
    def due(self) -> Decimal:
        """What of it is paid at checkout."""
        return rounded(self.total * self.percent / 100, self.unit)

    def worth(self, units: int) -> Decimal:
        return rounded(self.total * units / self.quantity, self.unit)


@dataclass(slots=True, kw_only=True)
class Books:
    """An order's money, and where it stands."""

    lines: list[Bought]
    came: Decimal = field(init=False)
    # How much of what came did so after checkout.
    later: Decimal = ZERO
    back: Decimal = ZERO
    # How much of it the merchant paid back of what was paid at checkout.
    deposit_back: Decimal = ZERO
    # What was paid back although nothing was taken back.
    allowed: Decimal = ZERO
    cancelled: bool = False
    cancelled_in_shop: bool = False
    paid_back: bool = False
    released: bool = False
    held: bool = False
    tags: set[str] = field(default_factory=set)
    others_hold: bool = False

    def __post_init__(self) -> None:
        self.came = sum((one.due for one in self.lines), ZERO)

    @property
    def preordered(self) -> list[Bought]:
        return [one for one in self.lines if one.offer is not None]

    @property
    def owed(self) -> Decimal:
        """What the shop says is still to be paid."""
        if self.cancelled_in_shop:
            return ZERO
        return max(self.worth - (self.came - self.back), ZERO)

    @property
    def worth(self) -> Decimal:
        """What is left of it costs."""
        return sum((one.worth(one.left) for one in self.lines), ZERO) - self.allowed

    @property
    def state(self) -> str:
        if self.cancelled:
            return "cancelled"
        if self.paid_back:
            return "refunded"
        if all(one.sent >= one.left for one in self.preordered):
            return "fulfilled"
        if self.released:
            return "released"
        if self.owed and any(one.percent < 100 for one in self.preordered):
            return "awaiting_balance"
        return "balance_collected" if self.later else "placed"

    @property
    def is_open(self) -> bool:
        """Whether something of it is still to be sent."""
        left = any(one.sent < one.left for one in self.preordered)
        return left and not self.cancelled_in_shop

    def collect(self) -> None:
        """All that is owed is paid."""
        self.later += self.owed
        self.came += self.owed

    def pay_back(self, amount: Decimal) -> None:
        """Money goes back: first what came for units that are gone, then for what stays bought."""
        too_much = max(self.came - self.back - self.worth, ZERO)
        self.back += amount
        self.allowed += max(amount - too_much, ZERO)

    def take_back(self, line: Bought) -> None:
        """A unit is taken back, and paid back as far as it was paid.

        Of odd amounts that is a unit of the currency more than is not owed any more, at times.
        """
        amount = max(line.worth(1) - self.owed, ZERO)
        line.left -= 1
        too_much = max(self.came - self.back - self.worth, ZERO)
        self.back += amount
        self.allowed += max(amount - too_much, ZERO)

    def cancel(self, *, in_shop: bool = False) -> None:
        self.cancelled = True
        self.cancelled_in_shop = in_shop
        for line in self.preordered:
            line.counted = False

    def counted(self, offer: str) -> int:
        """How many units count as preordered of an offer."""
        return sum(one.left for one in self.lines if one.offer == offer and one.counted)


def rounded(amount: Decimal, unit: Decimal) -> Decimal:
    """Round to the smallest unit of a currency, as shops do."""
    return amount.quantize(unit, rounding=ROUND_HALF_UP)
