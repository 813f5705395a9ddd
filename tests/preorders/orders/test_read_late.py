"""An order that is first read after it was paid is as one that was read in time."""

from dataclasses import replace
from decimal import Decimal

import pytest

from openstoq.preorders.offers.capabilities.payments import Deposit
from openstoq.preorders.orders.ledger import totals
from tests.factories.records import (
    DAY,
    MINUTE,
    NOON,
    money,
    offer,
    order_line,
    paid,
    sale,
    schedule,
    shop_order,
)
from tests.preorders.orders.composed import LATER, bought, take
from tests.preorders.orders.ledgers import facts

DEPOSITS = [Deposit(percent=20), Deposit(type="price", amount=Decimal(20))]


def record(made):
    lines = [(one.total, one.deposit, one.balance) for one in made.lines]
    return (
        (made.at_checkout, made.deposit, made.balance, made.state, lines),
        facts(made.payments),
        totals.ledger_totals(made),
    )


def after(order, *payments, left=None, ended=True):
    """Return an order as it is after these payments, of whose schedules this amount is left."""
    total = sum((one.amount for one in payments if one.kind != "authorization"), money(0))
    rest = order.total - total
    waits = schedule(rest if left is None else left)
    return replace(
        order,
        transactions=payments,
        received=total,
        outstanding=rest,
        schedules=(paid(waits, LATER) if ended else waits,),
    )


@pytest.mark.parametrize("deposit", DEPOSITS, ids=["percentage", "price"])
@pytest.mark.parametrize("waited", [1, 30, 60 * 24], ids=["at once", "soon", "a day later"])
@pytest.mark.parametrize("parts", [(80,), (30, 50), (50,), (20, 20)])
def test_a_balance_that_was_paid_before_the_first_reading(deposit, waited, parts):
    one = offer(deposit)
    first = sale(1, 20, processed_at=NOON)
    placed = bought(first)
    payments = [
        sale(number, amount, processed_at=NOON + waited * MINUTE)
        for number, amount in enumerate(parts, 2)
    ]
    order = after(placed, first, *payments, ended=sum(parts) == 80)
    late, known = take(order, one), take(order, one, stored=take(placed, one))
    assert record(late) == record(known)
    assert (late.deposit, late.balance) == (20, 80)


@pytest.mark.parametrize("paid_later", [(), (80,), (30,)])
def test_an_offer_whose_deposit_changed_since(paid_later):
    first = sale(1, 20, processed_at=NOON - MINUTE)
    payments = [
        sale(number, amount, processed_at=NOON + DAY) for number, amount in enumerate(paid_later, 2)
    ]
    order = after(bought(first), first, *payments, ended=sum(paid_later) == 80)
    for since in (
        Deposit(percent=50),
        Deposit(percent=0),
        Deposit(type="price", amount=Decimal(99)),
    ):
        late = take(order, offer(since))
        assert (late.deposit, late.balance) == (20, 80)


@pytest.mark.parametrize("parts", [(80,), (30, 50)])
def test_without_a_deposit_all_that_came_is_the_balance(parts):
    one = offer(Deposit(type="price", amount=Decimal(0)))
    placed = bought(lines=(order_line(1, 80),), schedules=(schedule(80),), total=80)
    payments = [sale(number, amount) for number, amount in enumerate(parts, 1)]
    order = after(placed, *payments)
    late = take(order, one)
    assert record(late) == record(take(order, one, stored=take(placed, one)))
    assert (late.deposit, late.balance) == (0, 80)


def test_a_deposit_that_was_paid_a_day_after_the_order():
    placed = bought()
    order = after(placed, sale(1, 20, processed_at=NOON + DAY), ended=False)
    one = offer(Deposit(percent=20))
    late = take(order, one)
    assert record(late) == record(take(order, one, stored=take(placed, one)))
    assert (late.deposit, late.balance, late.state) == (20, 80, "awaiting_balance")


def test_units_that_were_removed_after_the_balance_was_paid():
    one = offer(Deposit(percent=20))
    first, rest = sale(1, 40, processed_at=NOON), sale(2, 160, processed_at=NOON + DAY)
    pair = order_line(1, 200, 2)
    placed = bought(first, total=200, lines=(pair,), schedules=(schedule(160),))
    done = after(placed, first, rest)
    order = replace(done, total=money(100), lines=(replace(pair, current=1, unfulfilled=1),))
    late = take(order, one)
    known = take(order, one, stored=take(done, one, stored=take(placed, one)))
    assert record(late) == record(known)


def test_an_order_without_schedules_shows_its_balance_by_its_payments():
    # The schedules are read only with a permission that Shopify gives on request.
    first, rest = sale(1, 20, processed_at=NOON), sale(2, 80, processed_at=NOON + DAY)
    order = shop_order(transactions=(first, rest), lines=(order_line(1, 100),))
    late = take(order, offer(Deposit(percent=20)))
    assert (late.deposit, late.balance, late.state) == (20, 80, "balance_collected")


@pytest.mark.parametrize("parts", [(20,), (5, 15), (5,)], ids=str)
def test_a_balance_that_was_paid_before_the_deposit_was_captured(parts):
    one = offer(Deposit(percent=20))
    allowed = sale(1, 20, kind="authorization", processed_at=NOON)
    placed = bought(allowed)
    stored = take(placed, one)
    assert (stored.deposit, stored.balance, stored.payments) == (20, 80, ())
    rest = sale(2, 80, processed_at=NOON + DAY)
    stored = take(after(placed, allowed, rest), one, stored=stored)
    captures = [
        sale(number, amount, kind="capture", parent_id=1, processed_at=NOON + 2 * DAY)
        for number, amount in enumerate(parts, 3)
    ]
    order = after(placed, allowed, rest, *captures)
    late, known = take(order, one), take(order, one, stored=stored)
    assert record(late) == record(known)
    assert [one.part for one in late.payments] == ["balance", *("deposit" for _ in parts)]


def test_an_authorization_that_was_given_up_leaves_its_amount_due():
    one = offer(Deposit(percent=20))
    allowed = sale(1, 20, kind="authorization", processed_at=NOON)
    placed = bought(allowed)
    given_up = sale(2, 20, kind="void", parent_id=1, processed_at=NOON + DAY)
    payments = sale(3, 20, processed_at=NOON + 2 * DAY), sale(4, 80, processed_at=NOON + 3 * DAY)
    order = replace(
        placed,
        transactions=(allowed, given_up, *payments),
        received=money(100),
        outstanding=money(0),
        schedules=(paid(schedule(0), LATER),),
    )
    late, known = take(order, one), take(order, one, stored=take(placed, one))
    assert record(late) == record(known)
    assert [one.part for one in late.payments] == ["deposit", "balance"]
