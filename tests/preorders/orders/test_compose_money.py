"""What an order costs, and what happens to it in the shop."""

from dataclasses import replace

import pytest

from openstoq.preorders.orders.ledger import totals
from openstoq.preorders.orders.ledger.amounts import left
from tests.factories.records import (
    entry,
    money,
    order_line,
    paid,
    refund_entry,
    refund_of,
    sale,
    schedule,
    settled,
)
from tests.preorders.orders.composed import (
    COLLECTED,
    DEPOSIT,
    EDITED,
    EMPTIED,
    LATER,
    PAIR,
    PLACED,
    bought,
    selling,
    take,
)

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
        standing = totals.ledger_totals(made)
        assert (standing.deposit.refundable, standing.balance.refundable) == (50, 160)
        back = [entry(160, kind="refund", mode="refund"), refund_entry(49)]
        assert settled(made, *made.payments, *back).state == "balance_collected"
        assert settled(made, *made.payments, refund_entry(1)).state == "refunded"


def test_of_a_full_order_too():
    order = bought(sale(1, 210), total=110, lines=EDITED.lines, schedules=())
    made = take(replace(order, original_total=money(210)), selling(), option="full")
    assert (made.deposit, made.balance, made.state) == (210, 0, "placed")
    assert totals.ledger_totals(made).deposit.refundable == 210
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
        assert totals.ledger_totals(made).deposit.refundable == 50


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
    assert (made.state, totals.ledger_totals(made).deposit.refundable) == ("cancelled", 40)
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
    assert totals.ledger_totals(made).deposit.refundable == 100


def test_the_terms_that_a_merchant_gives_a_company_are_not_the_preorders():
    net_30 = bought(
        schedules=(schedule(100),), lines=(order_line(1, 100, plan_id=None),), by_company=True
    )
    one = selling()
    made = take(net_30, one, option="full")
    assert (made.deposit, made.balance, made.due_at) == (100, 0, None)
    assert (made.state, made.facts.snapshot.schedules) == ("placed", ())
    again = take(net_30, one, stored=made, option="full")
    assert (again.deposit, again.balance, again.due_at) == (100, 0, None)
