"""Rules that judge a cart before checkout in the way its order is judged afterwards. No I/O.

Anybody can request the result, not only shoppers. It may reveal limits that the storefront shows
anyway, but never how many units were taken or are left.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from openstoq.preorders.cart.texts import Code, sentence
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.capabilities.limits import Cap, Limits
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.limits import rules as limit_rules
from openstoq.preorders.orders.limits.rules import CountedUnits, Demand, Excess
from openstoq.preorders.orders.recognition.matching import Plans, seller


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """A line of a cart; `offer_id` is the offer that the line's property names."""

    variant_id: int
    quantity: int
    plan_id: int | None = None
    offer_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """The lines that a shopper is about to order, and the shopper's market.

    `terms` holds the ids of the offers whose terms the shopper has accepted. It may instead be true
    if the terms of all offers were accepted, or false if none were.
    """

    lines: Sequence[CartLine]
    market_id: int | None = None
    terms: bool | AbstractSet[UUID] = False
    locale: str | None = "en"

    def accepts(self, offer_id: UUID) -> bool:
        """Return whether an offer's terms were accepted."""
        return self.terms if isinstance(self.terms, bool) else offer_id in self.terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A reason why a cart may not be ordered.

    `line` is the index of the refused line, counted from 0. If all lines of an offer are refused
    for one reason, there is a single refusal. Its `line` is the offer's first line, and its
    `variant_id` is None.
    """

    code: Code
    message: str
    offer_id: UUID
    variant_id: int | None
    line: int


@dataclass(frozen=True, slots=True)
class CartPreorders:
    """A cart's preorders: two mappings from the index of a line to its offer.

    The lines in `open` can be ordered. The lines in `closed` cannot be ordered: the offer does not
    sell their variant, or does not sell it with their selling plan or property, in this market, or
    at this time.
    """

    open: Mapping[int, UUID]
    closed: Mapping[int, UUID]

    @property
    def of_offers(self) -> dict[UUID, int]:
        """Map each offer that has lines in `open` to the index of its first such line."""
        return {offer_id: line for line, offer_id in sorted(self.open.items(), reverse=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CartOffers:
    """The offers that a cart names: their selling plans, settings and attached variants."""

    plans: Plans
    offers: Mapping[UUID, Offer]
    attached: AbstractSet[tuple[UUID, int]]


def named_offers(cart: Cart, plans: Plans) -> set[UUID]:
    """Return the offers that lines name, by their selling plan or by their property."""
    return {
        *(offer_id for offer_id, _ in plans.values()),
        *(line.offer_id for line in cart.lines if line.offer_id is not None),
    }


def find_preorders(cart: Cart, shelf: CartOffers, now: datetime) -> CartPreorders:
    """Divide the preorder lines into those that can be ordered and those that cannot.

    A line with another app's selling plan is not a preorder, just as in an order. If the line
    names one of our offers nevertheless, it cannot be ordered.
    """
    opened: dict[int, UUID] = {}
    closed: dict[int, UUID] = {}
    for index, line in enumerate(cart.lines):
        sold = seller(line.plan_id, line.offer_id, shelf.plans, shelf.offers)
        offer_id = sold[0] if sold is not None else line.offer_id
        if offer_id is None:
            continue
        is_open = (
            sold is not None
            and (offer_id, line.variant_id) in shelf.attached
            and rules.sells_option(shelf.offers[offer_id], sold[1], now)
            and _sells(shelf.offers[offer_id], now, cart.market_id)
        )
        (opened if is_open else closed)[index] = offer_id
    return CartPreorders(opened, closed)


def _sells(offer: Offer, now: datetime, market_id: int | None) -> bool:
    return bool(rules.by_precedence([offer], now, market_id)) and rules.schedule_state(
        offer, now
    ) in ("always", "active")


def demands(cart: Cart, lines: CartPreorders) -> list[Demand]:
    """Return the units that the cart orders, as one demand for each variant in each offer.

    Only lines that can be ordered are counted. Lines of the same variant and offer are added up,
    because refusing only some of them would reveal how many units are left. The demand has the
    index of the first of these lines.
    """
    wanted: dict[tuple[UUID, int], tuple[int, int]] = {}
    for index, offer_id in sorted(lines.open.items()):
        line = cart.lines[index]
        first, units = wanted.get((offer_id, line.variant_id), (index, 0))
        wanted[offer_id, line.variant_id] = first, units + line.quantity
    return [
        Demand(
            line=first,
            offer_id=offer_id,
            variant_id=variant_id,
            market_id=cart.market_id,
            units=units,
        )
        for (offer_id, variant_id), (first, units) in wanted.items()
    ]


def refusals(
    cart: Cart,
    lines: CartPreorders,
    shelf: CartOffers,
    wanted: Sequence[Demand],
    taken: CountedUnits,
) -> list[Refusal]:
    """Return all reasons why the cart may not be ordered, sorted by line.

    The list is empty if the cart may be ordered.
    """
    found = [
        *(_of_line(cart, line, "not_available", one) for line, one in lines.closed.items()),
        *_of_checkout(cart, lines, shelf),
    ]
    for offer_id in lines.of_offers:
        offer = shelf.offers[offer_id]
        own = [one for one in wanted if one.offer_id == offer_id]
        others = [one for one in wanted if one.offer_id != offer_id]
        code, sold_out = _exceeded(own, offer.own_limits, _with(taken, others))
        if code is not None:
            found.append(_of_offer(cart, lines, code, offer))
        found += [
            _of_line(cart, line, "sold_out", offer_id)
            for line, sold_by in lines.open.items()
            if sold_by == offer_id and cart.lines[line].variant_id in sold_out
        ]
    return sorted(found, key=lambda one: (one.line, one.variant_id is not None))


def _exceeded(
    wanted: Sequence[Demand], own: Limits, taken: CountedUnits
) -> tuple[Code | None, AbstractSet[int]]:
    """Judge what a cart orders from one offer: return an exceeded limit, or the sold-out variants.

    If a limit per order or per customer is exceeded, only its code is returned, without variants.
    The shopper then does not learn whether so many units are left. Otherwise the code is None.

    If the variants exceed the offer's total only when taken together, all of them count as sold
    out. Refusing only some of them would reveal how many units are left.
    """
    each = _judge(wanted, own.model_copy(update={"total": Cap()}), taken)
    code = next((one.code for one in each.values() if one.code != "sold_out"), None)
    if code is not None:
        return code, frozenset()
    rest = [one for one in wanted if one.line not in each]
    over = _judge(rest, Limits(total=own.total), taken)
    return None, {one.variant_id for one in wanted if over or one.line in each}


def _judge(wanted: Sequence[Demand], own: Limits, taken: CountedUnits) -> dict[int, Excess]:
    return limit_rules.judge(wanted, {one.offer_id: own for one in wanted}, taken)


def _with(taken: CountedUnits, others: Sequence[Demand]) -> CountedUnits:
    """Add the units that the cart orders from other offers to the units already preordered.

    In the placed order, the lines of the other offers may come first. Their units are then counted
    before those of this offer.
    """
    of_variant, of_market = Counter(taken.of_variant), Counter(taken.of_market)
    for one in others:
        of_variant[one.variant_id] += one.units
        if one.market_id is not None:
            of_market[one.variant_id, one.market_id] += one.units
    return replace(taken, of_variant=of_variant, of_market=of_market)


def _of_checkout(cart: Cart, lines: CartPreorders, shelf: CartOffers) -> Iterator[Refusal]:
    has_others = len(lines.open) + len(lines.closed) < len(cart.lines)
    for offer_id in lines.of_offers:
        offer = shelf.offers[offer_id]
        if has_others and not offer.checkout.mixed_cart.allowed:
            yield _of_offer(cart, lines, "mixed_cart", offer)
        if offer.checkout.terms.enabled and not cart.accepts(offer_id):
            yield _of_offer(cart, lines, "terms_not_accepted", offer)


def _of_line(cart: Cart, index: int, code: Code, offer_id: UUID) -> Refusal:
    return Refusal(
        code=code,
        message=sentence(code, cart.locale),
        offer_id=offer_id,
        variant_id=cart.lines[index].variant_id,
        line=index,
    )


def _of_offer(cart: Cart, lines: CartPreorders, code: Code, offer: Offer) -> Refusal:
    numbers = {
        "below_minimum": offer.limits.per_order.min,
        "above_maximum": offer.limits.per_order.max,
        "customer_limit": offer.limits.per_customer.max,
    }
    return Refusal(
        code=code,
        message=sentence(code, cart.locale, number=numbers.get(code)),
        offer_id=offer.id,
        variant_id=None,
        line=lines.of_offers[offer.id],
    )
