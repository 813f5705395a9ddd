"""Money goes to the part that it was due for, whatever the sequence in which it comes."""

from dataclasses import replace
from decimal import Decimal

import pytest

from openstoq.preorders.offers.capabilities.payments import Deposit
from openstoq.preorders.orders import rules
from openstoq.preorders.orders.ledger import refund_plan, totals
from openstoq.preorders.orders.ledger.refund_plan import Reason
from tests.factories.records import (
    CARD,
    NOON,
    money,
    offer,
    order_line,
    paid,
    refund_of,
    sale,
    schedule,
)
from tests.preorders.orders.composed import LATER, bought, take
from tests.preorders.orders.ledgers import book_of, entries, facts, shop

REASON = Reason(None, notify=False)
BOTH = ("deposit", "balance")


def refunds(order, parts=BOTH):
    found = refund_plan.refunds(order, parts, REASON, LATER)
    return [(one.part, one.amount, one.parent_id) for one in found]


def test_without_a_deposit_the_first_payment_is_the_balance():
    one = offer(Deposit(type="price", amount=Decimal(0)))
    placed = bought(lines=(order_line(1, 80),), schedules=(schedule(80),), total=80)
    stored = take(placed, one)
    assert (stored.deposit, stored.balance, stored.state) == (0, 80, "awaiting_balance")
    by_link = sale(1, 80)
    order = replace(
        placed,
        transactions=(by_link,),
        received=money(80),
        outstanding=money(0),
        schedules=(paid(schedule(80), LATER),),
    )
    for before in (None, stored):
        made = take(order, one, stored=before)
        assert entries(made.payments) == [("balance", "balance", "link", money(80), "succeeded")]
        assert made.state == "balance_collected"
        assert refunds(made) == [("balance", 80, 1)]


def test_one_payment_of_everything_is_for_both_parts():
    placed = bought(schedules=(schedule(80),))
    stored = take(placed, offer(Deposit(percent=20)))
    whole = sale(1, 100)
    order = replace(
        placed,
        transactions=(whole,),
        received=money(100),
        outstanding=money(0),
        schedules=(paid(schedule(80), LATER),),
    )
    made = take(order, offer(Deposit(percent=20)), stored=stored)
    assert facts(made.payments) == [(1, "balance", "balance", 80), (1, "deposit", "deposit", 20)]
    assert made.state == "balance_collected"
    assert sorted(refunds(made)) == [("balance", 80, 1), ("deposit", 20, 1)]
    assert refunds(made, ("balance",)) == [("balance", 80, 1)]


def test_a_refund_by_hand_of_a_payment_for_both_parts_pays_back_the_balance_first():
    whole = sale(1, 100)
    book = book_of(shop(whole, refund_of(whole, 2, 90)))
    assert sorted(facts(book)) == [
        (1, "balance", "balance", 80),
        (1, "deposit", "deposit", 20),
        (2, "refund", "balance", 80),
        (2, "refund", "deposit", 10),
    ]
    order = shop(whole, refund_of(whole, 2, 30), refund_of(whole, 3, 60))
    again = book_of(order, book_of(shop(whole, refund_of(whole, 2, 30))))
    assert sorted(facts(again))[2:] == [
        (2, "refund", "balance", 30),
        (3, "refund", "balance", 50),
        (3, "refund", "deposit", 10),
    ]


def test_a_cent_too_much_of_a_deposit_makes_no_balance_a_deposit():
    late = replace(sale(2, "80.00"), processed_at=LATER)
    book = book_of(shop(sale(1, "19.99"), late))
    assert facts(book) == [
        (1, "deposit", "deposit", money("19.99")),
        (2, "balance", "balance", money("79.99")),
        (2, "deposit", "deposit", money("0.01")),
    ]


# An edit that makes an order dearer.


def dearer(order, amount, *lines, **changed):
    """Return an order as it is after an edit that added these lines."""
    return replace(
        order,
        total=order.total + money(amount),
        outstanding=order.outstanding + money(amount),
        lines=(*order.lines, *lines),
        **changed,
    )


PLACED = bought(sale(1, 240), total=1000, lines=(order_line(1, 1000),), schedules=(schedule(760),))
COLLECTED = replace(
    PLACED,
    transactions=(sale(1, 240), sale(2, 760)),
    received=money(1000),
    outstanding=money(0),
    schedules=(paid(schedule(760), LATER),),
)
CUSTOM = order_line(2, 40, variant_id=None)


@pytest.mark.parametrize("grows", [False, True], ids=["beside the schedule", "in the schedule"])
@pytest.mark.parametrize("first", [PLACED, COLLECTED], ids=["unpaid", "collected"])
@pytest.mark.parametrize("is_known", [True, False], ids=["known before", "read only afterwards"])
def test_what_an_edit_adds_is_paid_later(first, grows, is_known):
    one = offer(Deposit(percent=24))
    stored = take(first, one) if is_known else None
    waits = schedule(first.outstanding + 40) if grows else first.schedules[0]
    edited = dearer(first, 40, CUSTOM, schedules=(waits,))
    made = take(edited, one, stored=stored)
    assert (made.deposit, made.balance, made.state) == (240, 800, "awaiting_balance")
    assert "not collected" in rules.unreleasable(made, force=False)
    assert rules.unchargeable(made, auto=False) is None
    if is_known:
        assert [(line.deposit, line.balance) for line in made.lines] == [(240, 760)]

    rest = money(edited.outstanding)
    order = replace(
        edited,
        transactions=(*edited.transactions, sale(3, rest)),
        received=money(1040),
        outstanding=money(0),
        schedules=(paid(waits, LATER),),
    )
    again = take(order, one, stored=made)
    assert (again.deposit, again.balance, again.state) == (240, 800, "balance_collected")
    if is_known:
        # The custom line stays in the order, and its price with it.
        assert sum(amount for _, amount, _ in refunds(again)) == 1000


def test_units_that_an_edit_adds_to_a_preorder_are_the_preorders():
    one = offer()
    placed = bought(sale(1, 100), lines=(order_line(1, 100),), schedules=())
    stored = take(placed, one, option="full")
    assert stored.state == "placed"
    edited = replace(placed, total=money(300), outstanding=money(200))
    edited = replace(edited, lines=(order_line(1, 300, 3),))
    made = take(edited, one, stored=stored, option="full")
    assert (made.deposit, made.balance, made.state) == (100, 200, "awaiting_balance")
    order = replace(
        edited, transactions=(sale(1, 100), sale(2, 200)), received=money(300), outstanding=money(0)
    )
    made = take(order, one, stored=made, option="full")
    assert made.state == "balance_collected"
    assert sorted(refunds(made)) == [("balance", 200, 2), ("deposit", 100, 1)]


# Taxes.


@pytest.mark.parametrize("option", ["full", "partial"])
def test_a_refund_of_a_preorder_pays_back_its_tax_and_keeps_that_of_other_goods(option):
    """The goods cost 100 and 50, with 20 % of tax on top."""
    one = offer() if option == "full" else offer(Deposit(percent=50))
    later = (schedule(60),) if option == "partial" else ()
    order = bought(
        sale(1, 180 if option == "full" else 120),
        total=180,
        lines=(order_line(1, 120), order_line(2, 60)),
        schedules=later,
    )
    made = take(order, one, option=option)
    standing = totals.ledger_totals(made)
    assert standing.deposit.refundable == (120 if option == "full" else 60)
    assert standing.deposit.amount + standing.balance.amount == 120


# Another app's plan in the same order.

THEIRS, OTHERS = 900, order_line(2, 200, plan_id=900)


def shared(*transactions, schedules, option="partial", **changed):
    """Take in an order with a preorder at 100 and a line at 200 that another app's plan sold."""
    order = bought(
        *transactions,
        total=300,
        lines=(order_line(1, 100), OTHERS),
        schedules=schedules,
        **changed,
    )
    one = offer() if option == "full" else offer(Deposit(percent=20))
    return take(order, one, option=option), order, one


def test_a_schedule_for_lines_of_two_apps_is_shared():
    made, order, one = shared(sale(1, 120), schedules=(schedule(180),))
    assert (made.deposit, made.balance, made.state) == (20, 80, "awaiting_balance")
    order = replace(
        order,
        transactions=(sale(1, 120), sale(2, 180)),
        received=money(300),
        outstanding=money(0),
        schedules=(paid(schedule(180), LATER),),
    )
    for stored in (None, made):
        after = take(order, one, stored=stored)
        assert (after.deposit, after.balance, after.state) == (20, 80, "balance_collected")
        assert sorted(refunds(after)) == [("balance", 80, 2), ("deposit", 20, 1)]


def test_each_of_two_schedules_belongs_to_the_lines_of_its_plan():
    theirs, ours = schedule(100, id=1, due_at=NOON), schedule(80, id=2)
    made, order, one = shared(sale(1, 120), schedules=(theirs, ours))
    assert (made.deposit, made.balance) == (20, 80)
    assert made.open_schedule.id == 2
    assert made.due_at == ours.due_at
    done = replace(
        order,
        transactions=(sale(1, 120), sale(2, 80)),
        received=money(200),
        outstanding=money(100),
        schedules=(theirs, paid(ours, LATER)),
    )
    for stored in (None, made):
        after = take(done, one, stored=stored)
        assert (after.balance, after.state) == (80, "balance_collected")
        assert rules.unreleasable(after, force=False) is None
        assert sorted(refunds(after)) == [("balance", 80, 2), ("deposit", 20, 1)]
    paid_theirs = replace(
        order,
        transactions=(sale(1, 120), sale(2, 100)),
        received=money(220),
        outstanding=money(80),
        schedules=(paid(theirs, LATER), ours),
    )
    for stored in (None, made):
        after = take(paid_theirs, one, stored=stored)
        assert (after.balance, after.state) == (80, "awaiting_balance")


def test_a_preorder_that_is_paid_in_full_owes_nothing_of_another_apps_schedule():
    made, _, _ = shared(sale(1, 200), schedules=(schedule(100),), option="full")
    assert (made.deposit, made.balance, made.state) == (100, 0, "placed")
    assert rules.unreleasable(made, force=False) is None
    assert refunds(made) == [("deposit", 100, 1)]


# A preorder with a balance of 80, beside another app's line with a balance of 100, each with its
# own schedule.
THEIR_SCHEDULE, OUR_SCHEDULE = schedule(100, id=1, due_at=NOON), schedule(80, id=2)


def apart():
    return shared(sale(1, 120), schedules=(THEIR_SCHEDULE, OUR_SCHEDULE))


def moved(order, *transactions, outstanding, schedules):
    """Return an order as it is after these movements of money."""
    came = sum(one.amount for one in transactions if one.kind != "refund")
    went = sum(one.amount for one in transactions if one.kind == "refund")
    return replace(
        order,
        transactions=transactions,
        received=money(came),
        refunded=money(went),
        outstanding=money(outstanding),
        schedules=schedules,
    )


BOTH_PAID = (paid(THEIR_SCHEDULE, LATER), paid(OUR_SCHEDULE, LATER))


@pytest.mark.parametrize("parts", [(180,), (100, 80), (80, 100), (60, 40, 80)])
def test_payments_for_two_schedules_are_ours_as_far_as_our_schedule_goes(parts):
    made, order, one = apart()
    payments = [sale(number, amount) for number, amount in enumerate(parts, 2)]
    done = moved(order, sale(1, 120), *payments, outstanding=0, schedules=BOTH_PAID)
    for stored in (None, made):
        after = take(done, one, stored=stored)
        assert (after.balance, after.state) == (80, "balance_collected")
        back = refunds(after)
        assert sum(amount for part, amount, _ in back if part == "balance") == 80
        assert sum(amount for part, amount, _ in back if part == "deposit") == 20


def test_a_balance_that_was_collected_stays_so_when_shopify_forgets_the_schedules():
    made, order, one = apart()
    done = moved(order, sale(1, 120), sale(2, 180), outstanding=0, schedules=BOTH_PAID)
    collected = take(done, one, stored=made)
    forgotten = take(replace(done, schedules=()), one, stored=collected)
    assert (forgotten.balance, forgotten.state) == (80, "balance_collected")
    assert sorted(refunds(forgotten)) == sorted(refunds(collected))


def test_a_refund_of_the_other_apps_goods_is_none_of_the_preorder():
    made, order, one = apart()
    deposit, theirs = sale(1, 120), sale(2, 100)
    back = (refund_of(deposit, 3, 100), refund_of(theirs, 4, 100))
    gone = replace(OTHERS, current=0, unfulfilled=0)
    edited = moved(
        replace(order, lines=(order.lines[0], gone), total=money(100)),
        *(deposit, theirs, *back),
        outstanding=80,
        schedules=(paid(THEIR_SCHEDULE, LATER), OUR_SCHEDULE),
    )
    after = take(edited, one, stored=made)
    assert (after.balance, after.state) == (80, "awaiting_balance")
    assert totals.ledger_totals(after).refunded == 0


def test_two_schedules_of_one_amount_that_are_paid_at_once_are_two():
    one = offer(Deposit(percent=20))
    lines = (order_line(1, 100), order_line(2, 100, plan_id=900), order_line(3, 100, plan_id=901))
    theirs = (schedule(50, id=1), schedule(50, id=2))
    placed = bought(sale(1, 120), total=300, lines=lines, schedules=(*theirs, schedule(80, id=3)))
    made = take(placed, one)
    both = tuple(paid(each, LATER) for each in theirs)
    done = moved(
        placed,
        sale(1, 120),
        sale(2, 50),
        sale(3, 50),
        outstanding=80,
        schedules=(*both, schedule(80, id=3)),
    )
    for stored in (None, made):
        after = take(done, one, stored=stored)
        assert (after.balance, after.state) == (80, "awaiting_balance")
        assert refunds(after) == [("deposit", 20, 1)]


def test_what_has_no_schedule_is_not_charged_with_another_apps_schedule():
    made, order, one = apart()
    half = moved(
        order,
        sale(1, 120),
        sale(2, 80),
        outstanding=100,
        schedules=(THEIR_SCHEDULE, paid(OUR_SCHEDULE, LATER)),
    )
    collected = take(half, one, stored=made)
    assert collected.state == "balance_collected"
    raised = dearer(half, 40, order_line(3, 40, variant_id=None))
    after = take(replace(raised, mandates=(CARD,)), one, stored=collected)
    assert after.state == "awaiting_balance"
    assert "another app" in rules.unchargeable(after, auto=True)
    assert rules.unchargeable(after, auto=False) is None
