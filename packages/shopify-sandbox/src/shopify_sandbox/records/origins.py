"""The origin of an order: the channel that it was placed in, and the company that it is for."""

from dataclasses import dataclass

from shopify_sandbox.records.catalogue import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company that buys, and its location that the goods are for."""

    id: int
    name: str
    location_id: int
    location_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The channel that an order was placed in, and the company that it is for.

    `location` is the point of sale where the order was placed in person. It is None for an order
    from the online store.
    """

    location: Location | None = None
    company: Company | None = None

    @property
    def source_name(self) -> str:
        """Return Shopify's name of the channel."""
        return "web" if self.location is None else "pos"


WEB = Origin()
