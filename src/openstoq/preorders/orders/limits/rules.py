"""Judge whether an order stays within the limits of its offers. No I/O.

The same rules apply before checkout, when the storefront checks a cart, and after checkout, when an
order is taken in.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from openstoq.preorders.offers.capabilities.limits import Limits

Code = Literal["below_minimum", "above_maximum", "customer_limit", "sold_out"]
MarketKey = tuple[UUID, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Units of a variant that a line orders from an offer."""

    line: int
    offer_id: UUID
    variant_id: int
    market_id: int | None
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedUnits:
    """The units already preordered, and the maximums of variants.

    The units are counted per offer, per offer by this customer, per variant, and per variant and
    market. `variant_most` holds the maximum of each variant in an offer. `market_most` holds the
    maximum of each variant in an offer and a market.
    """

    of_offer: Mapping[UUID, int] = field(default_factory=dict)
    of_customer: Mapping[UUID, int] = field(default_factory=dict)
    of_variant: Mapping[int, int] = field(default_factory=dict)
    of_market: Mapping[tuple[int, int], int] = field(default_factory=dict)
    variant_most: Mapping[tuple[UUID, int], int] = field(default_factory=dict)
    market_most: Mapping[MarketKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Excess:
    """The limit that a line exceeds; the sentence is for the merchant, not for shoppers."""

    code: Code
    sentence: str


def judge(
    demands: Iterable[Demand], limits: Mapping[UUID, Limits], taken: CountedUnits
) -> dict[int, Excess]:
    """Map each line that exceeds a limit to that limit.

    Lines are judged in sequence: the units of accepted lines count when later lines are judged.
    """
    wanted = list(demands)
    in_order: Counter[UUID] = Counter()
    for one in wanted:
        in_order[one.offer_id] += one.units
    accepted = _Accepted(taken)
    found: dict[int, Excess] = {}
    for one in wanted:
        excess = _of_order(in_order[one.offer_id], limits[one.offer_id]) or accepted.refusal(
            one, limits[one.offer_id]
        )
        if excess is not None:
            found[one.line] = excess
        else:
            accepted.add(one)
    return found


def _of_order(units: int, limits: Limits) -> Excess | None:
    least, most = limits.per_order.min, limits.per_order.max
    if least is not None and units < least:
        return Excess("below_minimum", f"an order must have at least {least} units; it has {units}")
    if most is not None and units > most:
        return Excess("above_maximum", f"an order may have at most {most} units; it has {units}")
    return None


class _Accepted:
    """The units already preordered, plus those of the lines accepted so far."""

    def __init__(self, taken: CountedUnits) -> None:
        self._taken = taken
        self._offer = Counter(taken.of_offer)
        self._customer = Counter(taken.of_customer)
        self._variant = Counter(taken.of_variant)
        self._market = Counter(taken.of_market)

    def add(self, one: Demand) -> None:
        self._offer[one.offer_id] += one.units
        self._customer[one.offer_id] += one.units
        self._variant[one.variant_id] += one.units
        if one.market_id is not None:
            self._market[one.variant_id, one.market_id] += one.units

    def refusal(self, one: Demand, limits: Limits) -> Excess | None:
        of_customer, of_offer = limits.per_customer.max, limits.total.max
        if of_customer is not None and self._customer[one.offer_id] + one.units > of_customer:
            return Excess("customer_limit", f"a customer may have at most {of_customer} units")
        if of_offer is not None and self._offer[one.offer_id] + one.units > of_offer:
            return Excess("sold_out", f"the offer sells at most {of_offer} units")
        most = self._taken.variant_most.get((one.offer_id, one.variant_id))
        if most is not None and self._variant[one.variant_id] + one.units > most:
            return Excess("sold_out", f"at most {most} units of this variant are sold")
        if one.market_id is not None:
            key = (one.offer_id, one.variant_id, one.market_id)
            most = self._taken.market_most.get(key)
            sold = self._market[one.variant_id, one.market_id]
            if most is not None and sold + one.units > most:
                return Excess(
                    "sold_out", f"at most {most} units of this variant are sold in the market"
                )
        return None
