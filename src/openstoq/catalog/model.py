"""What the catalogue tells others, and what of it is the newest that it was told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from openstoq.commerce.port import Location, Product, Variant

State = TypeVar("State", Product, Variant, Location)


@dataclass(frozen=True, slots=True)
class StockChanged:
    """The stock of a variant over all its active locations is another than before.

    `before` is None when it was not known.
    """

    variant_id: int
    product_id: int
    before: int | None
    after: int


def newest(states: Iterable[State], read_at: datetime) -> list[State]:
    """Return one state for each id, in their order: the newest, of equally new ones the last.

    A page may show a thing twice, as it was and as it is, because it changed meanwhile.
    """
    in_time = sorted(states, key=lambda state: state.updated_at or read_at)
    return sorted({state.id: state for state in in_time}.values(), key=lambda state: state.id)
