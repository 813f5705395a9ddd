"""Whether a variant is sold out: the one decision by which preorders of it stop and go on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from openstoq.preorders.offers import rules
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.offered_variants import ELSEWHERE, OfferedVariant, markets_of


def is_sold_out(selling: OfferedVariant, units: Mapping[UUID, int], now: datetime) -> bool | None:
    """Return whether nothing of a variant is left, in whichever market it is sold.

    `units` is what the offers have sold so far of all their variants. None is no decision: the
    variant is attached, but none of its offers sells it anywhere. One that is in no offer is not sold out.
    """
    live = rules.all_by_precedence([offer for offer, _ in selling.offers], now)
    markets = {market for offer in live for market in markets_of(offer)}
    if not markets:
        return None if selling.offers else False
    own = {offer.id: settings for offer, settings in selling.offers}
    return all(
        _is_full(
            market,
            [
                (offer, own[offer.id])
                for offer in live
                if offer.markets.applies_to_all_markets or market in markets_of(offer)
            ],
            selling,
            units,
        )
        for market in markets
    )


def _is_full(
    market: str,
    offers: Sequence[tuple[Offer, Mapping[str, Any]]],
    selling: OfferedVariant,
    units: Mapping[UUID, int],
) -> bool:
    """Return whether nothing is left in a market, or elsewhere.

    The offer that applies there says how many it sells in all, and the first for which the
    variant's most is set how many of the variant: as in the variant's metafields.
    """
    first, _ = offers[0]
    total = first.limits.total.max
    if total is not None and units.get(first.id, 0) >= total:
        return True
    for _, settings in offers:
        most = settings["max_count"]
        here = settings["market_overrides"].get(market, {}).get("max_count")
        if most is not None or here is not None:
            return (most is not None and selling.preorder_count >= most) or (
                here is not None
                and market != ELSEWHERE
                and selling.market_counts.get(market, 0) >= here
            )
    return False
