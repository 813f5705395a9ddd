"""Integrations: point of sale and business customers."""

from openstoq.actions.capability import Capability
from openstoq.kernel.patch import Settings


class PointOfSale(Settings):
    """Preorders at the till."""

    enabled: bool = False
    skip_inventory_check: bool = False


class BusinessCustomers(Settings):
    """Preorders of B2B customers."""

    enabled: bool = False


class Integrations(Settings):
    """Other places where the offer applies."""

    pos: PointOfSale = PointOfSale()
    b2b: BusinessCustomers = BusinessCustomers()


capability = Capability(
    Integrations,
    name="integrations",
    about="the integration settings of a preorder offer (POS, B2B)",
    aliases=("pos settings", "b2b settings"),
)
