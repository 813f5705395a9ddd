"""An order made of what the shop has of it: its money, its plan, and what follows of them."""

from dataclasses import replace

import pytest

from openstoq.commerce.orders import OrderCustomer
from openstoq.preorders.offers.capabilities.checkout import Checkout
from openstoq.preorders.offers.capabilities.payments import RemainingBalance
from openstoq.preorders.offers.capabilities.shipping import Fulfillment, Shipping, Split
from openstoq.preorders.orders.intake import money as intake_money
from tests.factories.records import (
    DAY,
    NOON,
    deposit_of,
    money,
    order_line,
    paid,
    preorder,
    sale,
    schedule,
)
from tests.preorders.orders.composed import (
    BALANCE,
    COLLECTED,
    DEPOSIT,
    EDITED,
    EMPTIED,
    LATER,
    PAIR,
    PLACED,
    bought,
    owed,
    selling,
    take,
)

# The balance.

KNOWN = preorder(payments=(deposit_of(20),))


def test_the_balance_is_what_the_schedules_say():
    order = bought(DEPOSIT)
    assert owed(order) == (80, NOON + 30 * DAY)
    several = bought(
        DEPOSIT,
        schedules=(
            schedule(30, due_at=NOON + 60 * DAY),
            schedule(50, due_at=NOON + 40 * DAY),
        ),
    )
    assert owed(several) == (80, NOON + 40 * DAY)


def test_a_balance_that_was_paid_is_still_the_balance_and_not_due():
    order = bought(DEPOSIT, BALANCE, schedules=(paid(schedule(80), LATER),))
    assert owed(order) == (80, None)


def test_a_balance_that_is_due_on_fulfillment_has_no_date():
    order = bought(DEPOSIT, schedules=(schedule(80, due_at=None),))
    assert owed(order) == (80, None)


def test_a_shop_that_forgets_schedules_leaves_the_balance_as_it_was():
    order = bought(DEPOSIT, BALANCE, schedules=())
    assert owed(order, KNOWN) == (80, None)
    cheaper = replace(order, total=money(60), received=money(20), outstanding=money(40))
    assert owed(cheaper, KNOWN) == (40, None)
    edited = replace(order, total=money(60))
    assert owed(edited, KNOWN) == (80, None)
    back = replace(order, total=money(0), refunded=money(100))
    assert owed(back, KNOWN) == (80, None)


def test_a_shop_without_schedules_owes_what_is_outstanding_if_a_deposit_was_sold():
    order = bought(DEPOSIT, schedules=())
    assert owed(order) == (80, None)
    assert owed(order, has_partial=False) == (0, None)


TWICE = replace(
    COLLECTED, received=money(370), transactions=(*COLLECTED.transactions, sale(3, 160))
)


@pytest.mark.parametrize(
    "order",
    [
        PLACED,
        EDITED,
        EMPTIED,
        COLLECTED,
        TWICE,
        replace(COLLECTED, total=money(110), lines=EDITED.lines),
        replace(COLLECTED, total=money(210 - 30), refunded=money(30)),
        replace(EMPTIED, cancelled_at=LATER, total=money(0), schedules=(schedule(0),)),
        # Of a cancelled order nothing is outstanding, whatever its schedules say.
        replace(EMPTIED, cancelled_at=LATER, total=money(0), schedules=(schedule(160),)),
        replace(PLACED, received=money(0), transactions=(), outstanding=money(210)),
    ],
    ids=[
        "placed",
        "edited",
        "emptied",
        "collected",
        "paid twice",
        "collected and edited",
        "collected and refunded",
        "cancelled",
        "cancelled with its schedule",
        "not paid yet",
    ],
)
def test_what_was_due_at_checkout_is_the_same_whatever_happened_since(order):
    one = intake_money.read_money(order, None, has_partial=True)
    assert (one.at_checkout, one.agreed) == (50, 160)


def test_all_of_a_full_order_was_due_at_checkout():
    order = bought(sale(1, 210), total=210, lines=(PAIR,), schedules=())
    edited = replace(order, total=money(110), lines=EDITED.lines)
    back = replace(edited, refunded=money(100))
    for one in (order, edited, back):
        told = intake_money.read_money(one, None, has_partial=False)
        assert (told.at_checkout, told.agreed, told.balance) == (210, 0, 0)


def test_a_deposit_order():
    one = selling()
    customer = OrderCustomer(
        id=501, name="Ada Lovelace", email="ada@home.example", phone="+49", locale="de"
    )
    made = take(bought(DEPOSIT, customer=customer, email=None, locale=None), one)
    assert (made.deposit, made.balance, made.facts.outstanding) == (20, 80, 80)
    assert (made.state, made.decisions.collect, made.collected_at) == (
        "awaiting_balance",
        "when_due",
        None,
    )
    assert (made.facts.customer_id, made.facts.email, made.facts.locale) == (
        501,
        "ada@home.example",
        "de",
    )
    assert (made.placed_at, made.market_id, made.decisions.revision) == (NOON, 7, 1)
    assert (made.decisions.hold_wanted, made.decisions.split_wanted) == (True, False)
    assert made.due_at == NOON + 30 * DAY


def test_a_full_order():
    made = take(bought(sale(1, 100), schedules=()), selling(), option="full")
    assert (made.state, made.deposit, made.balance) == ("placed", 100, 0)


def test_what_the_offers_of_an_order_want_of_it():
    def wanting(tags, tag=None, **fulfillment):
        split = Split(enabled=tag is not None, tag=tag)
        return selling(
            checkout=Checkout(order_tags=tags),
            shipping=Shipping(fulfillment=Fulfillment(split=split, **fulfillment)),
        )

    cart = bought(DEPOSIT, lines=(order_line(1, 50), order_line(2, 50)))
    idle = selling(shipping=Shipping(fulfillment=Fulfillment(split=Split(tag="never"))))
    assert take(cart, idle, idle).decisions.tags_wanted == ["Preorder"]
    made = take(cart, wanting(["a", "b"], hold=False), wanting(["b"], "apart", hold=False))
    assert made.decisions.tags_wanted == ["a", "b", "apart"]
    assert (made.decisions.hold_wanted, made.decisions.split_wanted) == (None, True)
    assert take(cart, wanting([], hold=False), wanting([], hold=True)).decisions.hold_wanted is True


@pytest.mark.parametrize(
    ("terms", "collect"),
    [
        ([{}], "when_due"),
        ([{"auto_collect": False}], "manual"),
        ([{}, {"auto_collect": False}], "manual"),
        ([{"auto_collect_on_fulfillment": True}], "when_fulfilled"),
        ([{}, {"auto_collect_on_fulfillment": True}], "when_fulfilled"),
    ],
)
def test_of_two_offers_the_one_that_waits_longest_decides_who_collects(terms, collect):
    offers = []
    for facts in terms:
        one = selling()
        one.payments.remaining_balance = RemainingBalance(**facts)
        offers.append(one)
    cart = bought(DEPOSIT, lines=(order_line(1, 50), order_line(2, 50)))
    assert take(cart, *offers).decisions.collect == collect


def test_what_is_paid_in_full_is_nobodys_to_collect():
    made = take(bought(sale(1, 100), schedules=()), selling(), option="full")
    assert made.decisions.collect == "manual"
