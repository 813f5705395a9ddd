"""Inventory: who counts an offer's stock, when it is reserved, and whether it may be oversold."""

from typing import Any, Literal

from openstoq.actions.capability import Capability
from openstoq.kernel.patch import Settings

Provider = Literal["stoq", "shopify"]
Timing = Literal["on_sale", "on_fulfillment"]


class Reservation(Settings):
    """The moment when stock is reserved for a preorder."""

    timing: Timing = "on_fulfillment"


class ContinueSelling(Settings):
    """The flag that gives newly attached variants the inventory policy CONTINUE.

    `enabled` and `auto_apply_to_new_variants` are two names for the same flag.
    """

    enabled: bool = True
    auto_apply_to_new_variants: bool = True


class Inventory(Settings):
    """The settings for the stock behind an offer."""

    provider: Provider = "stoq"
    reservation: Reservation = Reservation()
    continue_selling: ContinueSelling = ContinueSelling()


capability = Capability(
    Inventory,
    name="inventory",
    about="the inventory configuration of a preorder offer",
    note="provider shopify forces the products source to custom; the variants that are attached "
    "stay, and become the offer's own list. Shopify's own stock then stops the sale instead of "
    "limits.total and the variants' max_count: the variants get the inventory policy DENY, and units "
    "are reserved at sale, whatever reservation.timing says. continue_selling.enabled and "
    ".auto_apply_to_new_variants are one flag: newly attached variants get the inventory policy "
    "CONTINUE; when both are sent, auto_apply_to_new_variants wins. Variants that are attached "
    "already keep their policy: change it with products/bulk_toggle_inventory_policy, or with "
    "update_inventory_policy of enable and disable.",
    aliases=("inventory settings", "oversell"),
)


@capability.translate
def write_both_names(changes: dict[str, Any]) -> None:
    """Set the oversell flag under both of its names to the value that was sent under either.

    If both names were sent, the value of `auto_apply_to_new_variants` counts.
    """
    sent = changes.get("continue_selling")
    if not isinstance(sent, dict):
        return
    for name in ("auto_apply_to_new_variants", "enabled"):
        if name in sent:
            sent.update(enabled=sent[name], auto_apply_to_new_variants=sent[name])
            return


@capability.edit("use shopify inventory")
def set_provider(inventory: Inventory, *, provider: Provider) -> None:
    """Set the inventory provider for a preorder offer (stoq or shopify).

    shopify forces the products source to custom; variants that are already attached stay
    attached. With stoq, our limits and counts decide when the offer stops selling. With shopify,
    Shopify's own stock decides.
    """
    inventory.provider = provider


@capability.edit("reserve stock at sale")
def set_reservation_timing(inventory: Inventory, *, timing: Timing) -> None:
    """Set when inventory is reserved (at sale or at fulfillment)."""
    inventory.reservation.timing = timing
