"""Which lines go over which limit: by order, customer, offer, variant and market."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.preorders.offers.capabilities.limits import Cap, Limits, PerOrder
from openstoq.preorders.orders.limits.rules import CountedUnits, Demand, judge

OFFER, SECOND = UUID(int=1), UUID(int=2)


def limits(**facts):
    return {OFFER: Limits(**facts), SECOND: Limits()}


def wants(line, units, *, offer=OFFER, variant=11, market=None):
    return Demand(line=line, offer_id=offer, variant_id=variant, market_id=market, units=units)


def codes(demands, of_offers, taken=None):
    return {
        line: excess.code
        for line, excess in judge(demands, of_offers, taken or CountedUnits()).items()
    }


def test_without_limits_everything_may_be():
    assert codes([wants(1, 10_000), wants(2, 1, offer=SECOND)], limits()) == {}
    assert codes([], limits()) == {}


@pytest.mark.parametrize(
    ("units", "code"),
    [(1, "below_minimum"), (2, None), (5, None), (6, "above_maximum")],
)
def test_units_in_one_order(units, code):
    of_offers = limits(per_order=PerOrder(min=2, max=5))
    assert codes([wants(1, units)], of_offers).get(1) == code


def test_the_lines_of_one_offer_are_one_order():
    of_offers = limits(per_order=PerOrder(min=2, max=5))
    assert codes([wants(1, 1), wants(2, 1, variant=12)], of_offers) == {}
    too_many = [wants(1, 3), wants(2, 3, variant=12), wants(3, 9, offer=SECOND)]
    assert codes(too_many, of_offers) == {1: "above_maximum", 2: "above_maximum"}
    too_few = [wants(1, 1), wants(2, 9, offer=SECOND)]
    assert codes(too_few, of_offers) == {1: "below_minimum"}


def test_a_customer_has_what_they_had_before_as_well():
    of_offers = limits(per_customer=Cap(max=5))
    before = CountedUnits(of_customer={OFFER: 3})
    assert codes([wants(1, 2)], of_offers, before) == {}
    assert codes([wants(1, 3)], of_offers, before) == {1: "customer_limit"}
    assert codes([wants(1, 1), wants(2, 2)], of_offers, before) == {2: "customer_limit"}
    assert codes([wants(1, 3)], of_offers, CountedUnits(of_customer={SECOND: 3})) == {}


def test_an_offer_sells_out():
    of_offers = limits(total=Cap(max=10))
    before = CountedUnits(of_offer={OFFER: 8})
    assert codes([wants(1, 2)], of_offers, before) == {}
    assert codes([wants(1, 3)], of_offers, before) == {1: "sold_out"}
    demands = [wants(1, 1, variant=12), wants(2, 2), wants(3, 1, variant=13)]
    assert codes(demands, of_offers, before) == {2: "sold_out"}


def test_a_variant_sells_out_whichever_offer_sold_it():
    taken = CountedUnits(
        of_variant={11: 8}, variant_most={(OFFER, 11): 10, (SECOND, 11): 9, (OFFER, 12): 1}
    )
    assert codes([wants(1, 2)], limits(), taken) == {}
    assert codes([wants(1, 3)], limits(), taken) == {1: "sold_out"}
    assert codes([wants(1, 2, offer=SECOND)], limits(), taken) == {1: "sold_out"}
    assert codes([wants(1, 1), wants(2, 1, offer=SECOND)], limits(), taken) == {2: "sold_out"}
    assert codes([wants(1, 2, variant=13)], limits(), taken) == {}


def test_a_variant_sells_out_in_one_market_and_not_in_another():
    taken = CountedUnits(
        of_market={(11, 7): 4, (11, 8): 4}, market_most={(OFFER, 11, 7): 5, (OFFER, 11, 8): 9}
    )
    assert codes([wants(1, 1, market=7)], limits(), taken) == {}
    assert codes([wants(1, 2, market=7)], limits(), taken) == {1: "sold_out"}
    assert codes([wants(1, 2, market=8)], limits(), taken) == {}
    assert codes([wants(1, 2)], limits(), taken) == {}
    assert codes([wants(1, 1, market=7), wants(2, 1, market=7)], limits(), taken) == {2: "sold_out"}


def test_a_limit_of_none_left_lets_nothing_pass():
    taken = CountedUnits(of_offer={OFFER: 10}, of_variant={11: 12}, variant_most={(OFFER, 11): 10})
    assert codes([wants(1, 1)], limits(total=Cap(max=10)), taken) == {1: "sold_out"}
    assert codes([wants(1, 1)], limits(), taken) == {1: "sold_out"}


def test_what_was_refused_takes_nothing_from_those_behind_it():
    of_offers = limits(total=Cap(max=5))
    demands = [wants(1, 4), wants(2, 3), wants(3, 1)]
    assert codes(demands, of_offers) == {2: "sold_out"}


def test_the_sentence_is_for_the_merchant_and_names_the_limit():
    one = judge([wants(1, 6)], limits(per_order=PerOrder(max=5)), CountedUnits())[1]
    assert one.sentence == "an order may have at most 5 units; it has 6"
    one = judge([wants(1, 6)], limits(per_customer=Cap(max=4)), CountedUnits())[1]
    assert one.sentence == "a customer may have at most 4 units"


CAP = st.one_of(st.none(), st.integers(1, 20))
DEMANDS = st.lists(
    st.tuples(
        st.sampled_from([OFFER, SECOND]),
        st.sampled_from([11, 12]),
        st.sampled_from([None, 7]),
        st.integers(1, 6),
    ),
    max_size=6,
).map(
    lambda found: [
        wants(line, units, offer=offer, variant=variant, market=market)
        for line, (offer, variant, market, units) in enumerate(found)
    ]
)


@given(
    demands=DEMANDS,
    total=CAP,
    of_customer=CAP,
    of_variant=CAP,
    of_market=CAP,
    before=st.integers(0, 20),
)
def test_what_may_be_is_within_every_limit_and_what_may_not_would_not(
    demands, total, of_customer, of_variant, of_market, before
):
    of_offers = {
        one: Limits(total=Cap(max=total), per_customer=Cap(max=of_customer))
        for one in (OFFER, SECOND)
    }
    taken = CountedUnits(
        of_offer={OFFER: before},
        of_customer={OFFER: before},
        of_variant={11: before},
        of_market={(11, 7): before},
        variant_most={(OFFER, 11): of_variant} if of_variant else {},
        market_most={(OFFER, 11, 7): of_market} if of_market else {},
    )
    refused = judge(demands, of_offers, taken)
    kept = []
    for one in demands:
        fits = _fits([*kept, one], one, total, of_customer, of_variant, of_market, before)
        assert fits == (one.line not in refused)
        if fits:
            kept.append(one)


def _fits(kept, last, total, of_customer, of_variant, of_market, before):
    """Say once more, over everything that was kept, whether the last of it may be."""

    def units(test):
        return sum(one.units for one in kept if test(one))

    of_offer = units(lambda one: one.offer_id == last.offer_id)
    had = before if last.offer_id == OFFER else 0
    if any(most is not None and had + of_offer > most for most in (total, of_customer)):
        return False
    if (last.offer_id, last.variant_id) != (OFFER, 11):
        return True
    sold = before + units(lambda one: one.variant_id == last.variant_id)
    if of_variant is not None and sold > of_variant:
        return False
    if last.market_id is None or of_market is None:
        return True
    here = units(lambda one: (one.variant_id, one.market_id) == (11, 7))
    return before + here <= of_market
