"""An order's books agree after whatever happens to it, in whatever order."""

import random

import pytest

from sandbox.deeds import STEPS, placed
from sandbox.ordered import Storekeeper
from shopify_sandbox.money import digits
from shopify_sandbox.records.taxes import ZERO


def added(order):
    """Return what the units cost that edits added to an order."""
    return sum(each.cost(each.quantity) - each.cost(each.ordered_quantity) for each in order.lines)


def check(order):
    """Assert what must hold of an order at any time."""
    assert order.net_payment == order.received - order.refunded >= 0
    assert order.outstanding == max(ZERO, order.current_total - order.net_payment)
    schedules = order.payment_terms.schedules if order.payment_terms else []
    waiting = [each for each in schedules if each.completed_at is None]
    if waiting:
        assert sum(each.balance for each in waiting) == order.payable
    else:
        assert order.payable <= added(order)
    for each in schedules:
        assert (each.completed_at is not None) >= (not each.balance and order.cancelled_at is None)
        assert 0 <= each.balance <= each.total
    for line in order.lines:
        assert 0 <= line.current_quantity <= line.quantity
        assert line.unfulfilled_quantity >= 0
        remaining = sum(
            part.remaining_quantity
            for each in order.fulfillment_orders
            for part in each.lines
            if part.line_item is line
        )
        assert remaining == line.unfulfilled_quantity
    assert order.total_bag("received").presentment.amount == order.received
    for name in ("total", "current_total", "net_payment", "outstanding", "current_tax"):
        bag = order.total_bag(name)
        assert bag.presentment.amount == getattr(order, name)
        assert (bag.shop.currency, bag.presentment.currency) == ("USD", order.currency)
        if order.currency == "USD":
            assert bag.shop == bag.presentment
    for each in order.transactions:
        assert each.amount > 0
        assert each.amount == round(each.amount, digits(order.currency))
        if each in order.payments:
            assert order.refundable(each) >= 0
    assert order.refunded == sum((each.total for each in order.refunds), ZERO)


@pytest.mark.parametrize("seed", range(100))
def test_the_books_agree(seed):
    dice = random.Random(seed)  # noqa: S311 — a game, not a secret
    keeper = Storekeeper()
    order = placed(keeper.shop, dice)
    check(order)
    for step in dice.choices(STEPS, k=8):
        step(keeper.shop, order, dice)
        check(order)
