"""Rules about offers, without I/O: agreement of their documents, schedules and precedence."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from openstoq.errors import Conflict, Invalid
from openstoq.kernel.patch import stored
from openstoq.preorders.offers.capabilities.payments import DepositTerms
from openstoq.preorders.offers.model import Offer, ScheduleState, Source

OPEN_WINDOW = "start or end is required; use unschedule to clear the window"


def complete(offer: Offer) -> None:
    """Make the documents agree with each other, whichever of them was changed."""
    remember(offer)
    _share_copy(offer, offer.before)
    if offer.goes_by_stock:
        offer.source = "custom"
    if offer.source != "collection":
        offer.collection_id, offer.auto_refresh = None, False
    if offer.source != "all":
        offer.exclusion_tag, offer.excluded_variant_ids = None, []


def remember(offer: Offer) -> None:
    """Note the values of the types that the offer has, so that they wait when a type changes."""
    known, discount = offer.values_by_type, offer.payments.discount
    partial = offer.payments.options.partial
    if partial is not None:
        known.deposit = DepositTerms.model_validate(stored(partial.deposit))
        known.has_balance = False
    if discount.type == "percentage":
        known.discount_percentage = discount.value
    elif discount.type != "no_discount":
        known.discount_amount = discount.value
    if offer.source == "collection":
        known.collection_id = offer.collection_id


def _share_copy(offer: Offer, before: Offer | None) -> None:
    """Make the texts of the first payment option and of the billing widget the same.

    If only the widget was changed, its texts replace the option's. Otherwise the option's texts
    replace the widget's.
    """
    widget, first = offer.widget.billing_widget, offer.payments.first
    widget_changed = before is not None and widget != before.widget.billing_widget
    option_changed = before is None or offer.payments.options != before.payments.options
    if widget_changed and not option_changed:
        first.billing_title, first.billing_description = widget.title, widget.description
    else:
        widget.title, widget.description = first.billing_title, first.billing_description


def check_changeable(offer: Offer) -> None:
    """Raise Conflict for a discarded offer, which only restore may change."""
    if offer.discarded_at is not None:
        raise Conflict("the offer is discarded; restore it first")


def check_source(offer: Offer, source: Source) -> None:
    """Raise Conflict for a source that the offer's inventory provider does not allow."""
    if offer.goes_by_stock and source != "custom":
        raise Conflict(
            "the inventory provider shopify allows only the source custom; use "
            "inventory/set_provider with stoq first"
        )


def check_policy(offer: Offer, policy: str) -> None:
    """Raise Conflict for an inventory policy that the offer's inventory provider does not allow."""
    if offer.goes_by_stock and policy.lower() == "continue":
        raise Conflict(
            "with the inventory provider shopify the sale stops at Shopify's own stock, which "
            "needs the policy DENY; use inventory/set_provider with stoq first"
        )


def check_schedule(start: datetime | None, end: datetime | None) -> None:
    """Raise Invalid for a schedule window that is empty or open on both sides."""
    if start is None and end is None:
        raise Invalid(OPEN_WINDOW)
    if start is not None and end is not None and start >= end:
        raise Invalid("start must be before end")


def schedule_state(offer: Offer, now: datetime) -> ScheduleState:
    """Return the state of the offer's window at `now`; the start is inside, the end is not."""
    if offer.schedule_start is None and offer.schedule_end is None:
        return "always"
    if offer.schedule_start is not None and now < offer.schedule_start:
        return "upcoming"
    if offer.schedule_end is not None and now >= offer.schedule_end:
        return "ended"
    return "active"


def by_precedence(offers: Iterable[Offer], now: datetime, market_id: int | None) -> list[Offer]:
    """Return the offers in the order in which they apply to a variant; the first one applies.

    Offers that name the market come before offers for all markets. Next, offers whose window is
    open, or that have no window, come before those outside their window. Last, the offer that
    was enabled most recently comes first. Offers that are not live, or are for other markets,
    are left out.
    """
    return [
        offer
        for offer in all_by_precedence(offers, now)
        if offer.markets.applies_to_all_markets or market_id in offer.markets.market_ids
    ]


def all_by_precedence(offers: Iterable[Offer], now: datetime) -> list[Offer]:
    """Return the live offers in the order in which they apply, whatever the market."""

    def rank(offer: Offer) -> tuple[bool, bool, float, str]:
        return (
            not offer.markets.applies_to_all_markets,
            schedule_state(offer, now) in ("always", "active"),
            offer.enabled_at.timestamp() if offer.enabled_at else 0.0,
            str(offer.id),
        )

    return sorted((one for one in offers if one.is_live), key=rank, reverse=True)


def merged_markets(known: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the overrides `known` with those in `sent` merged in, both by market.

    A null in `sent` removes a market, or one field of a market.

    A market is kept under the id that was sent last, a GID or a number. Raises Invalid when two
    ids in `sent` are the same market.
    """
    merged = {_number(market): (market, fields) for market, fields in known.items()}
    seen: dict[str, str] = {}
    for market, override in sent.items():
        number = _number(market)
        if number in seen:
            raise Invalid(f"market_overrides names one market twice: {seen[number]} and {market}")
        seen[number] = market
        _, before = merged.pop(number, (market, {}))
        if override is not None:
            merged[number] = (market, {**before, **override})
    given = {
        market: {name: value for name, value in fields.items() if value is not None}
        for market, fields in merged.values()
    }
    return {market: fields for market, fields in given.items() if fields}


def by_number(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return overrides by the market's number, whichever id they are kept under."""
    return {_number(market): fields for market, fields in overrides.items()}


def _number(market: str) -> str:
    return str(market).partition("?")[0].rpartition("/")[2]
