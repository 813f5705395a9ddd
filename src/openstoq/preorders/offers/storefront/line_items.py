"""Properties of a preorder's cart line, by the payment option of the line.

The value of a property is one of the offer's texts. A translation of the text therefore applies to
the property as well.
"""

from collections.abc import Mapping
from typing import Any, get_args

from openstoq.preorders.offers.capabilities.payments import OptionType
from openstoq.preorders.offers.model import Offer

SHIPPING = "Shipping"
OPTIONS: tuple[OptionType, ...] = get_args(OptionType)
SHIPPING_TEXT = "shipping.display.shipping_text"


def sources(offer: Offer, option: OptionType) -> dict[str, str]:
    """Map each property's name to the path of its text.

    The properties are those of a cart line with this payment option.
    """
    told, terms = offer.advanced.line_item_properties, offer.checkout.terms
    accepted = told.include_acknowledgement or terms.include_in_line_item_properties
    paths = {
        SHIPPING: (SHIPPING_TEXT, told.include_shipping_text),
        "Payment": (f"payments.options.{option}.billing_title", told.include_payment_breakdown),
        "Terms": ("checkout.terms.text", terms.enabled and accepted),
        "Note": ("advanced.line_item_properties.custom_text", True),
    }
    return {name: path for name, (path, is_told) in paths.items() if is_told}


def properties(offer: Offer, documents: Mapping[str, Any]) -> dict[str, dict[str, str] | None]:
    """Return the properties of a cart line for each payment option, from the offer's documents.

    A property without a text is left out. An option that the offer does not have is None.
    """
    return {
        option: {
            name: text
            for name, path in sources(offer, option).items()
            if (text := _at(documents, path))
        }
        if getattr(offer.payments.options, option) is not None
        else None
        for option in OPTIONS
    }


def translated(offer: Offer, texts: Mapping[str, str]) -> dict[str, str]:
    """Return the properties in one language, by path; `texts` are that language's texts by path."""
    return {
        f"line_item_properties.{option}.{name}": texts[path]
        for option in OPTIONS
        if getattr(offer.payments.options, option) is not None
        for name, path in sources(offer, option).items()
        if texts.get(path)
    }


def with_shipping(
    told: Mapping[str, dict[str, str] | None], text: str | None
) -> dict[str, dict[str, str] | None]:
    """Return the properties in `told`, with `text` in place of the offer's shipping text.

    `text` is the shipping text of a variant. If it is empty, the result has no shipping text.
    """
    return {
        option: own
        if own is None
        else {
            **{name: value for name, value in own.items() if name != SHIPPING},
            **({SHIPPING: text} if text else {}),
        }
        for option, own in told.items()
    }


def _at(documents: Mapping[str, Any], path: str) -> str | None:
    found: Any = documents
    for step in path.split("."):
        found = found[step]
    return found if isinstance(found, str) else None
