"""The settings documents of an offer, each in one module with its texts and actions."""

from typing import Any

from openstoq.actions.capability import Capability
from openstoq.preorders.offers.capabilities import (
    advanced,
    checkout,
    countdown,
    integrations,
    inventory,
    limits,
    markets,
    payments,
    shipping,
    widget,
)

CAPABILITIES: tuple[Capability[Any], ...] = tuple(
    module.capability
    for module in (
        widget,
        inventory,
        shipping,
        payments,
        limits,
        checkout,
        countdown,
        integrations,
        markets,
        advanced,
    )
)
