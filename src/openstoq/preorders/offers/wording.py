"""Texts that selling plans and the storefront share."""

from decimal import Decimal

from openstoq.preorders.offers.model import Offer


def discount_text(offer: Offer, text: str | None) -> str | None:
    """Return a text with {{ discount }} replaced by the offer's discount."""
    if text is None or "{{" not in text:
        return text
    discount = offer.payments.discount
    value = "" if discount.value is None else plain(discount.value)
    worth = f"{value}%" if discount.type == "percentage" else value
    return text.replace("{{ discount }}", worth).replace("{{discount}}", worth)


def plain(amount: Decimal) -> str:
    """Return a number as text, without trailing zeros or an exponent."""
    return f"{amount.normalize():f}"
