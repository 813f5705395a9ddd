"""The event for changed stock, and the choice of the newest state of a product or location."""

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
    """Shoppers can open the pages of these products, which they could not before."""

    product_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VariantReplaced:
    """A variant was deleted, and another with the same SKU and title was made in its product."""

    variant_id: int
    by: int
    product_id: int


@dataclass(frozen=True, slots=True)
class StockChanged:
    """The stock of a variant, over all locations that sell online, has changed.

    `before` is None if the stock was not known. A variant whose stock is not tracked has UNLIMITED.
    """

    variant_id: int
    product_id: int
    before: int | None
    after: int


def newest(states: Iterable[State], read_at: datetime) -> list[State]:
    """Return the newest state for each id, ordered by id.

    A page may contain both the old and the new state of an item if the item changed meanwhile.
    `read_at` counts as the time of a state that has none. Among equally new states, the last in
    `states` is returned.
    """
    in_time = sorted(states, key=lambda state: state.updated_at or read_at)
    return sorted({state.id: state for state in in_time}.values(), key=lambda state: state.id)
