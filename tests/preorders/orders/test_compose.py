"""An order made of what the shop has of it: its money, its plan, and what follows of them."""

from dataclasses import replace

import pytest

from factories.records import (
    DAY,
    NOON,
    deposit_of,
    entry,
    money,
    offer,
    order_line,
    paid,
    preorder,
    refund_entry,
    refund_of,
    sale,
    schedule,
    settled,
    shop_order,
)
from openstoq.commerce.orders import OrderCustomer
from openstoq.preorders.offers.capabilities.checkout import Checkout
from openstoq.preorders.offers.capabilities.payments import Deposit, RemainingBalance
from openstoq.preorders.offers.capabilities.shipping import Fulfillment, Shipping, Split
from openstoq.preorders.orders import state
from openstoq.preorders.orders.intake import compose
from openstoq.preorders.orders.ledger import entries
from openstoq.preorders.orders.ledger.amounts import left
from openstoq.preorders.orders.recognition.matching import Match

LATER = NOON + DAY
DEPOSIT, BALANCE = sale(1, 20), sale(2, 80)


def take(order, *offers, stored=None, option="partial"):
    """Take an order in, of which the first lines are of these offers, as intake does."""
    matches = [
        Match(line, one.id, option, is_known=stored is not None)
        for line, one in zip(order.lines, offers, strict=False)
    ]
    by_id = {one.id: one for one in offers}
    owed = compose.read_money(order, stored, has_partial=option == "partial")
    sold = compose.compose_lines(
        order,
        matches,
        by_id,
        stored.lines if stored else (),
        market_id=None,
        balance=owed.agreed,
    )
    made = compose.compose_order(
        order, sold, by_id, stored, owed=owed, market_id=7, read_at=NOON, now=NOON
    )
    found = entries.reconcile(order, made.payments, LATER, at_checkout=owed.at_checkout)
    changed = {one.id: one for one in found}
    kept = [one for one in made.payments if one.id not in changed]
    state.derive(made, [*kept, *changed.values()], LATER)
    return made


def bought(*transactions, **facts):
    """An order of one line at 100, of which 80 are due later unless `facts` say otherwise."""
    known = {"lines": (order_line(1, 100),), "schedules": (schedule(80),)}
    return shop_order(transactions=transactions, **(known | facts))


# The balance.

KNOWN = preorder(payments=(deposit_of(20),))


def owed(order, stored=None, *, has_partial=True):
    one = compose.read_money(order, stored, has_partial=has_partial)
    return one.balance, one.due_at


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


# What was due at checkout.

# Two units at 100 and 10 for shipping: 50 at checkout, of which 40 are for the units.
PAIR = order_line(1, 200, 2)
PAID = sale(1, 50)
PLACED = bought(
    PAID, total=210, original_total=money(210), lines=(PAIR,), schedules=(schedule(160),)
)
EDITED = replace(
    PLACED,
    total=money(110),
    outstanding=money(60),
    lines=(replace(PAIR, current=1, unfulfilled=1),),
    schedules=(schedule(60),),
)
EMPTIED = replace(
    PLACED,
    total=money(10),
    outstanding=money(0),
    lines=(replace(PAIR, current=0, unfulfilled=0),),
    schedules=(paid(schedule(0), LATER),),
)
COLLECTED = replace(
    PLACED,
    outstanding=money(0),
    received=money(210),
    transactions=(PAID, sale(2, 160)),
    schedules=(paid(schedule(160), LATER),),
)
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
    one = compose.read_money(order, None, has_partial=True)
    assert (one.at_checkout, one.agreed) == (50, 160)


def test_all_of_a_full_order_was_due_at_checkout():
    order = bought(sale(1, 210), total=210, lines=(PAIR,), schedules=())
    edited = replace(order, total=money(110), lines=EDITED.lines)
    back = replace(edited, refunded=money(100))
    for one in (order, edited, back):
        told = compose.read_money(one, None, has_partial=False)
        assert (told.at_checkout, told.agreed, told.balance) == (210, 0, 0)


# An order that is new.


def selling(**facts):
    return offer(Deposit(percent=20), **facts)


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


# What it costs.


def test_shipping_is_of_the_deposit_when_it_was_paid_then():
    made = take(bought(sale(1, 30), total=110), selling())
    assert (made.deposit, made.balance) == (30, 80)
    assert (made.lines[0].deposit, made.lines[0].balance) == (20, 80)


def test_shipping_is_of_the_balance_when_it_is_paid_later():
    made = take(bought(DEPOSIT, total=110, schedules=(schedule(90),)), selling())
    assert (made.deposit, made.balance) == (20, 90)
    made = take(bought(total=110, schedules=(schedule(110),)), selling())
    assert (made.deposit, made.balance) == (0, 110)
    assert (made.lines[0].deposit, made.lines[0].balance) == (0, 100)


def of_lines(made):
    return [(line.deposit, line.balance) for line in left(made)]


def test_an_edit_that_was_read_late_is_as_one_read_at_once():
    one = selling()
    late, early = take(EDITED, one), take(EDITED, one, stored=take(PLACED, one))
    for made in (late, early):
        assert (made.deposit, made.balance) == (50, 60)
        assert of_lines(made) == [(40, 60)]
        assert [(line.total, line.deposit, line.balance) for line in made.lines] == [(200, 40, 160)]


def test_what_was_paid_for_units_that_are_gone_can_be_paid_back():
    one = selling()
    edited = replace(COLLECTED, total=money(110), lines=EDITED.lines)
    for stored in (None, take(PLACED, one), take(COLLECTED, one)):
        made = take(edited, one, stored=stored)
        assert (made.deposit, made.balance, made.state) == (50, 160, "balance_collected")
        assert of_lines(made) == [(20, 80)], "of the unit that is left"
        standing = entries.ledger_totals(made)
        assert (standing.deposit.refundable, standing.balance.refundable) == (50, 160)
        back = [entry(160, kind="refund", mode="refund"), refund_entry(49)]
        assert settled(made, *made.payments, *back).state == "balance_collected"
        assert settled(made, *made.payments, refund_entry(1)).state == "refunded"


def test_of_a_full_order_too():
    order = bought(sale(1, 210), total=110, lines=EDITED.lines, schedules=())
    made = take(replace(order, original_total=money(210)), selling(), option="full")
    assert (made.deposit, made.balance, made.state) == (210, 0, "placed")
    assert entries.ledger_totals(made).deposit.refundable == 210
    assert of_lines(made) == [(100, 0)]


def test_a_deposit_that_pays_for_all_that_is_left_leaves_no_balance():
    made = take(replace(EMPTIED, total=money(40), lines=(replace(PAIR, current=1),)), selling())
    assert (made.deposit, made.balance, made.state) == (50, 0, "placed")


@pytest.mark.parametrize("order", [EMPTIED, replace(EMPTIED, cancelled_at=LATER)])
def test_of_an_order_of_which_nothing_is_left_the_agreed_stays_to_be_read(order):
    one = selling()
    for stored in (None, take(PLACED, one), take(EDITED, one)):
        made = take(order, one, stored=stored)
        assert (made.deposit, made.balance, made.state) == (50, 160, "cancelled")
        assert of_lines(made) == [(40, 160)]
        assert entries.ledger_totals(made).deposit.refundable == 50


def test_a_line_that_is_removed_beside_another_is_not_agreed_any_more():
    one, two = selling(), selling()
    cart = (order_line(1, 100), order_line(2, 100))
    first = bought(sale(1, 40), total=200, lines=cart, schedules=(schedule(160),))
    edited = replace(
        first,
        total=money(100),
        outstanding=money(60),
        lines=(cart[0], replace(cart[1], current=0, unfulfilled=0)),
        schedules=(schedule(60),),
    )
    made = take(edited, one, two, stored=take(first, one, two))
    assert of_lines(made) == [(40, 60), (0, 0)]
    assert (made.deposit, made.balance, made.state) == (40, 60, "awaiting_balance")


def test_other_goods_are_not_of_the_deposit():
    cart = bought(sale(1, 70), total=150, lines=(order_line(1, 100), order_line(2, 50)))
    made = take(cart, selling())
    assert (made.deposit, made.balance) == (20, 80)
    assert made.facts.snapshot.has_other_lines
    assert len(made.lines) == 1


def test_of_a_mixed_order_removed_units_are_told_apart():
    """Two preordered units at 200 of which 40 are a deposit, two others at 60, 10 for shipping."""
    others = order_line(2, 60, 2)
    first = bought(
        sale(1, 110),
        total=270,
        original_total=money(270),
        lines=(PAIR, others),
        schedules=(schedule(160),),
    )
    one = selling()

    def edited(total, preordered, other, owed):
        kept = (replace(PAIR, current=preordered), replace(others, current=other))
        open_ = (schedule(owed) if owed else paid(schedule(0), LATER),)
        order = replace(
            first, total=money(total), outstanding=money(owed), lines=kept, schedules=open_
        )
        early, late = take(order, one, stored=take(first, one)), take(order, one)
        assert (early.deposit, early.balance) == (late.deposit, late.balance)
        return late

    assert (edited(170, 1, 2, 60).deposit, edited(70, 0, 2, 0).deposit) == (40, 40)
    made = edited(70, 0, 2, 0)
    assert (made.state, entries.ledger_totals(made).deposit.refundable) == ("cancelled", 40)
    # What was paid for a unit of the others pays for the preorder, so that less is outstanding.
    made = edited(240, 2, 1, 130)
    assert (made.deposit, made.balance, made.facts.snapshot.others_removed) == (70, 130, 30)


# What happens to it in the shop.


def test_what_was_paid_back_without_its_goods_was_paid_all_the_same():
    one = selling()
    stored = take(bought(sale(1, 100), schedules=()), one, option="full")
    back = refund_of(sale(1, 100), 2, 100)
    gone = bought(sale(1, 100), back, total=0, outstanding=money(0), schedules=())
    made = take(gone, one, stored=stored, option="full")
    assert (made.state, made.deposit) == ("refunded", 100)
    assert take(gone, one, option="full").state == "refunded"


def test_an_order_that_the_shop_cancelled_keeps_what_was_agreed():
    one = selling()
    stored = take(bought(DEPOSIT), one)
    cancelled = bought(
        DEPOSIT,
        total=0,
        outstanding=money(0),
        cancelled_at=LATER,
        lines=(order_line(1, 100, current=0),),
        schedules=(schedule(0),),
    )
    made = take(cancelled, one, stored=stored)
    assert (made.state, made.deposit, made.balance) == ("cancelled", 20, 80)
    late = take(cancelled, one)
    assert (late.state, late.deposit) == ("cancelled", 20), "so that it can be paid back"


def test_what_came_back_after_it_was_sent_is_not_cancelled():
    one = selling()
    sent = bought(sale(1, 100), schedules=(), lines=(order_line(1, 100, unfulfilled=0),))
    stored = take(sent, one, option="full")
    assert stored.state == "fulfilled"
    returned = bought(
        sale(1, 100),
        refund_of(sale(1, 100), 2, 100),
        total=0,
        outstanding=money(0),
        schedules=(),
        lines=(order_line(1, 100, current=0),),
        fulfillment_status="fulfilled",
    )
    made = take(returned, one, stored=stored, option="full")
    assert (made.state, made.decisions.cancelled_at) == ("refunded", None)
    assert take(returned, one, stored=made, option="full").state == "refunded"
    kept = replace(returned, transactions=(sale(1, 100),), refunded=money(0))
    assert take(kept, one, stored=stored, option="full").state == "fulfilled"


def test_removed_and_kept_money_can_be_paid_back():
    one = selling()
    stored = take(bought(sale(1, 100), schedules=()), one, option="full")
    removed = bought(
        sale(1, 100),
        total=0,
        outstanding=money(0),
        schedules=(),
        lines=(order_line(1, 100, current=0),),
    )
    made = take(removed, one, stored=stored, option="full")
    assert made.state == "cancelled"
    assert entries.ledger_totals(made).deposit.refundable == 100
