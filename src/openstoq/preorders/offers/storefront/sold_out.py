"""The decision on whether a variant is sold out, which stops or resumes its preorders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from openstoq.preorders.offers import rules
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.offered_variants import ELSEWHERE, OfferedVariant, markets_of

# Offers with the settings that the variant has in each of them, in the order in which they apply.
AppliedOffers = Sequence[tuple[Offer, Mapping[str, Any]]]


def is_sold_out(selling: OfferedVariant, units: Mapping[UUID, int], now: datetime) -> bool | None:
    """Return whether no units of a variant are left in any market where it is sold.

    `units` maps each offer to the number of units sold so far, over all the offer's variants.
    Returns None, for no decision, if the variant is attached to offers but none of them sells at
    `now`. A variant that is attached to no offer is not sold out.
    """
    by_market = _offers_by_market(selling, now)
    if not by_market:
        return None if selling.offers else False
    return all(_is_full(market, offers, selling, units) for market, offers in by_market.items())


def goes_by_stock(selling: OfferedVariant, now: datetime) -> bool:
    """Return whether Shopify's own stock stops the sale of a variant, in any market.

    Shopify has one inventory policy for all markets, so an offer that goes by stock in one of them
    stops the variant in all.
    """
    return any(offers[0][0].goes_by_stock for offers in _offers_by_market(selling, now).values())


def offers_in_market(
    selling: OfferedVariant, now: datetime, market_id: int | None
) -> AppliedOffers:
    """Return the offers that apply to a variant for shoppers of one market."""
    own = {offer.id: settings for offer, settings in selling.offers}
    applying = rules.by_precedence([offer for offer, _ in selling.offers], now, market_id)
    return [(offer, own[offer.id]) for offer in applying]


def is_full_in_market(
    offers: AppliedOffers,
    selling: OfferedVariant,
    units: Mapping[UUID, int],
    market_id: int | None,
) -> bool:
    """Return whether our own limits leave no units of a variant for shoppers of one market.

    `offers` are those that `offers_in_market` has returned, of which there must be at least one.
    """
    return _is_full(ELSEWHERE if market_id is None else str(market_id), offers, selling, units)


def _offers_by_market(selling: OfferedVariant, now: datetime) -> dict[str, AppliedOffers]:
    """Return the offers that apply to a variant in each market that any of them names."""
    own = {offer.id: settings for offer, settings in selling.offers}
    live = rules.all_by_precedence([offer for offer, _ in selling.offers], now)
    return {
        market: [
            (offer, own[offer.id])
            for offer in live
            if offer.markets.applies_to_all_markets or market in markets_of(offer)
        ]
        for market in {market for offer in live for market in markets_of(offer)}
    }


def _is_full(
    market: str,
    offers: AppliedOffers,
    selling: OfferedVariant,
    units: Mapping[UUID, int],
) -> bool:
    """Return whether no units of a variant are left in one market.

    `market` is the id of a market, or ELSEWHERE for any market that no offer names. The total limit
    is that of the first offer, which is the one that applies. The variant's own limit is taken from
    the first offer that sets one, as in the variant's metafields. If the first offer goes by
    Shopify's stock, none of our limits applies.
    """
    first, _ = offers[0]
    if first.goes_by_stock:
        return False
    total = first.limits.total.max
    if total is not None and units.get(first.id, 0) >= total:
        return True
    for offer, settings in offers:
        if offer.goes_by_stock:
            continue
        most = settings["max_count"]
        here = settings["market_overrides"].get(market, {}).get("max_count")
        if most is not None or here is not None:
            return (most is not None and selling.preorder_count >= most) or (
                here is not None
                and market != ELSEWHERE
                and selling.market_counts.get(market, 0) >= here
            )
    return False
