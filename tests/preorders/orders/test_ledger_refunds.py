"""What the ledger says of charges that were called off and of refunds."""

from dataclasses import replace

import pytest

from openstoq.preorders.orders.ledger.entries import reconcile
from tests.factories.records import (
    NOON,
    entry,
    money,
    refund_entry,
    refund_of,
    sale,
)
from tests.preorders.orders.ledgers import (
    BALANCE,
    BY_LINK,
    CAME,
    CHARGED,
    DEPOSIT,
    LATER,
    book_of,
    entries,
    shop,
)


def test_a_link_that_is_paid_calls_off_what_was_not_handed_over():
    waiting = entry(80, status="pending")
    book = book_of(shop(DEPOSIT, BALANCE), [*book_of(shop(DEPOSIT)), waiting])
    assert [(one.mode, one.status) for one in book] == [
        ("checkout", "succeeded"),
        ("auto", "void"),
        ("link", "succeeded"),
    ]
    assert "nothing was left to pay" in book[1].error
    assert book[1].settled_at == LATER


def test_a_link_that_is_paid_calls_off_the_next_try():
    failed = entry(80, status="failed", attempts=1, retry_at=LATER)
    book = book_of(shop(DEPOSIT, BALANCE), [*book_of(shop(DEPOSIT)), failed])
    assert [(one.status, one.retry_at) for one in book if one.mode == "auto"] == [("failed", None)]


def test_a_part_that_is_paid_by_link_leaves_the_charge_to_come():
    waiting = entry(80, status="pending")
    book = book_of(shop(DEPOSIT, sale(2, 30)), [*book_of(shop(DEPOSIT)), waiting])
    assert [one.status for one in book if one.mode == "auto"] == ["pending"]


def test_a_cancelled_order_calls_its_charges_off_and_says_so():
    waiting = entry(80, status="pending")
    cancelled = shop(DEPOSIT, total=0, outstanding=money(0), cancelled_at=NOON)
    book = book_of(cancelled, [*book_of(shop(DEPOSIT)), waiting])
    assert (book[1].status, book[1].error) == ("void", "the order was cancelled")


def test_a_refund_of_ours_is_found_by_its_payment_and_amount():
    asked = refund_entry(20, parent_id=1, status="processing", attempts=1)
    order = shop(DEPOSIT, refund_of(DEPOSIT, 2, 20))
    book = book_of(order, [*book_of(shop(DEPOSIT)), asked])
    assert entries(book) == [CAME, ("refund", "deposit", "refund", 20, "succeeded")]
    assert (book[1].id, book[1].transaction_id) == (asked.id, 2)


def test_of_two_refunds_of_one_amount_each_is_of_its_own_payment():
    first, second = sale(1, 10), sale(2, 10)
    asked = [
        refund_entry(10, parent_id=one.id, status="processing", attempts=1)
        for one in (second, first)
    ]
    order = shop(first, second, refund_of(first, 3, 10), total=90)
    book = book_of(order, [*book_of(shop(first, second)), *asked])
    assert [(one.parent_id, one.status) for one in book if one.kind == "refund"] == [
        (2, "processing"),
        (1, "succeeded"),
    ]


def test_a_refund_that_was_not_handed_over_is_not_what_the_merchant_paid_back():
    asked = refund_entry(20, parent_id=1, status="pending")
    order = shop(DEPOSIT, refund_of(DEPOSIT, 2, 20))
    book = book_of(order, [*book_of(shop(DEPOSIT)), asked])
    assert entries(book)[1:] == [
        ("refund", "deposit", "refund", 20, "pending"),
        ("refund", "deposit", "manual", 20, "succeeded"),
    ]


def test_what_the_merchant_pays_back_is_of_the_part_that_it_pays_back():
    back = (refund_of(BALANCE, 3, 30), refund_of(DEPOSIT, 4, 5))
    order = shop(DEPOSIT, BALANCE, *back, total=65)
    assert entries(book_of(order))[2:] == [
        ("refund", "balance", "manual", 30, "succeeded"),
        ("refund", "deposit", "manual", 5, "succeeded"),
    ]


def test_an_authorization_counts_once_it_is_captured():
    allowed = sale(1, 20, kind="authorization")
    assert book_of(shop(allowed)) == []
    captured = sale(9, 20, kind="capture", parent_id=1)
    assert entries(book_of(shop(allowed, captured))) == [CAME]


def test_a_deposit_that_is_captured_after_the_balance_came_is_a_deposit():
    allowed, captured = sale(1, 20, kind="authorization"), sale(9, 20, kind="capture", parent_id=1)
    for known in ((), book_of(shop(allowed)), book_of(shop(allowed, BALANCE))):
        book = book_of(shop(allowed, BALANCE, captured), known)
        assert sorted(entries(book)) == sorted([CAME, BY_LINK])


def test_a_charge_that_was_noted_by_its_authorization_is_its_capture():
    charge = entry(80, attempts=1, transaction_id=2)
    allowed, captured = sale(2, 80, kind="authorization"), sale(3, 80, kind="capture", parent_id=2)
    book = book_of(shop(DEPOSIT, allowed, captured), [*book_of(shop(DEPOSIT)), charge])
    assert entries(book) == [CAME, CHARGED]
    assert book[1].transaction_id == 3
    parts = [sale(3, 50, kind="capture", parent_id=2), sale(4, 30, kind="capture", parent_id=2)]
    book = book_of(shop(DEPOSIT, allowed, *parts), [*book_of(shop(DEPOSIT)), charge])
    assert [one.amount for one in book] == [20, 50, 30]
    assert reconcile(shop(DEPOSIT, allowed, *parts), book, LATER, at_checkout=money(20)) == []


@pytest.mark.parametrize(
    "ignored",
    [
        sale(5, 80, status="failure"),
        sale(5, 80, status="pending"),
        sale(5, 80, status="awaiting_response"),
        sale(5, 80, kind="void"),
        sale(5, 80, kind="authorization"),
        refund_of(DEPOSIT, 5, 20, status="failure"),
        refund_of(DEPOSIT, 5, 20, status="pending"),
    ],
)
def test_what_did_not_move_money_is_left_out(ignored):
    assert entries(book_of(shop(DEPOSIT, ignored))) == [CAME]


def test_an_amount_that_the_shop_corrects_is_taken_over():
    known = book_of(shop(DEPOSIT))
    book = book_of(shop(replace(DEPOSIT, amount=money("20.01"))), known)
    assert [(one.id, one.amount) for one in book] == [(known[0].id, money("20.01"))]
