"""A selling plan's terms: what is paid at checkout and later, and the discount.

A v1 plan keeps a value for each type, such as an amount and a percentage, although it uses only the
value of its current type. The unused values are stored in the offer's `values_by_type`. So a
request that changes only the type leaves all values as they are.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from openstoq.kernel.patch import stored
from openstoq.kernel.types import json_number
from openstoq.preorders.offers.capabilities.payments import (
    ALL_OF_IT,
    Deposit,
    DepositTerms,
    Discount,
    FullOption,
    Options,
    PartialOption,
    set_discount_text,
)
from openstoq.preorders.offers.model import Offer

NO_BALANCE = "no_remaining_balance"
PRICES = ("price", "fixed_amount")
WHOLE = DepositTerms(percent=Decimal(ALL_OF_IT))

_CHARGE = "billing_checkout_charge"
_BILLING = ("billing_type", f"{_CHARGE}_type", f"{_CHARGE}_percentage", f"{_CHARGE}_amount")
_PRICING = ("pricing_type", "pricing_amount", "pricing_percentage")
_COPY = ("billing_title", "billing_description")


def terms_of(offer: Offer) -> dict[str, Any]:
    """Return the fields of a plan that are about its payment."""
    deposit, (amount, percentage) = _deposit(offer), _discounts(offer)
    first = offer.payments.first
    return {
        "billing_type": _billing_type(offer),
        "billing_after_interval_type": "day",
        f"{_CHARGE}_type": deposit.type,
        f"{_CHARGE}_percentage": json_number(deposit.percent),
        f"{_CHARGE}_amount": _number(deposit.amount),
        "billing_title": first.billing_title or "",
        "billing_description": first.billing_description or "",
        "pricing_type": offer.payments.discount.type,
        "pricing_amount": _number(amount),
        "pricing_percentage": _number(percentage),
        "discount_text": first.discount_text or "",
    }


def start_terms(offer: Offer, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Prepare a new offer for a v1 body; return the body with its billing type filled in.

    If the body leaves the type out, it is derived from the charge at checkout. A charge that is a
    price, or a percentage other than 100, leaves a balance to be paid later. Without such a charge,
    the plan has no balance.
    """
    # The theme and Shopify name a way to pay without a title by its kind, whichever it becomes.
    offer.payments.first.billing_title = None
    percentage = sent.get(f"{_CHARGE}_percentage")
    is_part = percentage is not None and Decimal(percentage) != ALL_OF_IT
    is_price = sent.get(f"{_CHARGE}_type") == "price"
    default = "time_after_checkout" if is_part or is_price else NO_BALANCE
    started = {"billing_type": default, **sent}
    if started["billing_type"] != NO_BALANCE:
        offer.values_by_type.deposit = DepositTerms()
    return started


def set_terms(offer: Offer, sent: Mapping[str, Any]) -> None:
    """Set the deposit, the discount and the texts about them that a body contains."""
    if any(name in sent for name in _BILLING):
        _set_billing(offer, sent)
    if any(name in sent for name in _PRICING):
        _set_pricing(offer, sent)
    shown = terms_of(offer)
    changed = {
        name: sent[name]
        for name in (*_COPY, "discount_text")
        # An empty text that is read for none may be sent back.
        if name in sent and sent[name] != shown[name]
    }
    if "discount_text" in changed:
        set_discount_text(offer.payments, text=changed.pop("discount_text"))
    for name, text in changed.items():
        setattr(offer.payments.first, name, text)


def _set_billing(offer: Offer, sent: Mapping[str, Any]) -> None:
    kept, options = _deposit(offer), offer.payments.options
    percentage = sent.get(f"{_CHARGE}_percentage")
    deposit = DepositTerms(
        type=sent.get(f"{_CHARGE}_type", kept.type),
        percent=kept.percent if percentage is None else percentage,
        amount=sent.get(f"{_CHARGE}_amount", kept.amount),
    )
    has_balance = sent.get("billing_type", _billing_type(offer)) != NO_BALANCE
    copy = stored(offer.payments.first)
    copy.pop("deposit", None)
    if has_balance and not deposit.is_whole:
        partial = options.partial or PartialOption.model_validate(copy)
        partial.deposit = Deposit.model_validate(stored(deposit))
        full = options.full if options.partial is not None else None
        offer.payments.options = Options(full=full, partial=partial)
    else:
        full = options.full or FullOption.model_validate(copy)
        offer.payments.options = Options(full=full, partial=None)
        offer.values_by_type.deposit, offer.values_by_type.has_balance = deposit, has_balance


def _set_pricing(offer: Offer, sent: Mapping[str, Any]) -> None:
    amount, percentage = _discounts(offer)
    known = offer.values_by_type
    known.discount_amount = sent.get("pricing_amount", amount)
    known.discount_percentage = sent.get("pricing_percentage", percentage)
    kind = sent.get("pricing_type", offer.payments.discount.type)
    value = known.discount_percentage if kind == "percentage" else known.discount_amount
    offer.payments.discount = (
        Discount() if kind == "no_discount" else Discount(type=kind, value=value)
    )


def _billing_type(offer: Offer) -> str:
    has_balance = offer.payments.options.partial is not None or offer.values_by_type.has_balance
    return offer.payments.remaining_balance.due if has_balance else NO_BALANCE


def _deposit(offer: Offer) -> DepositTerms:
    partial = offer.payments.options.partial
    return partial.deposit if partial is not None else offer.values_by_type.deposit or WHOLE


def _discounts(offer: Offer) -> tuple[Decimal | None, Decimal | None]:
    """Return the amount and the percentage of an offer's discount."""
    discount, known = offer.payments.discount, offer.values_by_type
    amount = discount.value if discount.type in PRICES else known.discount_amount
    is_percentage = discount.type == "percentage"
    return amount, discount.value if is_percentage else known.discount_percentage


def _number(value: Decimal | None) -> int | float | None:
    return None if value is None else json_number(value)
