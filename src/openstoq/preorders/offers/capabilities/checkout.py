"""Checkout: the terms to accept, the order's tags, and whether other items may be in the cart."""

from typing import Annotated

from pydantic import AfterValidator, Field

from openstoq.actions.capability import Capability
from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Copy, Tag


def _once(tags: list[str]) -> list[str]:
    # To Shopify, tags that differ only in case are the same tag, which it stores once.
    return list({tag.casefold(): tag for tag in reversed(tags)}.values())[::-1]


Tags = Annotated[list[Tag], Field(max_length=50), AfterValidator(_once)]


class Terms(Settings):
    """The terms that a shopper has to accept before adding to the cart."""

    enabled: bool = False
    text: Copy = "I agree to the preorder terms"
    disable_button_until_acknowledged: bool = False
    include_in_line_item_properties: bool = False


class MixedCart(Settings):
    """Carts that hold preorders and other items together."""

    allowed: bool = True
    error_message: Copy = "Preorder items must be purchased separately"


class Checkout(Settings):
    """The settings for the cart, the terms to accept and the tags of the order."""

    terms: Terms = Terms()
    mixed_cart: MixedCart = MixedCart()
    order_tags: Tags = ["Preorder"]


capability = Capability(
    Checkout,
    name="checkout",
    about="the checkout settings of a preorder offer",
    note="order_tags is replaced as a whole; add_order_tag and remove_order_tag change one.",
    aliases=("checkout settings", "terms and conditions"),
)


@capability.edit("tag orders")
def add_order_tag(checkout: Checkout, *, tag: Tag) -> None:
    """Add a tag to the set applied to orders containing this offer."""
    checkout.order_tags = [*checkout.order_tags, tag]


@capability.edit("untag orders")
def remove_order_tag(checkout: Checkout, *, tag: Tag) -> None:
    """Remove a tag from the set applied to orders containing this offer.

    Removing a tag that is not in the set is not an error.
    """
    gone = tag.casefold()
    checkout.order_tags = [kept for kept in checkout.order_tags if kept.casefold() != gone]


@capability.edit("replace order tags")
def set_order_tags(checkout: Checkout, *, tags: Tags) -> None:
    """Replace the entire set of tags applied to orders containing this offer."""
    checkout.order_tags = tags


@capability.edit("mixed cart message")
def set_mixed_cart_error_message(checkout: Checkout, *, message: Copy) -> None:
    """Set the error message shown when a blocked mixed cart reaches checkout."""
    checkout.mixed_cart.error_message = message


@capability.edit("change terms text")
def set_terms_text(checkout: Checkout, *, text: Copy) -> None:
    """Set the terms-acceptance text shown next to the checkbox."""
    checkout.terms.text = text
