"""The cards a shopper may pay with, each named after what happens when it is charged later."""

import re

from shopify_sandbox.records.charges import Charge
from shopify_sandbox.records.payments import Mandate
from shopify_sandbox.shop import Shop

WORKS = "works"
DECLINES = "declines"
LOSES_ANSWER = "loses_answer"
NEEDS_AUTHENTICATION = "needs_authentication"
EXPIRED = "expired"
PAYS_HALF = "pays_half"
NONE = "none"
# The status of a charge that brought a part of its amount; Shopify has it from 2026-10 on.
IN_PART = "PARTIAL_SUCCESS"
# The cards that the checkout's form offers.
CHOICES = (
    WORKS,
    DECLINES,
    "declines_2",
    PAYS_HALF,
    LOSES_ANSWER,
    NEEDS_AUTHENTICATION,
    EXPIRED,
    NONE,
)

_DECLINES_SOME = re.compile(r"^declines_([1-9]\d?)$")


def is_card(name: str) -> bool:
    """Return whether there is a card of this name."""
    return name in CHOICES or _DECLINES_SOME.match(name) is not None


def vault(shop: Shop, name: str) -> Mandate:
    """Return a new mandate to charge the card `name` later."""
    mandate = Mandate(id=next(shop.ids), card=name)
    rename(mandate, name)
    return mandate


def rename(mandate: Mandate, name: str) -> None:
    """Replace the card of a mandate, and so the outcome of its later charges."""
    some = _DECLINES_SOME.match(name)
    mandate.card = name
    mandate.declines_left = int(some[1]) if some else int(name == PAYS_HALF)
    mandate.expiry_year = 2020 if name == EXPIRED else 2031


def refusal(charge: Charge) -> tuple[str, str, str] | None:
    """Return the status, error code and sentence of a refused charge; None if it succeeds.

    A card that declines a number of charges has one less to decline afterwards.
    """
    mandate = charge.mandate
    if mandate.card == NEEDS_AUTHENTICATION:
        return "REDIRECT_REQUIRED", "AUTHENTICATION_REQUIRED", "The customer must authenticate."
    if mandate.expired:
        return "ERROR", "EXPIRED_CARD", "The card is expired."
    if mandate.card == DECLINES:
        return "ERROR", "CARD_DECLINED", "The card was declined."
    if mandate.declines_left:
        mandate.declines_left -= 1
        status = IN_PART if mandate.card == PAYS_HALF else "RETRYABLE"
        return status, "INSUFFICIENT_FUNDS", "The card has insufficient funds."
    return None
