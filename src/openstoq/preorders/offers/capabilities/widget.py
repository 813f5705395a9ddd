"""Widget: the badge, button and other parts of the product page that show an offer."""

from typing import Annotated

from pydantic import Field

from openstoq.actions.capability import Capability
from openstoq.kernel.patch import UNSET, Settings, assign
from openstoq.kernel.types import Color, Copy

LARGEST_RADIUS = 100
Radius = Annotated[int, Field(ge=0, le=LARGEST_RADIUS)]


class Badge(Settings):
    """The badge on the product's image."""

    enabled: bool = True
    text: Copy = "Preorder"
    text_color: Color = "#FFFFFF"
    background_color: Color = "#000000"


class ButtonColors(Settings):
    """Custom button colors, which replace the theme's when enabled."""

    enabled: bool = False
    text_color: Color = "#FFFFFF"
    background_color: Color = "#000000"


class Button(Settings):
    """The add-to-cart button."""

    text: Copy = "Preorder"
    colors: ButtonColors = ButtonColors()
    show_discounted_price: bool = False


class Disclaimer(Settings):
    """The banner under the button."""

    enabled: bool = False
    text: Copy = None
    text_color: Color = None
    background_color: Color = None
    border_radius: Radius | None = None


class BillingWidget(Settings):
    """The payment breakdown, which has the same texts as the first payment option."""

    enabled: bool = True
    title: Copy = "Pay in full"
    description: Copy = None


class Widget(Settings):
    """The parts of the product page that show an offer."""

    badge: Badge = Badge()
    button: Button = Button()
    disclaimer: Disclaimer = Disclaimer()
    billing_widget: BillingWidget = BillingWidget()


capability = Capability(
    Widget,
    name="widget",
    about="the widget configuration of a preorder offer: badge, button, disclaimer, billing widget",
    note="Null clears a text or a color. billing_widget.title and .description are shared with "
    "the first payment option's copy (see payments/set_option_copy).",
    aliases=("widget", "storefront appearance"),
)


@capability.edit("change badge text", "rename the badge")
def set_badge_text(widget: Widget, *, text: Copy) -> None:
    """Set the preorder badge text.

    To show or hide the badge, set badge.enabled with PATCH widget.
    """
    widget.badge.text = text


@capability.edit("change badge color")
def set_badge_colors(
    widget: Widget, *, text_color: Color = UNSET, background_color: Color = UNSET
) -> None:
    """Set the preorder badge's text and background colors."""
    assign(widget.badge, text_color=text_color, background_color=background_color)


@capability.edit("change button text", "rename button", "change the call to action")
def set_button_text(widget: Widget, *, text: Copy) -> None:
    """Set the preorder button's call-to-action label."""
    widget.button.text = text


@capability.edit("change button color")
def set_button_colors(
    widget: Widget, *, text_color: Color = UNSET, background_color: Color = UNSET
) -> None:
    """Set the preorder button's text and background colors (implicitly enables custom colors)."""
    assign(
        widget.button.colors,
        text_color=text_color,
        background_color=background_color,
        enabled=True,
    )


@capability.edit("change payment breakdown text")
def set_billing_widget_text(
    widget: Widget, *, title: Copy = UNSET, description: Copy = UNSET
) -> None:
    """Set the billing widget's title and description (the PDP payment-breakdown block).

    These fields are shared with the first payment option's copy (see payments/set_option_copy).
    To show or hide the widget, set billing_widget.enabled with PATCH widget.
    """
    assign(widget.billing_widget, title=title, description=description)


@capability.edit("change disclaimer colors")
def set_disclaimer_style(
    widget: Widget,
    *,
    text_color: Color = UNSET,
    background_color: Color = UNSET,
    border_radius: Radius | None = UNSET,
) -> None:
    """Set the disclaimer banner's colors and border radius."""
    assign(
        widget.disclaimer,
        text_color=text_color,
        background_color=background_color,
        border_radius=border_radius,
    )


@capability.edit("change disclaimer", "text under the button")
def set_disclaimer_text(widget: Widget, *, text: Copy) -> None:
    """Set the disclaimer banner text shown under the preorder button.

    To show or hide the banner, set disclaimer.enabled with PATCH widget.
    """
    widget.disclaimer.text = text
