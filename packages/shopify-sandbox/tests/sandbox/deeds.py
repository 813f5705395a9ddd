"""What may happen to an order in a shop, by chance."""

from decimal import Decimal

from sandbox.ordered import NOW
from shopify_sandbox import charges, checkout, refunds, shipping
from shopify_sandbox.records.plans import SellingPlan, SellingPlanGroup
from shopify_sandbox.records.taxes import ZERO, Tax

TWO_TAXES = (Tax("State", Decimal("0.0625")), Tax("City", Decimal("0.01125")))


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
            taxes=dice.choice([None, None, ()]),
        )
        for each in variants
    ]
    shipping_price = Decimal(dice.randint(0, 999)) / 100
    pricing = checkout.Pricing(
        shipping=shipping_price,
        taxes=dice.choice([(), (Tax("VAT", Decimal("0.19")),), TWO_TAXES]),
        taxes_included=dice.random() < 0.5,
    )
    return checkout.place(shop, cart, checkout.Buyer(country="US"), pricing=pricing)


def edit(shop, order, dice):
    line = dice.choice(order.lines)
    if order.cancelled_at is None and line.unfulfilled_quantity:
        units = dice.randint(1, line.unfulfilled_quantity)
        owed, worth = order.outstanding, line.worth(units)
        refunds.edit(shop, order, {line: units}, restock=dice.random() < 0.5)
        assert order.outstanding == max(ZERO, owed - worth)


def refund_lines(shop, order, dice):
    line = dice.choice(order.lines)
    if order.cancelled_at is None and line.current_quantity:
        units = dice.randint(1, line.current_quantity)
        returned = [refunds.Returned(line, units, dice.choice(["CANCEL", "NO_RESTOCK"]))]
        cents = int(order.current_shipping * 100)
        shipping = dice.choice([ZERO, Decimal(dice.randint(0, cents)) / 100])
        parts = refunds.spread(order, refunds.owed(order, returned, shipping))
        price = order.current_total
        made = refunds.refund(
            shop, order, shop.action(), parts=parts, returned=returned, shipping=shipping
        )
        gone = sum(each.subtotal + on_top(each.tax, order) for each in made.lines)
        if made.shipping:
            gone += made.shipping.subtotal + on_top(made.shipping.tax, order)
        assert price - order.current_total - made.discrepancy == gone


def on_top(tax, order):
    return ZERO if order.taxes_included else tax


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


STEPS = [edit, refund_lines, refund_money, pay, send, cancel]
