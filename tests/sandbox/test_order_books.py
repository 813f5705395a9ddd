"""An order's books agree after whatever happens to it, in whatever order."""

import random
from decimal import Decimal

import pytest

from openstoq.sandbox import charges, checkout, refunds, shipping
from openstoq.sandbox.orders import ZERO
from openstoq.sandbox.plans import SellingPlan, SellingPlanGroup
from sandbox.ordered import NOW, Storekeeper

STEPS = 8


def offered_plan(shop, dice):
    """Offer every variant under a deposit of some percentage, due when it is sent."""
    made = SellingPlan(
        id=next(shop.ids),
        name="Deposit",
        options=["Deposit"],
        position=1,
        billing_policy={
            "checkout_charge": {
                "type": "PERCENTAGE",
                "value": {"percentage": dice.choice([1, 12.5, 33.33, 99])},
            },
            "remaining_balance_charge_trigger": "ON_FULFILLMENT",
        },
        delivery_policy={"fulfillment_exact_time": None},
        inventory_policy={"reserve": dice.choice(["ON_SALE", "ON_FULFILLMENT"])},
        pricing_policies=[],
        created_at=NOW,
    )
    group = SellingPlanGroup(
        id=next(shop.ids), name="P", merchant_code="p", options=["P"], created_at=NOW
    )
    group.plans[made.id] = made
    group.variant_ids = set(shop.variants)
    shop.plan_groups[group.id] = group
    return made


def placed(shop, dice):
    plan = offered_plan(shop, dice)
    variants = dice.sample(list(shop.variants.values()), k=3)
    for each in variants:
        each.inventory_policy = "CONTINUE"
    cart = [
        checkout.CartLine(
            variant=each,
            quantity=dice.randint(1, 4),
            plan=dice.choice([plan, plan, None]),
            discount=Decimal(dice.randint(0, 999)) / 100,
        )
        for each in variants
    ]
    shipping_price = Decimal(dice.randint(0, 999)) / 100
    return checkout.place(shop, cart, checkout.Buyer(country="US"), shipping=shipping_price)


def edit(shop, order, dice):
    line = dice.choice(order.lines)
    if order.cancelled_at is None and line.unfulfilled_quantity:
        units = dice.randint(1, line.unfulfilled_quantity)
        owed, price = order.outstanding, line.current_total
        refunds.edit(shop, order, {line: units}, restock=dice.random() < 0.5)
        assert order.outstanding == max(ZERO, owed - (price - line.current_total))


def refund_lines(shop, order, dice):
    line = dice.choice(order.lines)
    if order.cancelled_at is None and line.current_quantity:
        units = dice.randint(1, line.current_quantity)
        returned = [refunds.Returned(line, units, dice.choice(["CANCEL", "NO_RESTOCK"]))]
        owed = max(ZERO, line.share(units) - order.outstanding)
        parts = refunds.spread(order, min(owed, order.net_payment))
        refunds.refund(shop, order, shop.action(), parts=parts, returned=returned)


def refund_money(shop, order, dice):
    cents = int(order.net_payment * 100)
    if cents:
        owed = order.outstanding
        parts = refunds.spread(order, Decimal(dice.randint(1, cents)) / 100)
        refunds.refund(shop, order, shop.action(), parts=parts)
        # Money that is paid back is not owed again.
        assert order.outstanding == owed


def pay(shop, order, dice):
    if order.outstanding:
        dice.choice([charges.pay, charges.mark_paid])(shop, order)
        assert order.outstanding == 0


def send(shop, order, dice):
    for each in order.fulfillment_orders:
        units = {part: dice.randint(0, part.remaining_quantity) for part in each.lines}
        wanted = {part: count for part, count in units.items() if count}
        if each.status in ("OPEN", "IN_PROGRESS") and wanted:
            shipping.ship(shop, each, wanted, None, shop.action())
            return


def cancel(shop, order, dice):
    if not any(each.fulfilled_quantity for each in order.lines) and dice.random() < 0.3:
        pay_back = dice.random() < 0.5
        refunds.cancel(shop, order, reason="OTHER", pay_back=pay_back, restock=True, note=None)


def check(order):
    """Assert what must hold of an order at any time."""
    assert order.net_payment == order.received - order.refunded >= 0
    assert order.outstanding == max(ZERO, order.current_total - order.net_payment)
    schedule = order.payment_terms.schedules[0] if order.payment_terms else None
    if schedule is None:
        assert order.outstanding == 0
    else:
        assert schedule.balance == order.outstanding
        assert (schedule.completed_at is not None) >= (
            not schedule.balance and order.cancelled_at is None
        )
        assert 0 <= schedule.balance <= schedule.total
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
    for each in order.transactions:
        assert each.amount > 0
        assert each.amount == round(each.amount, 2)
        if each.kind == "SALE":
            assert order.refundable(each) >= 0
    assert order.refunded == sum((each.total for each in order.refunds), ZERO)


@pytest.mark.parametrize("seed", range(100))
def test_the_books_agree(seed):
    dice = random.Random(seed)  # noqa: S311 — a game, not a secret
    keeper = Storekeeper()
    order = placed(keeper.shop, dice)
    check(order)
    steps = [edit, refund_lines, refund_money, pay, send, cancel]
    for step in dice.choices(steps, k=STEPS):
        step(keeper.shop, order, dice)
        check(order)
