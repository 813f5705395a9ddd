"""How a deposit and a balance stand: what came of each, what went back, and what may."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from openstoq.preorders.orders.ledger import totals
from tests.factories.records import (
    DAY,
    NOON,
    deposit_of,
    entry,
    money,
    preorder,
    preorder_line,
    refund_entry,
)


def standing(deposit, balance, book, *, expected=False, **facts):
    order = preorder(deposit=deposit, balance=balance, payments=tuple(book), **facts)
    return totals.ledger_totals(order, expected=expected)


def test_how_a_deposit_and_a_balance_stand():
    one = standing(money(20), money(80), [deposit_of(20), entry(80)])
    assert (one.received, one.refunded) == (100, 0)
    assert (one.deposit.refundable, one.balance.refundable) == (20, 80)
    nothing = standing(money(20), money(80), [])
    assert (nothing.received, nothing.refunded, nothing.deposit.refundable) == (0, 0, 0)


def test_what_was_paid_back_of_each_part():
    book = [deposit_of(20), entry(80), refund_entry(5), refund_entry(30, part="balance")]
    one = standing(money(20), money(80), book)
    assert (one.deposit.refunded, one.balance.refunded, one.refunded) == (5, 30, 35)
    assert (one.deposit.refundable, one.balance.refundable) == (15, 50)


def test_only_what_succeeded_counts():
    others = [
        entry(80, status=status)
        for status in ("pending", "processing", "authenticate", "failed", "void")
    ]
    one = standing(money(20), money(80), [deposit_of(20), *others])
    assert (one.deposit.received, one.balance.received) == (20, 0)


def mixed(*book, **facts):
    """An order of a preorder at 100, 20 of them a deposit, and of other goods."""
    return standing(money(20), money(80), book, has_other_lines=True, **facts)


def test_at_checkout_other_goods_were_paid_as_well():
    paid = deposit_of(150)
    one = mixed(paid)
    assert (one.deposit.received, one.deposit.refundable) == (20, 20)
    by_hand = refund_entry(130, mode="manual")
    assert mixed(paid, by_hand).deposit.refunded == 0
    more = refund_entry(135, mode="manual")
    assert mixed(paid, more).deposit.refunded == 5
    ours = refund_entry(20)
    assert mixed(paid, ours).deposit.refunded == 20
    assert mixed(paid, ours, by_hand).deposit.refunded == 20


def test_of_preorders_alone_all_that_came_is_theirs():
    one = standing(money(20), money(80), [deposit_of(150), refund_entry(30, mode="manual")])
    assert (one.deposit.received, one.deposit.refunded, one.deposit.refundable) == (150, 30, 120)


def test_what_is_refunded_by_hand_is_first_for_what_was_removed():
    removed = preorder_line(total=money(100), ordered=2, current=1)

    def refunded(amount, **facts):
        book = [deposit_of(130), refund_entry(amount, mode="manual")]
        one = standing(money(100), money(0), book, has_other_lines=True, lines=(removed,), **facts)
        return one.deposit.refunded

    # A unit at 50 was removed, of other goods at 30 nothing.
    assert [refunded(amount) for amount in (40, 50, 70, 90)] == [40, 50, 50, 60]
    # Of the other goods 10 were removed as well.
    gone = {"others_removed": money(10)}
    assert [refunded(amount, **gone) for amount in (10, 40, 60, 80, 90)] == [0, 30, 50, 50, 60]


def test_refunds_that_are_under_way_count_where_they_are_expected():
    book = [deposit_of(20), entry(80), refund_entry(20, status="processing")]
    assert standing(money(20), money(80), book).deposit.refundable == 20
    assert standing(money(20), money(80), book, expected=True).deposit.refundable == 0
    charge = [deposit_of(20), entry(80, status="processing")]
    assert standing(money(20), money(80), charge, expected=True).balance.received == 0


def test_a_balance_is_collected_once_all_of_it_came():
    first = entry(30, settled_at=NOON)
    second = entry(50, settled_at=NOON + DAY)

    def collected_at(*payments, **facts):
        return totals.collected_at(preorder(payments=payments, **facts))

    assert collected_at(first) is None
    assert collected_at(first, second) == NOON + DAY
    assert collected_at(first, second, balance=money(0)) is None
    assert collected_at(first, replace(second, status="failed")) is None


AMOUNT = st.integers(0, 20_000).map(lambda cents: Decimal(cents) / 100)


@given(
    deposit=AMOUNT,
    balance=AMOUNT,
    book=st.lists(
        st.builds(
            entry,
            AMOUNT,
            kind=st.sampled_from(["deposit", "balance", "refund"]),
            part=st.sampled_from(["deposit", "balance"]),
            mode=st.sampled_from(["checkout", "manual", "refund"]),
            status=st.sampled_from(["pending", "processing", "succeeded", "failed", "void"]),
        ),
        max_size=8,
    ),
    facts=st.fixed_dictionaries({"has_other_lines": st.booleans(), "others_removed": AMOUNT}),
    expected=st.booleans(),
)
def test_no_part_has_more_paid_back_than_came(deposit, balance, book, facts, expected):
    one = standing(deposit, balance, book, expected=expected, **facts)
    for part in (one.deposit, one.balance):
        assert 0 <= part.refunded <= part.received
        assert part.refundable == part.received - part.refunded
    if facts["has_other_lines"]:
        assert one.deposit.received <= deposit
