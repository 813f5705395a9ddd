"""Map an offer to a selling plan group of Shopify, with one plan for each payment option."""

from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Literal

from openstoq.commerce.plans import Plan, PlanGroup
from openstoq.kernel.days import start_of
from openstoq.preorders.offers.capabilities.payments import Option, PartialOption
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.rules import as_sold
from openstoq.preorders.offers.wording import discount_text, plain

WHOLE = Decimal(100)
LONGEST_NAME = 255
IN_FULL = "Pay in full"


def plan_group(offer: Offer, now: datetime) -> PlanGroup:
    """Return the selling plan group that the offer should have in the shop at `now`."""
    offer = as_sold(offer, now)
    options = offer.payments.options
    plans = {}
    partial = _partial(offer, options.partial) if options.partial is not None else None
    if options.full is not None:
        own = (options.full.billing_title or IN_FULL)[:LONGEST_NAME]
        # Shopify wants names and options unique within a group, whatever a merchant writes.
        if partial is not None and own.casefold() == partial.option.casefold():
            own = _titled(options.full, IN_FULL)
        plans["full"] = _plan(offer, options.full, own, WHOLE)
    if partial is not None:
        plans["partial"] = partial
    return PlanGroup(
        name=offer.name[:LONGEST_NAME],
        merchant_code=f"openstoq-{offer.id}",
        option_name="Purchase option",
        plans=plans,
    )


def digest(group: PlanGroup) -> bytes:
    """Return a digest of the group, which changes whenever the group does."""
    return sha256(repr(group).encode()).digest()


def _titled(option: Option, kind: str) -> str:
    """Return an option's title followed by the option's kind; only the title is shortened."""
    if not option.billing_title:
        return kind
    suffix = f" ({kind})"
    return option.billing_title[: LONGEST_NAME - len(suffix)] + suffix


def _partial(offer: Offer, option: PartialOption) -> Plan:
    deposit = option.deposit
    amount = deposit.amount if deposit.type == "price" else None
    paid = f"{plain(deposit.percent)}%" if amount is None else plain(amount)
    own = _titled(option, f"{paid} deposit")
    return _plan(offer, option, own, deposit.percent, amount=amount)


def _plan(
    offer: Offer, option: Option, own: str, percent: Decimal, *, amount: Decimal | None = None
) -> Plan:
    balance = offer.payments.remaining_balance
    pays_all = percent == WHOLE and amount is None
    on_fulfillment = not pays_all and balance.auto_collect_on_fulfillment
    dated = not pays_all and not on_fulfillment
    delivery = offer.shipping.delivery
    discount = offer.payments.discount
    return Plan(
        name=f"{offer.name}: "[: LONGEST_NAME - len(own)] + own,
        option=own,
        description=discount_text(offer, option.billing_description),
        percent=percent,
        amount=amount,
        balance_at=start_of(balance.due_day, offer.zone) if dated else None,
        balance_days=balance.days if dated and balance.due == "time_after_checkout" else None,
        balance_on_fulfillment=on_fulfillment,
        delivery=_delivery(offer),
        delivered_at=start_of(delivery.date, offer.zone) if delivery.type == "exact_date" else None,
        # Shopify's count could not stop the sale if units left it only when they are sent.
        reserve="on_sale" if offer.goes_by_stock else offer.inventory.reservation.timing,
        discount=(discount.type, discount.value)
        if discount.type != "no_discount" and discount.value is not None
        else None,
    )


def _delivery(offer: Offer) -> Literal["asap", "exact", "unknown"]:
    match offer.shipping.delivery.type:
        case "asap":
            return "asap"
        case "exact_date":
            return "exact"
        case _:
            return "unknown"
