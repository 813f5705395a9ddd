"""What the catalogue tells others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StockChanged:
    """The stock of a variant over all its active locations is another than before.

    `before` is None when it was not known.
    """

    variant_id: int
    product_id: int
    before: int | None
    after: int
