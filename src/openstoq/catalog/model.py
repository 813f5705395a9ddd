"""The events of the catalogue, and the choice of the newest state of a product or location."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from openstoq.commerce.port import Location, Product, Variant

State = TypeVar("State", Product, Variant, Location)


# The column is an integer; the sum of several locations may exceed it.
UNLIMITED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ProductsOpened:
    """The event that shoppers can now open the pages of these products, but could not before."""

    product_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VariantReplaced:
    """The event that a variant was deleted, and another with its SKU and title took its place.

    Both variants are in the same product.
    """

    variant_id: int
    by: int
    product_id: int


@dataclass(frozen=True, slots=True)
class StockChanged:
    """The event that a variant's stock has changed, summed over all locations that sell online.

    `before` is None if the stock was not known. A variant whose stock is not tracked has UNLIMITED.
    """

    variant_id: int
    product_id: int
    before: int | None
    after: int


def newest(states: Iterable[State], read_at: datetime) -> list[State]:
    """Return the newest state for each id, ordered by id.

    A page may contain both the old and the new state of a thing that changed while the page was
    read. A state without a time counts as of `read_at`. Among equally new states, the last in
    `states` is returned.
    """
    in_time = sorted(states, key=lambda state: state.updated_at or read_at)
    return sorted({state.id: state for state in in_time}.values(), key=lambda state: state.id)
