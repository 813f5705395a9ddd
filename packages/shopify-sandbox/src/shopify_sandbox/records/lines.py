"""Lines of an order."""

from dataclasses import dataclass, field
from decimal import Decimal

from shopify_sandbox.money import Money
from shopify_sandbox.records.catalogue import Variant

ZERO = Decimal(0)


@dataclass(slots=True, eq=False, kw_only=True)
class LineItem:
    """Units of one variant in an order.

    `quantity` is as ordered, and `current_quantity` is the rest after edits and refunds.
    `fulfilled_quantity` units were sent, of which `returned_quantity` came back. `unit_price` is
    after the selling plan's own adjustment. `due_at_checkout` is the part of `total` that was
    charged when the order was placed. `taken` has the units taken from stock, by location id.
    """

    id: int
    variant: Variant
    quantity: int
    current_quantity: int
    unit_price: Decimal
    currency: str
    fulfilled_quantity: int = 0
    returned_quantity: int = 0
    requires_shipping: bool = True
    selling_plan_id: int | None = None
    selling_plan_name: str | None = None
    discount: Decimal = ZERO
    due_at_checkout: Decimal = ZERO
    properties: dict[str, str] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)

    @property
    def unfulfilled_quantity(self) -> int:
        """Return how many units are still to be sent."""
        return self.current_quantity + self.returned_quantity - self.fulfilled_quantity

    @property
    def total(self) -> Decimal:
        """Return the price of `quantity` units after the discount."""
        return self.unit_price * self.quantity - self.discount

    @property
    def deferred(self) -> Decimal:
        """Return the part of `total` that was not charged when the order was placed."""
        return self.total - self.due_at_checkout

    @property
    def current_total(self) -> Decimal:
        """Return the price of the units that are left, with their share of the discount."""
        return self.share(self.current_quantity)

    def lower(self, quantity: int) -> None:
        """Remove units: first those that were not sent, then those that were."""
        self.returned_quantity += max(0, quantity - self.unfulfilled_quantity)
        self.current_quantity -= quantity

    def share(self, quantity: int) -> Decimal:
        """Return the discounted price of `quantity` units, rounded to the currency's minor unit."""
        return Money(self.total * quantity / self.quantity, self.currency).amount
