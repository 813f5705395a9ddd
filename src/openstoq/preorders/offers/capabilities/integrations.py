"""Integrations: point of sale (POS) and business customers."""

from openstoq.actions.capability import Capability
from openstoq.kernel.patch import Settings


class PointOfSale(Settings):
    """Preorders at the point of sale."""

    enabled: bool = False
    skip_inventory_check: bool = False


class BusinessCustomers(Settings):
    """Preorders by B2B customers."""

    enabled: bool = False


class Integrations(Settings):
    """The settings for preorders at the point of sale and by B2B customers."""

    pos: PointOfSale = PointOfSale()
    b2b: BusinessCustomers = BusinessCustomers()


capability = Capability(
    Integrations,
    name="integrations",
    about="the integration settings of a preorder offer (POS, B2B)",
    aliases=("pos settings", "b2b settings"),
)
