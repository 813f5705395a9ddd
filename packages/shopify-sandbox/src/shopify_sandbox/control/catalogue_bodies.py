"""Request bodies of the control API's catalogue endpoints."""

from typing import Annotated

from shopify_sandbox.bodies import Amount, Body, Id, Moment, Text, choice

Status = Annotated[str, choice("ACTIVE", "ARCHIVED", "DRAFT")]


Policy = Annotated[str, choice("DENY", "CONTINUE")]


class NewVariant(Body):
    """A variant to add."""

    id: Id | None = None
    options: tuple[str, ...] = ()
    price: Amount | None = None
    compare_at_price: Amount | None = None
    sku: str | None = None
    barcode: str | None = None
    inventory_policy: Policy = "DENY"
    tracked: bool = True
    available: int = 0


class NewProduct(Body):
    """A product to create; without a `handle`, the product gets one made of its title.

    `published_at` may be in the future: the online store shows the product from then on.
    """

    id: Id | None = None
    title: Text
    handle: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    description: str | None = None
    status: Status = "ACTIVE"
    published: bool = True
    published_at: Moment | None = None
    tags: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    variants: tuple[NewVariant, ...] = ()


class ProductChange(Body):
    """The facts of a product to change; `published` is whether the online store shows it."""

    title: Text = ""
    handle: Text = ""
    vendor: Text = ""
    product_type: Text = ""
    description: Text = ""
    status: Status = "ACTIVE"
    published: bool = True
    published_at: Moment | None = None
    tags: tuple[str, ...] = ()


class NewVariants(Body):
    """Variants to add: a list, or `count` numbered variants with the same price and stock."""

    variants: tuple[NewVariant, ...] | None = None
    count: int = 0
    price: Amount | None = None
    available: int = 0


class VariantChange(Body):
    """The facts of a variant to change."""

    sku: str | None = None
    barcode: str | None = None
    price: Amount | None = None
    compare_at_price: Amount | None = None
    inventory_policy: Policy = "DENY"
    tracked: bool = True


class NewLocation(Body):
    """A location to open."""

    name: Text
    city: str | None = None
    fulfills_online_orders: bool = True


class LocationChange(Body):
    """The facts of a location to change."""

    name: Text = ""
    is_active: bool = True
    fulfills_online_orders: bool = True


class NewStock(Body):
    """The available stock of a variant at a location; by default at the shop's first location."""

    variant_id: Id
    location_id: Id | None = None
    available: int


class StockChanges(Body):
    """A change of stock, or many of them in `changes`."""

    changes: tuple[NewStock, ...] | None = None
    variant_id: Id | None = None
    location_id: Id | None = None
    available: int | None = None


class Disconnection(Body):
    """The location at which to stop stocking a variant."""

    location_id: Id | None = None
