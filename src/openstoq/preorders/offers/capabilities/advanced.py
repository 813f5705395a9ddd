"""Advanced: line-item properties, button texts by state, custom CSS, Shopify's selling plans."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from openstoq.actions.capability import Capability
from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Clean, Copy

State = Literal["before_launch", "after_launch", "out_of_stock"]
Css = Annotated[
    str | None, Field(max_length=20_000), Clean, AfterValidator(lambda css: css or None)
]


class LineItemProperties(Settings):
    """The line item properties that are added to a preorder's cart line, and their texts."""

    include_shipping_text: bool = True
    include_payment_breakdown: bool = False
    include_acknowledgement: bool = False
    custom_text: Copy = None


class ButtonTextOverrides(Settings):
    """The button's text in each state; null means the button's usual text."""

    before_launch: Copy = None
    after_launch: Copy = None
    out_of_stock: Copy = None


class Advanced(Settings):
    """Settings that most merchants leave unchanged."""

    line_item_properties: LineItemProperties = LineItemProperties()
    button_text_overrides: ButtonTextOverrides = ButtonTextOverrides()
    use_shopify_selling_plan: bool = True
    custom_css: Css = None


capability = Capability(
    Advanced,
    name="advanced",
    about="the advanced (power-user) settings of a preorder offer",
    note='Null clears one override: {"button_text_overrides": {"out_of_stock": null}}; responses '
    "always contain all three states. custom_css is cleared by an empty string or null.",
    aliases=("advanced settings", "custom css"),
)


@capability.edit("attach to selling plan group", "resume syncing")
def attach_to_shopify_selling_plan(advanced: Advanced) -> None:
    """Re-attach the offer to a Shopify selling plan group (resume syncing)."""
    advanced.use_shopify_selling_plan = True


@capability.edit("detach from selling plan group", "stop syncing")
def detach_from_shopify_selling_plan(advanced: Advanced) -> None:
    """Detach the offer from Shopify selling plan groups; the storefront continues to manage it.

    Strongly discouraged for most merchants: it breaks integrations such as the display of
    selling plans at checkout and subscription apps. The selling plan group is not deleted, only
    no longer synced.
    """
    advanced.use_shopify_selling_plan = False


@capability.edit("button text by state")
def set_button_text_override(advanced: Advanced, *, state: State, text: Copy = None) -> None:
    """Override the widget button text for one state (before_launch, after_launch, out_of_stock).

    Null clears the override.
    """
    setattr(advanced.button_text_overrides, state, text)


@capability.edit("add css")
def set_custom_css(advanced: Advanced, *, css: Css) -> None:
    """Set custom CSS overrides for this offer's storefront widget.

    Send an empty string to clear.
    """
    advanced.custom_css = css


@capability.edit("add a line item property")
def set_custom_line_item_property(advanced: Advanced, *, text: Copy) -> None:
    """Set a free-text custom line item property added to every preorder cart line."""
    advanced.line_item_properties.custom_text = text
