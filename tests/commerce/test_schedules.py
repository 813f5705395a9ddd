"""Payment schedules in the shop's currency: parts that add up, in every currency."""

from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from openstoq.commerce.shopify.schedules import Bag, convert_due
from openstoq.kernel.money import unit

CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])
RATES = st.decimals("0.01", "200", places=6)
NOTHING = Bag(Decimal(0), Decimal(0))


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
    due = convert_due(later, price=price, outstanding=outstanding, currency=currency)
    assert paid.shop + sum(due) == price.shop
    paid_for = [Decimal(0)] * len(later)
    assert convert_due(paid_for, price=price, outstanding=NOTHING, currency=currency) == paid_for


@given(purchase())
def test_a_deposit_that_is_still_to_be_paid_is_not_due_later(bought):
    currency, bag, deposit, later = bought
    price = bag(deposit + sum(later))
    due = convert_due(later, price=price, outstanding=price, currency=currency)
    assert price.shop - sum(due) <= bag(deposit).shop + unit(currency) * (len(later) + 1)
    assert sum(due) <= price.shop


def test_a_cancelled_order_still_shows_what_was_due():
    price = Bag(Decimal("91.67"), Decimal(100))
    due = convert_due([Decimal(80)], price=price, outstanding=NOTHING, currency="EUR")
    assert due == [Decimal("73.34")]
