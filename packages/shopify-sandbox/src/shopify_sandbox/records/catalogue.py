"""The records of a shop's catalogue: locations, products, variants, and stock by location."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shopify_sandbox.ids import gid


@dataclass(slots=True, eq=False, kw_only=True)
class Location:
    """A place that holds stock."""

    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    fulfills_online_orders: bool = True
    ships_inventory: bool = True
    address1: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = "United States"
    country_code: str | None = "US"
    zip: str | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Level:
    """The stock of one inventory item at one location."""

    item: "InventoryItem"
    location: Location
    available: int
    created_at: datetime
    updated_at: datetime

    @property
    def id(self) -> int:
        """Return the location's id, by which Shopify sorts the levels of one item."""
        return self.location.id

    @property
    def gid(self) -> str:
        """Return Shopify's global id of a level: its location's id, qualified by the item's id."""
        return f"{gid('InventoryLevel', self.location.id)}?inventory_item_id={self.item.id}"


@dataclass(slots=True, eq=False, kw_only=True)
class InventoryItem:
    """The stock record of one variant, with a level at each location that stocks the variant."""

    id: int
    variant: "Variant" = field(init=False)
    created_at: datetime
    updated_at: datetime
    sku: str | None = None
    tracked: bool = True
    requires_shipping: bool = True
    levels: dict[int, Level] = field(default_factory=dict)


@dataclass(slots=True, eq=False, kw_only=True)
class Variant:
    """One choice of a product's options, with a price and a stock of its own."""

    id: int
    product: "Product"
    inventory_item: InventoryItem
    option_values: tuple[str, ...]
    price: Decimal
    position: int
    created_at: datetime
    updated_at: datetime
    compare_at_price: Decimal | None = None
    barcode: str | None = None
    inventory_policy: str = "DENY"
    taxable: bool = True

    @property
    def sku(self) -> str | None:
        """Return the stock keeping unit, which the inventory item holds."""
        return self.inventory_item.sku

    @property
    def title(self) -> str:
        """Return the option values as Shopify joins them."""
        return " / ".join(self.option_values)

    @property
    def display_name(self) -> str:
        """Return the product's title and the variant's title."""
        return f"{self.product.title} - {self.title}"

    @property
    def inventory_quantity(self) -> int:
        """Return the available stock of all active locations."""
        return sum(
            level.available
            for level in self.inventory_item.levels.values()
            if level.location.is_active
        )

    @property
    def sellable_online_quantity(self) -> int:
        """Return the available stock of active locations that fulfill online orders."""
        return sum(
            level.available
            for level in self.inventory_item.levels.values()
            if level.location.is_active and level.location.fulfills_online_orders
        )

    @property
    def available_for_sale(self) -> bool:
        """Return whether a shopper can buy the variant now."""
        return (
            not self.inventory_item.tracked
            or self.inventory_policy == "CONTINUE"
            or self.sellable_online_quantity > 0
        )


@dataclass(slots=True, eq=False, kw_only=True)
class Product:
    """A product, with its variants in the order of their positions."""

    id: int
    handle: str
    title: str
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    vendor: str = ""
    product_type: str = ""
    tags: tuple[str, ...] = ()
    status: str = "ACTIVE"
    description: str = ""
    option_names: tuple[str, ...] = ("Title",)
    variants: list[Variant] = field(default_factory=list)

    def is_open(self, moment: datetime) -> bool:
        """Return whether the online store shows the product's page at a moment."""
        is_published = self.published_at is not None and self.published_at <= moment
        return is_published and self.status == "ACTIVE"

    @property
    def total_inventory(self) -> int:
        """Return the stock of all tracked variants."""
        return sum(v.inventory_quantity for v in self.variants if v.inventory_item.tracked)

    @property
    def tracks_inventory(self) -> bool:
        """Return whether any variant's stock is counted."""
        return any(v.inventory_item.tracked for v in self.variants)

    @property
    def has_only_default_variant(self) -> bool:
        """Return whether the product has no options to choose."""
        return self.option_names == ("Title",) and len(self.variants) == 1

    @property
    def has_out_of_stock_variants(self) -> bool:
        """Return whether any variant is sold out."""
        return any(v.inventory_item.tracked and v.inventory_quantity <= 0 for v in self.variants)
