"""The ledger is what the shop's transactions say, in whatever order and however often they come."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.records import (
    DAY,
    MINUTE,
    NOON,
    entry,
    money,
    refund_entry,
    refund_of,
    sale,
    schedule,
    shop_order,
)
from openstoq.preorders.orders.ledger.entries import reconcile

LATER = NOON + DAY
DEPOSIT, BALANCE = sale(1, 20), sale(2, 80)


def shop(*transactions, **facts):
    return shop_order(transactions=transactions, **facts)


def read(order, known=(), *, at_checkout=20):
    """Read an order once more: the ledger as it is then."""
    found = reconcile(order, known, LATER, at_checkout=money(at_checkout))
    changed = {one.id: one for one in found}
    again = [changed.pop(one.id, one) for one in known]
    return [*again, *changed.values()]


def told(book):
    return [(one.kind, one.part, one.mode, one.amount, one.status) for one in book]


CAME = ("deposit", "deposit", "checkout", money(20), "succeeded")
BY_LINK = ("balance", "balance", "link", money(80), "succeeded")
CHARGED = ("balance", "balance", "auto", money(80), "succeeded")


def test_a_deposit_alone():
    (one,) = book = read(shop(DEPOSIT))
    assert told(book) == [CAME]
    assert (one.transaction_id, one.gateway, one.currency) == (1, "shopify_payments", "USD")
    assert one.created_at == one.settled_at == NOON + MINUTE


def test_everything_at_checkout_is_the_deposit():
    assert told(read(shop(sale(1, 100)), at_checkout=100)) == [
        ("deposit", "deposit", "checkout", 100, "succeeded")
    ]


def test_a_deposit_of_two_payments():
    gift_card = sale(1, 5, gateway="gift_card")
    book = read(shop(gift_card, sale(2, 15), sale(3, 80)))
    assert [(one.part, one.amount) for one in book] == [
        ("deposit", 5),
        ("deposit", 15),
        ("balance", 80),
    ]


def test_a_balance_that_the_shopper_paid_by_link():
    assert told(read(shop(DEPOSIT, BALANCE))) == [CAME, BY_LINK]
    assert told(read(shop(DEPOSIT, BALANCE), read(shop(DEPOSIT)))) == [CAME, BY_LINK]


def test_what_comes_after_the_balance_is_of_the_balance():
    twice = sale(3, 80)
    assert told(read(shop(DEPOSIT, BALANCE, twice))) == [CAME, BY_LINK, BY_LINK]
    known = read(shop(DEPOSIT, BALANCE))
    assert told(read(shop(DEPOSIT, BALANCE, twice), known)) == [CAME, BY_LINK, BY_LINK]


def test_a_balance_stays_one_when_the_shop_forgets_its_schedule_or_pays_back():
    known = read(shop(DEPOSIT, schedules=(schedule(80),)))
    assert told(read(shop(DEPOSIT, BALANCE), known)) == [CAME, BY_LINK]
    back = refund_of(DEPOSIT, 3, 20)
    # What is paid back without its goods makes the order cheaper.
    gone = shop(DEPOSIT, BALANCE, back, total=80, outstanding=money(0))
    assert told(read(gone))[:2] == [CAME, BY_LINK]


@pytest.mark.parametrize("status", ["processing", "authenticate", "succeeded"])
def test_a_charge_is_found_by_its_amount(status):
    charge = entry(80, status=status, attempts=1, error="declined before")
    book = read(shop(DEPOSIT, BALANCE), [*read(shop(DEPOSIT)), charge])
    assert told(book) == [CAME, CHARGED]
    found = book[1]
    assert (found.id, found.idempotency_key) == (charge.id, charge.idempotency_key)
    assert (found.transaction_id, found.gateway, found.error) == (2, "shopify_payments", None)


def test_a_charge_of_another_amount_is_another_payment():
    charge = entry(80, status="processing", attempts=1)
    book = read(shop(DEPOSIT, sale(2, 30)), [*read(shop(DEPOSIT)), charge])
    assert [one.status for one in book if one.id == charge.id] == ["processing"]
    assert book[-1].amount == 30


def test_a_charge_that_was_settled_first_takes_its_transaction():
    charge = entry(80, attempts=1, transaction_id=2, settled_at=NOON)
    book = read(shop(DEPOSIT, BALANCE), [*read(shop(DEPOSIT)), charge])
    assert told(book) == [CAME, CHARGED]
    assert book[1].settled_at == NOON
    assert book[1].gateway == "shopify_payments", "a refund of it has to name that"


def test_a_charge_under_way_comes_before_one_that_ended():
    ended, begun = entry(80, attempts=1), entry(80, status="processing", attempts=1)
    book = read(shop(DEPOSIT, BALANCE), [ended, begun, *read(shop(DEPOSIT))])
    assert [one.transaction_id for one in book] == [None, 2, 1]


BY_HAND = sale(2, 80, gateway="manual")


def test_money_that_came_by_other_means_is_the_transaction_by_which_the_shop_was_told():
    by_hand = entry(80, mode="manual", settled_at=NOON)
    book = read(shop(DEPOSIT, BY_HAND), [*read(shop(DEPOSIT)), by_hand])
    assert told(book) == [CAME, ("balance", "balance", "manual", 80, "succeeded")]
    assert (book[1].transaction_id, book[1].settled_at) == (2, NOON)
    assert reconcile(shop(DEPOSIT, BY_HAND), book, LATER, at_checkout=money(20)) == []


def test_it_is_what_was_outstanding_when_the_shop_was_told():
    by_hand = entry(80, mode="manual", settled_at=NOON)
    edited = shop(DEPOSIT, total=50)
    book = read(edited, [*read(shop(DEPOSIT)), by_hand])
    assert told(book) == [CAME, ("balance", "balance", "manual", 30, "succeeded")]
    for known in (book, [*read(shop(DEPOSIT)), by_hand]):
        book = read(shop(DEPOSIT, sale(2, 30, gateway="manual"), total=50), known)
        assert told(book) == [CAME, ("balance", "balance", "manual", 30, "succeeded")]
        assert book[1].transaction_id == 2


@pytest.mark.parametrize(
    "order",
    [
        shop(DEPOSIT, BALANCE),
        shop(DEPOSIT, total=20),
        shop(DEPOSIT, total=0, cancelled_at=NOON, outstanding=money(0)),
    ],
    ids=["paid by link", "edited", "cancelled"],
)
def test_what_was_noted_and_was_not_due_any_more_never_came(order):
    by_hand = entry(80, mode="manual", settled_at=NOON)
    book = read(order, [*read(shop(DEPOSIT)), by_hand])
    assert [(one.mode, one.status) for one in book] == [
        ("checkout", "succeeded"),
        ("manual", "void"),
        *[("link", "succeeded")] * (len(book) - 2),
    ]
    assert (book[1].transaction_id, bool(book[1].error)) == (None, True)
    came = sum(one.amount for one in book if one.status == "succeeded")
    assert came == order.received


def test_a_link_that_is_paid_calls_off_what_was_not_handed_over():
    waiting = entry(80, status="pending")
    book = read(shop(DEPOSIT, BALANCE), [*read(shop(DEPOSIT)), waiting])
    assert [(one.mode, one.status) for one in book] == [
        ("checkout", "succeeded"),
        ("auto", "void"),
        ("link", "succeeded"),
    ]
    assert "nothing was left to pay" in book[1].error
    assert book[1].settled_at == LATER


def test_a_link_that_is_paid_calls_off_the_next_try():
    failed = entry(80, status="failed", attempts=1, retry_at=LATER)
    book = read(shop(DEPOSIT, BALANCE), [*read(shop(DEPOSIT)), failed])
    assert [(one.status, one.retry_at) for one in book if one.mode == "auto"] == [("failed", None)]


def test_a_part_that_is_paid_by_link_leaves_the_charge_to_come():
    waiting = entry(80, status="pending")
    book = read(shop(DEPOSIT, sale(2, 30)), [*read(shop(DEPOSIT)), waiting])
    assert [one.status for one in book if one.mode == "auto"] == ["pending"]


def test_a_cancelled_order_calls_its_charges_off_and_says_so():
    waiting = entry(80, status="pending")
    cancelled = shop(DEPOSIT, total=0, outstanding=money(0), cancelled_at=NOON)
    book = read(cancelled, [*read(shop(DEPOSIT)), waiting])
    assert (book[1].status, book[1].error) == ("void", "the order was cancelled")


def test_a_refund_of_ours_is_found_by_its_payment_and_amount():
    asked = refund_entry(20, parent_id=1, status="processing", attempts=1)
    order = shop(DEPOSIT, refund_of(DEPOSIT, 2, 20))
    book = read(order, [*read(shop(DEPOSIT)), asked])
    assert told(book) == [CAME, ("refund", "deposit", "refund", 20, "succeeded")]
    assert (book[1].id, book[1].transaction_id) == (asked.id, 2)


def test_of_two_refunds_of_one_amount_each_is_of_its_own_payment():
    first, second = sale(1, 10), sale(2, 10)
    asked = [
        refund_entry(10, parent_id=one.id, status="processing", attempts=1)
        for one in (second, first)
    ]
    order = shop(first, second, refund_of(first, 3, 10), total=90)
    book = read(order, [*read(shop(first, second)), *asked])
    assert [(one.parent_id, one.status) for one in book if one.kind == "refund"] == [
        (2, "processing"),
        (1, "succeeded"),
    ]


def test_a_refund_that_was_not_handed_over_is_not_what_the_merchant_paid_back():
    asked = refund_entry(20, parent_id=1, status="pending")
    order = shop(DEPOSIT, refund_of(DEPOSIT, 2, 20))
    book = read(order, [*read(shop(DEPOSIT)), asked])
    assert told(book)[1:] == [
        ("refund", "deposit", "refund", 20, "pending"),
        ("refund", "deposit", "manual", 20, "succeeded"),
    ]


def test_what_the_merchant_pays_back_is_of_the_part_that_it_pays_back():
    back = (refund_of(BALANCE, 3, 30), refund_of(DEPOSIT, 4, 5))
    order = shop(DEPOSIT, BALANCE, *back, total=65)
    assert told(read(order))[2:] == [
        ("refund", "balance", "manual", 30, "succeeded"),
        ("refund", "deposit", "manual", 5, "succeeded"),
    ]


def test_an_authorization_counts_once_it_is_captured():
    allowed = sale(1, 20, kind="authorization")
    assert read(shop(allowed)) == []
    captured = sale(9, 20, kind="capture", parent_id=1)
    assert told(read(shop(allowed, captured))) == [CAME]


def test_a_deposit_that_is_captured_after_the_balance_came_is_a_deposit():
    allowed, captured = sale(1, 20, kind="authorization"), sale(9, 20, kind="capture", parent_id=1)
    assert told(read(shop(allowed, BALANCE, captured))) == [CAME, BY_LINK]


def test_a_charge_that_was_noted_by_its_authorization_is_its_capture():
    charge = entry(80, attempts=1, transaction_id=2)
    allowed, captured = sale(2, 80, kind="authorization"), sale(3, 80, kind="capture", parent_id=2)
    book = read(shop(DEPOSIT, allowed, captured), [*read(shop(DEPOSIT)), charge])
    assert told(book) == [CAME, CHARGED]
    assert book[1].transaction_id == 3
    parts = [sale(3, 50, kind="capture", parent_id=2), sale(4, 30, kind="capture", parent_id=2)]
    book = read(shop(DEPOSIT, allowed, *parts), [*read(shop(DEPOSIT)), charge])
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
    assert told(read(shop(DEPOSIT, ignored))) == [CAME]


def test_an_amount_that_the_shop_corrects_is_taken_over():
    known = read(shop(DEPOSIT))
    book = read(shop(replace(DEPOSIT, amount=money("20.01"))), known)
    assert [(one.id, one.amount) for one in book] == [(known[0].id, money("20.01"))]


# What happens to an order, and what the shop has of it after each event.
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 100)),
        st.tuples(st.just("charge"), st.just(100)),
        st.tuples(st.just("capture"), st.just(100)),
        st.tuples(st.just("refund"), st.integers(1, 100)),
        st.tuples(st.just("noise"), st.integers(1, 100)),
    ),
    max_size=6,
)


def facts(book):
    return sorted((one.transaction_id, one.kind, one.part, one.amount) for one in book)


def played(deposits, balance, events):
    """Return an order as the shop has it after each event, by which its charges are told."""
    transactions = [sale(number, amount) for number, amount in enumerate(deposits, start=1)]
    total = sum(deposits) + balance
    owed, charges, orders = balance, [], []

    def tell():
        facts = {
            "total": total,
            "outstanding": money(owed),
            "schedules": (schedule(balance, owed),),
        }
        orders.append((shop(*transactions, **facts), list(charges)))

    tell()
    for event, percent in events:
        number = len(transactions) + 1
        amount = (money(owed) * percent / 100).quantize(Decimal("0.01"))
        if event == "noise":
            transactions.append(sale(number, 1 + percent, status="failure"))
        elif event == "refund":
            parent = transactions[percent % len(transactions)]
            gone = [one for one in transactions if one.parent_id == parent.id]
            left = parent.amount - sum(one.amount for one in gone)
            if parent.kind not in ("sale", "capture") or parent.status != "success" or left <= 0:
                continue
            back = (left * percent / 100).quantize(Decimal("0.01"))
            if back:
                transactions.append(refund_of(parent, number, back))
                total -= back
        elif amount:
            if event == "charge":
                charges.append(amount)
            if event == "capture":
                allowed = sale(number, amount, kind="authorization")
                transactions.append(allowed)
                transactions.append(sale(number + 1, amount, kind="capture", parent_id=number))
            else:
                transactions.append(sale(number, amount))
            owed -= amount
        tell()
    return orders


@given(
    deposits=st.lists(st.integers(1, 5000).map(lambda n: money(n) / 100), min_size=1, max_size=2),
    balance=st.integers(0, 9000).map(lambda n: money(n) / 100),
    events=EVENTS,
    reads=st.lists(st.integers(0, 6), max_size=6),
    random=st.randoms(use_true_random=False),
)
def test_whenever_and_in_whatever_order_it_is_read_the_ledger_is_the_same(
    deposits, balance, events, reads, random
):
    orders = played(deposits, balance, events)
    last = orders[-1][0]
    book, begun = [], 0
    for at in [*sorted(min(one, len(orders) - 1) for one in reads), len(orders) - 1]:
        order, charges = orders[at]
        # We know of the charges that we began, before we read what became of them.
        book += [entry(amount, status="processing", attempts=1) for amount in charges[begun:]]
        begun = max(begun, len(charges))
        shuffled = list(order.transactions)
        random.shuffle(shuffled)
        order = replace(order, transactions=tuple(shuffled))
        book = read(order, book, at_checkout=sum(deposits))
        assert reconcile(order, book, LATER, at_checkout=sum(deposits)) == []

    once = read(last, at_checkout=sum(deposits))
    assert facts(book) == facts(once)
    came = sum(one.amount for one in book if one.kind != "refund")
    went = sum(one.amount for one in book if one.kind == "refund")
    assert (came, went) == (last.received, last.refunded)
    assert all(one.status == "succeeded" for one in book)
    assert sum(one.amount for one in book if one.kind == "deposit") == sum(deposits)
    assert len({one.idempotency_key for one in book}) == len(book)
