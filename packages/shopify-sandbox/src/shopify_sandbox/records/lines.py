"""Lines of an order."""

from dataclasses import dataclass, field
from decimal import Decimal

from shopify_sandbox.money import Bag, Exchange, Money
from shopify_sandbox.records.catalogue import Variant
from shopify_sandbox.records.taxes import ZERO, Tax, Taxation


@dataclass(slots=True, eq=False, kw_only=True)
class LineItem:
    """Units of one variant in an order, or of something that is in no catalogue.

    `ordered_quantity` is the number of units in the original order. `quantity` also counts the
    units that edits added. `current_quantity` counts the units that are left after edits and
    refunds. `fulfilled_quantity` units were sent, and `returned_quantity` of them came back.

    `unit_price` includes the selling plan's price adjustment. `discount` applies to the ordered
    units; units that an edit adds have none. `due_at_checkout` is the part of the cost that was
    charged when the order was placed. All amounts are in the shopper's currency.

    `taken` is the number of units taken from stock, by location id. A line without a variant has a
    `custom_title`.
    """

    id: int
    variant: Variant | None
    quantity: int
    current_quantity: int
    unit_price: Decimal
    exchange: Exchange
    custom_title: str = ""
    ordered_quantity: int = -1
    fulfilled_quantity: int = 0
    returned_quantity: int = 0
    requires_shipping: bool = True
    selling_plan_id: int | None = None
    selling_plan_name: str | None = None
    discount: Decimal = ZERO
    taxation: Taxation = field(default_factory=Taxation)
    due_at_checkout: Decimal = ZERO
    properties: dict[str, str] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.ordered_quantity < 0:
            self.ordered_quantity = self.quantity

    @property
    def currency(self) -> str:
        """Return the currency of the line's amounts, which is the shopper's."""
        return self.exchange.presentment

    @property
    def title(self) -> str:
        """Return the product's title, or `custom_title` if the line has no variant."""
        return self.variant.product.title if self.variant else self.custom_title

    @property
    def variant_title(self) -> str | None:
        """Return the variant's title.

        Returns None if there is no variant, or if the product has no options.
        """
        if self.variant is None or self.variant.product.has_only_default_variant:
            return None
        return self.variant.title

    @property
    def name(self) -> str:
        """Return the line's title, followed by the variant's title if there is one."""
        return f"{self.title} - {self.variant_title}" if self.variant_title else self.title

    @property
    def sku(self) -> str | None:
        """Return the variant's stock keeping unit."""
        return self.variant.sku if self.variant else None

    @property
    def vendor(self) -> str | None:
        """Return the product's vendor."""
        return self.variant.product.vendor if self.variant else None

    @property
    def taxable(self) -> bool:
        """Return whether the line is taxed."""
        return self.variant.taxable if self.variant else bool(self.taxation.taxes)

    @property
    def unfulfilled_quantity(self) -> int:
        """Return how many units are still to be sent."""
        return self.current_quantity + self.returned_quantity - self.fulfilled_quantity

    @property
    def total(self) -> Decimal:
        """Return the price of `quantity` units after the discount."""
        return self.share(self.quantity)

    @property
    def deferred(self) -> Decimal:
        """Return the part of the line's cost that was not charged when the order was placed."""
        return self.cost(self.quantity) - self.due_at_checkout

    @property
    def current_total(self) -> Decimal:
        """Return the price of the units that are left, with their share of the discount."""
        return self.share(self.current_quantity)

    def lower(self, quantity: int) -> None:
        """Remove units: first those that were not sent, then those that were."""
        self.returned_quantity += max(0, quantity - self.unfulfilled_quantity)
        self.current_quantity -= quantity

    def raise_by(self, quantity: int) -> None:
        """Add units, without a discount."""
        self.quantity += quantity
        self.current_quantity += quantity

    def share(self, quantity: int) -> Decimal:
        """Return the price of `quantity` units after the discount.

        The price is rounded to the currency's minor unit.
        """
        price = self.unit_price * quantity
        if self.discount:
            discounted = min(quantity, self.ordered_quantity)
            price -= self.discount * discounted / self.ordered_quantity
        return Money(price, self.currency).amount

    def taxes(self, quantity: int) -> list[tuple[Tax, Decimal]]:
        """Return each tax on `quantity` units."""
        return self.taxation.amounts(self.share(quantity), self.currency)

    def tax(self, quantity: int) -> Decimal:
        """Return the sum of the taxes on `quantity` units."""
        return self.taxation.tax(self.share(quantity), self.currency)

    def cost(self, quantity: int) -> Decimal:
        """Return the amount to pay for `quantity` units, including taxes that are not in the price."""
        return self.taxation.cost(self.share(quantity), self.currency)

    def worth(self, quantity: int) -> Decimal:
        """Return the amount by which the order gets cheaper if `quantity` units are removed."""
        return self.cost(self.current_quantity) - self.cost(self.current_quantity - quantity)

    def bag(self, amount: Decimal) -> Bag:
        """Return an amount of the line in both currencies."""
        return self.exchange.bag(amount)
