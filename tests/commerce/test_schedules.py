"""Payment schedules in the shop's currency: parts that add up, in every currency."""

from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from openstoq.commerce.shopify.schedules import Bag, Stated, convert_due, convert_paid
from openstoq.kernel.money import unit

CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])
RATES = st.decimals("0.01", "200", places=6)


def rounded(amount, currency):
    return amount.quantize(unit(currency), rounding=ROUND_HALF_UP)


@st.composite
def purchase(draw):
    """Draw an order in two currencies: its deposit, and what is due later in a few parts."""
    shop, shown, rate = draw(CURRENCIES), draw(CURRENCIES), draw(RATES)
    count = st.integers(1, 500_000)
    deposit = draw(count) * unit(shown)
    later = [each * unit(shown) for each in draw(st.lists(count, min_size=1, max_size=3))]

    def bag(amount):
        return Bag(rounded(amount * rate, shop), amount)

    return shop, bag, deposit, later


@given(purchase())
def test_what_is_due_and_what_was_paid_add_up_to_what_shopify_states(bought):
    currency, bag, deposit, later = bought
    price, paid = bag(deposit + sum(later)), bag(deposit)
    outstanding = Bag(price.shop - paid.shop, price.shown - paid.shown)
    before = Stated(price=price, outstanding=outstanding, payments=[paid])
    due = convert_due(later, before, currency)
    assert paid.shop + sum(due) == price.shop
    assert convert_paid([Decimal(0)] * len(later), before, currency) == [0] * len(later)

    payments = [paid, *(bag(amount) for amount in later)]
    after = Stated(price=price, outstanding=Bag(Decimal(0), Decimal(0)), payments=payments)
    assert convert_due([Decimal(0)] * len(later), after, currency) == [0] * len(later)
    assert sum(convert_paid(later, after, currency)) == sum(one.shop for one in payments[1:])


@given(purchase())
def test_a_deposit_that_is_still_to_be_paid_is_not_due_later(bought):
    currency, bag, deposit, later = bought
    price = bag(deposit + sum(later))
    stated = Stated(price=price, outstanding=price, payments=[])
    due = convert_due(later, stated, currency)
    assert price.shop - sum(due) <= bag(deposit).shop + unit(currency) * (len(later) + 1)
    assert sum(due) <= price.shop


def test_the_balance_that_was_paid_before_the_deposit_is_found_by_its_amount():
    payments = [Bag(Decimal("73.33"), Decimal(80)), Bag(Decimal("18.34"), Decimal(20))]
    nothing = Bag(Decimal(0), Decimal(0))
    price = Bag(Decimal("91.67"), Decimal(100))
    stated = Stated(price=price, outstanding=nothing, payments=payments)
    assert convert_paid([Decimal(80)], stated, "EUR") == [Decimal("73.33")]


def test_a_cancelled_order_still_shows_what_was_due():
    nothing = Bag(Decimal(0), Decimal(0))
    price = Bag(Decimal("91.67"), Decimal(100))
    stated = Stated(price=price, outstanding=nothing, payments=[Bag(Decimal("18.34"), Decimal(20))])
    assert convert_due([Decimal(80)], stated, "EUR") == [Decimal("73.34")]
