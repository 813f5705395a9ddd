"""What may happen to an order in a shop, by chance."""

from decimal import Decimal

from sandbox.ordered import NOW
from shopify_sandbox import charges, checkout, edits, ledger, refunds, shipping
from shopify_sandbox.money import Exchange, digits
from shopify_sandbox.records.plans import SellingPlan, SellingPlanGroup
from shopify_sandbox.records.taxes import ZERO, Tax

EXCHANGES = [
    None,
    Exchange("USD", "EUR", Decimal("0.9213"), Decimal("0.95")),
    Exchange("USD", "JPY", Decimal("147.31"), Decimal(100)),
    Exchange("USD", "KWD", Decimal("0.30717")),
]
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


def placed(shop, dice, *, in_parts=True):
    plans = [offered_plan(shop, dice), offered_plan(shop, dice), None]
    variants = dice.sample(list(shop.variants.values()), k=3)
    for each in variants:
        each.inventory_policy = "CONTINUE"
    cart = [
        checkout.CartLine(
            variant=each,
            quantity=dice.randint(1, 4),
            plan=dice.choice(plans),
            discount=Decimal(dice.randint(0, 199)) / 100,
            taxes=dice.choice([None, None, ()]),
        )
        for each in variants
    ]
    shipping_price = Decimal(dice.randint(0, 999)) / 100
    pricing = checkout.Pricing(
        shipping=shipping_price,
        taxes=dice.choice([(), (Tax("VAT", Decimal("0.19")),), TWO_TAXES]),
        taxes_included=dice.random() < 0.5,
        exchange=dice.choice(EXCHANGES),
        gift_card=dice.choice([ZERO, ZERO, Decimal(20)]) if in_parts else ZERO,
        captures=not in_parts or dice.random() < 0.8,
        schedule_by_plan=dice.random() < 0.5,
    )
    return checkout.place(shop, cart, checkout.Buyer(country="US"), pricing=pricing)


def edit(shop, order, dice):
    line = dice.choice(order.lines)
    if order.cancelled_at is None and line.unfulfilled_quantity:
        units = dice.randint(1, line.unfulfilled_quantity)
        owed, worth = order.outstanding, line.worth(units)
        edits.edit(shop, order, {line: -units}, restock=dice.random() < 0.5)
        assert order.outstanding == max(ZERO, owed - worth)


def add(shop, order, dice):
    line = dice.choice(order.lines)
    if order.cancelled_at is None:
        new = edits.NewLine(
            quantity=dice.randint(1, 2),
            variant=dice.choice([None, line.variant]),
            title="Gift wrap",
            price=part_of(Decimal(9), order, dice),
            taxes=dice.choice([None, ()]),
        )
        changes = dice.choice([{}, {line: 1}])
        owed, price = order.outstanding, order.current_total
        edits.edit(shop, order, changes, dice.choice([[], [new]]))
        # Money that was paid beyond the price pays for what is added.
        assert order.outstanding <= owed + order.current_total - price
        if owed:
            assert order.outstanding == owed + order.current_total - price


def refund_lines(shop, order, dice):
    line = dice.choice(order.lines)
    if order.cancelled_at is None and line.current_quantity:
        units = dice.randint(1, line.current_quantity)
        returned = [refunds.Returned(line, units, dice.choice(["CANCEL", "NO_RESTOCK"]))]
        shipping = dice.choice([ZERO, part_of(order.current_shipping, order, dice)])
        parts = refunds.spread(order, refunds.owed(order, returned, shipping))
        price = order.current_total
        made = refunds.refund(
            shop, order, shop.action(), parts=parts, returned=returned, shipping=shipping
        )
        gone = sum(each.subtotal + on_top(each.tax, order) for each in made.lines)
        if made.shipping:
            gone += made.shipping.subtotal + on_top(made.shipping.tax, order)
        assert price - order.current_total - made.discrepancy == gone


def part_of(amount, order, dice):
    """Return some of an amount, in units of the order's currency."""
    unit = Decimal(1).scaleb(-digits(order.currency))
    return unit * dice.randint(0, int(amount / unit))


def on_top(tax, order):
    return ZERO if order.taxes_included else tax


def refund_money(shop, order, dice):
    amount = part_of(order.net_payment, order, dice)
    if amount:
        owed = order.outstanding
        parts = refunds.spread(order, amount)
        refunds.refund(shop, order, shop.action(), parts=parts)
        # Money that is paid back is not owed again.
        assert order.outstanding == owed


def pay(shop, order, dice):
    if order.payable:
        dice.choice([charges.pay, charges.mark_paid])(shop, order)
        assert order.payable == 0


def pay_some(shop, order, dice):
    amount = part_of(order.payable, order, dice)
    if amount:
        owed = order.payable
        charges.pay(shop, order, amount)
        assert order.payable == owed - amount


def capture(shop, order, dice):
    for each in order.moves("AUTHORIZATION"):
        amount = part_of(order.capturable(each), order, dice)
        if amount:
            ledger.capture(shop, order, each, amount, shop.action())


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


# Steps after which every payment was for all that was due.
WHOLE_PAYMENTS = [edit, add, refund_lines, refund_money, pay, send, cancel]
STEPS = [*WHOLE_PAYMENTS, pay_some, capture]
