"""Whatever happened to an order, and whenever it was read: the record after it is the same."""

import random

import pytest

from openstoq.commerce.orders import OrderLine, PaymentSchedule, Transaction
from openstoq.preorders.offers.capabilities.payments import Deposit
from openstoq.preorders.orders import state
from openstoq.preorders.orders.intake import compose
from openstoq.preorders.orders.ledger import amounts, authorizations, refund_plan, totals
from openstoq.preorders.orders.ledger.refund_plan import Reason
from openstoq.preorders.orders.recognition import matching
from sandbox.deeds import STEPS, placed
from sandbox.ordered import Storekeeper
from tests.factories.records import DAY, MINUTE, NOON, offer, shop_order

OFFER = offer(Deposit(percent=30))
OFFERS = {OFFER.id: OFFER}


def as_read(order):
    """An order of the sandbox as the application reads it."""
    return shop_order(
        id=order.id,
        created_at=order.created_at,
        currency=order.currency,
        original_total=order.original_total,
        total=order.current_total,
        received=order.received,
        refunded=order.refunded,
        outstanding=order.outstanding,
        cancelled_at=order.cancelled_at,
        fulfillment_status=order.fulfillment_status.lower(),
        lines=tuple(
            OrderLine(
                id=each.id,
                title="Snowboard",
                variant_title=None,
                sku=None,
                variant_id=each.variant.id if each.variant else None,
                product_id=1,
                plan_id=each.selling_plan_id,
                quantity=each.quantity,
                current=each.current_quantity,
                unfulfilled=each.unfulfilled_quantity,
                unit_price=each.unit_price,
                total=each.cost(each.quantity),
                properties={},
            )
            for each in order.lines
        ),
        schedules=tuple(
            PaymentSchedule(
                id=each.id,
                due_at=each.due_at,
                completed_at=each.completed_at,
                balance_due=each.balance,
            )
            for each in (order.payment_terms.schedules if order.payment_terms else ())
        ),
        transactions=tuple(
            Transaction(
                id=each.id,
                kind=each.kind.lower(),
                status=each.status.lower(),
                amount=each.amount,
                gateway=each.gateway,
                parent_id=each.parent.id if each.parent else None,
                processed_at=each.processed_at,
            )
            for each in order.transactions
        ),
    )


def take(order, stored, plans):
    """Take an order in, as intake does."""
    known = stored.lines if stored is not None else ()
    recognition = compose.Recognition(
        stored=stored,
        matches=matching.match(order, plans, OFFERS, known),
        offers=OFFERS,
        market_id=None,
    )
    composed = compose.compose(order, recognition, read_at=NOON, now=NOON, hold_unpaid=True)
    made, found = composed.order, composed.entries
    changed = {one.id: one for one in found}
    kept = [one for one in made.payments if one.id not in changed]
    state.derive(made, [*kept, *changed.values()], NOON)
    return made


def facts(made):
    return (
        (made.state, made.deposit, made.balance, made.collected_at is not None),
        [(one.id, one.current, one.total, one.deposit, one.balance) for one in amounts.left(made)],
        sorted((one.transaction_id, one.kind, one.part, one.amount) for one in made.payments),
        totals.ledger_totals(made),
    )


def played(dice):
    """Return an order as the shop has it after each thing that happens to it, and its plans."""
    keeper = Storekeeper()
    order = placed(keeper.shop, dice)
    readings = [as_read(order)]
    for step in dice.choices(STEPS, k=6):
        keeper.now += dice.choice([MINUTE, DAY])
        authorized, payable, price = order.authorized, order.payable, order.current_total
        step(keeper.shop, order, dice)
        if order.cancelled_at is None and authorized and price - order.current_total > payable:
            # Units were taken off that nobody had paid, only authorized. Shopify does not say when
            # this was, and so not whether it left the balance as it was or ended it.
            break
        readings.append(as_read(order))
    plans = {one.selling_plan_id: (OFFER.id, "partial") for one in order.lines}
    plans.pop(None, None)
    return readings, plans


def is_raised(readings):
    """Whether an edit added units or lines to an order."""
    before = {line.id: line.quantity for line in readings[0].lines}
    return before != {line.id: line.quantity for line in readings[-1].lines}


def is_emptied(reading, plans):
    """Whether no preordered unit is left in an order."""
    return not any(line.current for line in reading.lines if line.plan_id in plans)


@pytest.mark.parametrize("seed", range(300))
def test_the_record_does_not_depend_on_when_an_order_was_read(seed):
    dice = random.Random(seed)  # noqa: S311 - a game, not a secret
    readings, plans = played(dice)
    if not plans:
        return
    if is_raised(readings) and any(is_emptied(reading, plans) for reading in readings):
        # The reading of an emptied order ends its preorder, whatever is added afterwards.
        return
    # Shopify does not say which units an edit added, so such an order was read before the edit.
    first = take(readings[0], None, plans) if is_raised(readings) else None
    once = take(readings[-1], first, plans)
    always = None
    for reading in readings:
        always = take(reading, always, plans)
    assert facts(always) == facts(once)
    some = first
    for reading in [*dice.sample(readings[:-1], k=min(3, len(readings) - 1)), readings[-1]]:
        some = take(reading, some, plans)
    assert facts(some) == facts(once)


@pytest.mark.parametrize("seed", range(300))
def test_all_that_came_for_a_preorder_can_be_paid_back_and_nothing_else(seed):
    dice = random.Random(seed)  # noqa: S311 - as above
    readings, plans = played(dice)
    if not plans:
        return
    order = readings[-1]
    made = take(order, take(readings[0], None, plans), plans)
    found = refund_plan.refunds(
        made, ("deposit", "balance"), Reason(None, notify=False), NOON + DAY
    )
    left = order.received - order.refunded - sum(one.amount for one in found)
    preordered = {one.id for one in made.lines}
    others = [one for one in order.lines if one.id not in preordered]
    if not others:
        assert left == 0
    elif not made.facts.snapshot.others_ordered:
        assert 0 <= left <= made.facts.snapshot.others_added
    elif any(authorizations.uncaptured(order, voided=one) for one in (False, True)):
        # As far as the money goes, it was for the preorder.
        assert 0 <= left <= order.received - order.refunded
    elif order.refunded:
        # Refunds by hand are attributed to other goods first, so only the bounds are certain.
        kept = sum(one.total for one in others) + max(readings[0].original_total, 0)
        assert 0 <= left <= kept
        for one in found:
            paid = next(each for each in order.transactions if each.id == one.parent_id)
            assert one.amount <= paid.amount
    else:
        shipping = order.original_total - sum(one.total for one in readings[0].lines)
        as_ordered = sum(one.total for one in readings[0].lines if one.id not in preordered)
        assert (
            as_ordered - made.facts.snapshot.others_removed + shipping
            <= left
            <= sum(one.total for one in others) + shipping
        )
