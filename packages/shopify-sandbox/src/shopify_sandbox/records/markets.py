"""The markets of a shop: countries that it sells to in the same way."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Region:
    """A country of a market, ISO 3166 alpha-2."""

    id: int
    code: str


@dataclass(slots=True, eq=False, kw_only=True)
class Market:
    """Countries that the shop sells to in the same way."""

    id: int
    name: str
    handle: str
    created_at: datetime
    updated_at: datetime
    regions: list[Region] = field(default_factory=list)
    enabled: bool = True
