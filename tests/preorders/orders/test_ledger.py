"""The ledger is what the shop's transactions say, in whatever order and however often they come."""

import pytest

from openstoq.preorders.orders.ledger.entries import reconcile
from tests.factories.records import (
    MINUTE,
    NOON,
    entry,
    money,
    refund_of,
    sale,
    schedule,
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


def test_a_deposit_alone():
    (one,) = book = book_of(shop(DEPOSIT))
    assert entries(book) == [CAME]
    assert (one.transaction_id, one.gateway, one.currency) == (1, "shopify_payments", "USD")
    assert one.created_at == one.settled_at == NOON + MINUTE


def test_everything_at_checkout_is_the_deposit():
    assert entries(book_of(shop(sale(1, 100)), at_checkout=100)) == [
        ("deposit", "deposit", "checkout", 100, "succeeded")
    ]


def test_a_deposit_of_two_payments():
    gift_card = sale(1, 5, gateway="gift_card")
    book = book_of(shop(gift_card, sale(2, 15), sale(3, 80)))
    assert [(one.part, one.amount) for one in book] == [
        ("deposit", 5),
        ("deposit", 15),
        ("balance", 80),
    ]


def test_a_balance_that_the_shopper_paid_by_link():
    assert entries(book_of(shop(DEPOSIT, BALANCE))) == [CAME, BY_LINK]
    assert entries(book_of(shop(DEPOSIT, BALANCE), book_of(shop(DEPOSIT)))) == [CAME, BY_LINK]


def test_what_comes_after_the_balance_is_of_the_balance():
    twice = sale(3, 80)
    assert entries(book_of(shop(DEPOSIT, BALANCE, twice))) == [CAME, BY_LINK, BY_LINK]
    known = book_of(shop(DEPOSIT, BALANCE))
    assert entries(book_of(shop(DEPOSIT, BALANCE, twice), known)) == [CAME, BY_LINK, BY_LINK]


def test_a_balance_stays_one_when_the_shop_forgets_its_schedule_or_pays_back():
    known = book_of(shop(DEPOSIT, schedules=(schedule(80),)))
    assert entries(book_of(shop(DEPOSIT, BALANCE), known)) == [CAME, BY_LINK]
    back = refund_of(DEPOSIT, 3, 20)
    # What is paid back without its goods makes the order cheaper.
    gone = shop(DEPOSIT, BALANCE, back, total=80, outstanding=money(0))
    assert entries(book_of(gone))[:2] == [CAME, BY_LINK]


@pytest.mark.parametrize("status", ["processing", "authenticate", "succeeded"])
def test_a_charge_is_found_by_its_amount(status):
    charge = entry(80, status=status, attempts=1, error="declined before")
    book = book_of(shop(DEPOSIT, BALANCE), [*book_of(shop(DEPOSIT)), charge])
    assert entries(book) == [CAME, CHARGED]
    found = book[1]
    assert (found.id, found.idempotency_key) == (charge.id, charge.idempotency_key)
    assert (found.transaction_id, found.gateway, found.error) == (2, "shopify_payments", None)


def test_a_charge_of_another_amount_is_another_payment():
    charge = entry(80, status="processing", attempts=1)
    book = book_of(shop(DEPOSIT, sale(2, 30)), [*book_of(shop(DEPOSIT)), charge])
    assert [one.status for one in book if one.id == charge.id] == ["processing"]
    assert book[-1].amount == 30


def test_a_charge_that_was_settled_first_takes_its_transaction():
    charge = entry(80, attempts=1, transaction_id=2, settled_at=NOON)
    book = book_of(shop(DEPOSIT, BALANCE), [*book_of(shop(DEPOSIT)), charge])
    assert entries(book) == [CAME, CHARGED]
    assert book[1].settled_at == NOON
    assert book[1].gateway == "shopify_payments", "a refund of it has to name that"


def test_a_charge_under_way_comes_before_one_that_ended():
    ended, begun = entry(80, attempts=1), entry(80, status="processing", attempts=1)
    book = book_of(shop(DEPOSIT, BALANCE), [ended, begun, *book_of(shop(DEPOSIT))])
    assert [one.transaction_id for one in book] == [None, 2, 1]


BY_HAND = sale(2, 80, gateway="manual")


def test_money_that_came_by_other_means_is_the_transaction_by_which_the_shop_was_told():
    by_hand = entry(80, mode="manual", settled_at=NOON)
    book = book_of(shop(DEPOSIT, BY_HAND), [*book_of(shop(DEPOSIT)), by_hand])
    assert entries(book) == [CAME, ("balance", "balance", "manual", 80, "succeeded")]
    assert (book[1].transaction_id, book[1].settled_at) == (2, NOON)
    assert reconcile(shop(DEPOSIT, BY_HAND), book, LATER, at_checkout=money(20)) == []


def test_it_is_what_was_outstanding_when_the_shop_was_told():
    by_hand = entry(80, mode="manual", settled_at=NOON)
    edited = shop(DEPOSIT, total=50)
    book = book_of(edited, [*book_of(shop(DEPOSIT)), by_hand])
    assert entries(book) == [CAME, ("balance", "balance", "manual", 30, "succeeded")]
    for known in (book, [*book_of(shop(DEPOSIT)), by_hand]):
        book = book_of(shop(DEPOSIT, sale(2, 30, gateway="manual"), total=50), known)
        assert entries(book) == [CAME, ("balance", "balance", "manual", 30, "succeeded")]
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
    book = book_of(order, [*book_of(shop(DEPOSIT)), by_hand])
    assert [(one.mode, one.status) for one in book] == [
        ("checkout", "succeeded"),
        ("manual", "void"),
        *[("link", "succeeded")] * (len(book) - 2),
    ]
    assert (book[1].transaction_id, bool(book[1].error)) == (None, True)
    came = sum(one.amount for one in book if one.status == "succeeded")
    assert came == order.received
