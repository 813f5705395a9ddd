"""Prices divided into deposits and balances: to the last unit of any currency, and fairly."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.kernel.money import allocate, digits
from openstoq.preorders.orders.ledger.amounts import Share, of_units, shares
from tests.factories.records import money

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])


def unit(currency):
    return Decimal(1).scaleb(-digits(currency))


def amounts(currency, most=10_000_000):
    return st.integers(0, most).map(lambda count: count * unit(currency))


@st.composite
def division(draw):
    currency = draw(CURRENCIES)
    weights = draw(st.lists(amounts(currency), min_size=1, max_size=8))
    return draw(amounts(currency)), weights, currency


@given(division())
def test_the_parts_are_the_amount_and_each_within_a_unit_of_its_share(division):
    amount, weights, currency = division
    parts = allocate(amount, weights, currency)
    whole = sum(weights)
    if whole == 0:
        assert parts == [0] * len(weights)
        return
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert part == part.quantize(unit(currency))
        # Decimal division is exact to 28 digits, hence the last term.
        assert abs(part - amount * weight / whole) <= unit(currency) + Decimal("1e-18")
        assert weight > 0 or part == 0


@given(division(), st.randoms(use_true_random=False))
def test_the_order_of_lines_decides_nothing_but_ties(division, random):
    amount, weights, currency = division
    shuffled = list(range(len(weights)))
    random.shuffle(shuffled)
    parts = allocate(amount, weights, currency)
    again = allocate(amount, [weights[i] for i in shuffled], currency)
    whole = Fraction(sum(weights)) or 1
    lost = [
        Fraction(amount) * Fraction(one) / whole / Fraction(unit(currency)) % 1 for one in weights
    ]
    if len(set(lost)) == len(lost):
        assert again == [parts[i] for i in shuffled]
    assert sum(again) == sum(parts)


def test_what_rounding_leaves_goes_to_those_that_lost_most():
    weights = [money(1), money(1), money(1)]
    assert allocate(money("0.10"), weights, "USD") == [money("0.04"), money("0.03"), money("0.03")]
    assert allocate(money(100), weights, "JPY") == [34, 33, 33]
    assert allocate(money("0.100"), weights, "KWD") == [
        money("0.034"),
        money("0.033"),
        money("0.033"),
    ]
    uneven = [money(1), money(3), money(6)]
    assert allocate(money("0.05"), uneven, "USD") == [money("0.01"), money("0.01"), money("0.03")]


def test_nothing_is_divided_among_nobody():
    assert allocate(money(5), [], "USD") == []
    assert allocate(money(5), [money(0), money(0)], "USD") == [0, 0]


@pytest.mark.parametrize(
    ("total", "units", "of", "currency", "expected"),
    [
        (100, 1, 3, "USD", "33.33"),
        (100, 2, 3, "USD", "66.67"),
        (1000, 1, 3, "JPY", "333"),
        (1001, 1, 2, "JPY", "501"),
        ("1.000", 1, 3, "KWD", "0.333"),
        (100, 3, 3, "USD", "100"),
        (100, 0, 3, "USD", "0"),
        (100, 0, 0, "USD", "0"),
    ],
)
def test_a_part_of_a_lines_units_costs_its_part(total, units, of, currency, expected):
    assert of_units(money(total), units, of, currency) == money(expected)


def test_two_deposits_of_a_discounted_order_add_up_to_its_own_totals():
    # 3 x 33.33 less 10.00 at 20 %, and 49.99 at 50 %: the platform rounds each deposit.
    totals = [money("89.99"), money("49.99")]
    later = [money("71.992"), money("24.995")]
    found = shares(totals, later, money("96.98"), "USD")
    assert found == [
        Share(money("89.99"), money("71.99")),
        Share(money("49.99"), money("24.99")),
    ]
    assert [one.deposit for one in found] == [money("18.00"), money("25.00")]


def test_an_order_whose_lines_leave_nothing_shares_its_balance_by_price():
    found = shares([money(100), money(50)], [money(0), money(0)], money(30), "USD")
    assert [one.balance for one in found] == [20, 10]


def test_a_line_leaves_no_more_than_its_price():
    later = [money(80), money(10)]
    # 150 of 200 with the deposits that were asked for would be 133.33 of the first line.
    found = shares([money(100), money(100)], later, money(150), "USD")
    assert [one.balance for one in found] == [100, 50]
    # What is above all prices is not the lines': shipping, or taxes.
    found = shares([money(100), money(100)], later, money(215), "USD")
    assert [one.balance for one in found] == [100, 100]


@st.composite
def lines(draw):
    currency = draw(CURRENCIES)
    totals = draw(st.lists(amounts(currency), min_size=1, max_size=6))
    percents = draw(st.lists(st.integers(0, 100), min_size=len(totals), max_size=len(totals)))
    later = [total * percent / 100 for total, percent in zip(totals, percents, strict=True)]
    return totals, later, draw(amounts(currency)), currency


@given(lines())
def test_every_line_pays_its_price_in_two_parts_that_are_not_negative(lines):
    totals, later, balance, currency = lines
    found = shares(totals, later, balance, currency)
    assert [one.total for one in found] == totals
    for one in found:
        assert one.balance >= 0
        assert one.deposit >= 0
        assert one.deposit + one.balance == one.total
    assert sum(one.balance for one in found) == min(balance, sum(totals))
