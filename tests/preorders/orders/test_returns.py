"""Refunds: of which payments, how much of each, and never more than came."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.preorders.orders.ledger import refund_plan
from openstoq.preorders.orders.ledger.refund_plan import Reason
from tests.factories.records import DAY, NOON, deposit_of, entry, money, preorder, refund_entry

BOTH = ("deposit", "balance")
REASON = Reason("sold out", notify=True)
DEPOSIT = deposit_of(20, transaction_id=1, gateway="shopify_payments")
BALANCE = entry(80, transaction_id=2, gateway="shopify_payments")


def asked(order, *parts):
    found = refund_plan.refunds(order, parts or BOTH, REASON, NOON)
    return [(one.part, one.parent_id, one.amount) for one in found]


def test_each_payment_is_paid_back_by_an_entry_of_its_own():
    order = preorder(payments=(DEPOSIT, BALANCE))
    deposit, balance = refund_plan.refunds(order, BOTH, REASON, NOON)
    assert (deposit.part, deposit.parent_id, deposit.amount) == ("deposit", 1, money(20))
    assert (balance.part, balance.parent_id, balance.amount) == ("balance", 2, money(80))
    for one in (deposit, balance):
        assert (one.kind, one.mode, one.status) == ("refund", "refund", "pending")
        assert (one.note, one.notify, one.gateway) == ("sold out", True, "shopify_payments")
        assert (one.currency, one.created_at, one.attempts) == ("USD", NOON, 0)
    assert deposit.idempotency_key != balance.idempotency_key


def test_only_the_part_that_is_asked_for_goes_back():
    order = preorder(payments=(DEPOSIT, BALANCE))
    assert asked(order, "deposit") == [("deposit", 1, money(20))]
    assert asked(order, "balance") == [("balance", 2, money(80))]


def test_a_deposit_of_several_payments_goes_back_to_each():
    gift_card = deposit_of(5, transaction_id=3, gateway="gift_card")
    order = preorder(payments=(gift_card, deposit_of(15, transaction_id=4)))
    assert asked(order) == [("deposit", 3, money(5)), ("deposit", 4, money(15))]


def test_what_did_not_come_through_the_shop_is_not_paid_back():
    order = preorder(payments=(DEPOSIT, entry(80, mode="manual")))
    assert asked(order) == [("deposit", 1, money(20))]


@pytest.mark.parametrize("status", ["pending", "processing", "authenticate", "failed", "void"])
def test_what_did_not_come_is_not_paid_back(status):
    order = preorder(payments=(DEPOSIT, entry(80, status=status, transaction_id=2)))
    assert asked(order, "balance") == []


@pytest.mark.parametrize("status", ["pending", "processing", "authenticate", "succeeded"])
def test_a_refund_that_is_under_way_or_done_is_not_made_again(status):
    under_way = refund_entry(20, parent_id=1, status=status)
    assert asked(preorder(payments=(DEPOSIT, BALANCE, under_way))) == [("balance", 2, money(80))]


@pytest.mark.parametrize("status", ["failed", "void"])
def test_a_refund_that_failed_can_be_asked_for_again(status):
    refused = refund_entry(20, parent_id=1, status=status)
    assert asked(preorder(payments=(DEPOSIT, refused))) == [("deposit", 1, money(20))]


def test_what_the_merchant_paid_back_by_hand_is_left_out():
    by_hand = refund_entry(5, parent_id=1, mode="manual")
    assert asked(preorder(payments=(DEPOSIT, by_hand))) == [("deposit", 1, money(15))]


def test_of_a_mixed_order_only_the_preorder_goes_back():
    at_checkout = deposit_of(120, transaction_id=1)
    order = preorder(payments=(at_checkout,), has_other_lines=True)
    assert asked(order) == [("deposit", 1, money(20))]
    others_back = refund_entry(100, parent_id=1, mode="manual")
    order = preorder(payments=(at_checkout, others_back), has_other_lines=True)
    assert asked(order) == [("deposit", 1, money(20))]
    more_back = refund_entry(110, parent_id=1, mode="manual")
    order = preorder(payments=(at_checkout, more_back), has_other_lines=True)
    assert asked(order) == [("deposit", 1, money(10))]


def test_a_balance_that_was_paid_twice_goes_back_twice():
    twice = entry(80, transaction_id=3, mode="link")
    order = preorder(payments=(DEPOSIT, BALANCE, twice))
    assert asked(order, "balance") == [("balance", 2, money(80)), ("balance", 3, money(80))]


CENTS = st.integers(0, 10_000).map(lambda cents: Decimal(cents) / 100)


@given(
    came=st.lists(st.tuples(st.sampled_from(BOTH), CENTS), max_size=5),
    back=st.lists(
        st.tuples(
            st.integers(0, 4),
            CENTS,
            st.sampled_from(["pending", "processing", "succeeded", "failed"]),
            st.sampled_from(["refund", "manual"]),
        ),
        max_size=5,
    ),
    deposit=CENTS,
    mixed=st.booleans(),
)
def test_never_more_goes_back_than_came(came, back, deposit, mixed):
    paid = [
        (deposit_of if part == "deposit" else entry)(amount, transaction_id=number)
        for number, (part, amount) in enumerate(came)
    ]
    left = {one.transaction_id: one.amount for one in paid}
    returned = []
    for parent, amount, status, mode in back:
        if parent >= len(paid):
            continue
        # The shop pays back no more of a payment than is left of it.
        taken = min(amount, left[parent])
        if status != "failed":
            left[parent] -= taken
        part = paid[parent].part
        returned.append(refund_entry(taken, parent_id=parent, part=part, status=status, mode=mode))
    order = preorder(payments=(*paid, *returned), deposit=deposit, has_other_lines=mixed)
    found = refund_plan.refunds(order, BOTH, REASON, NOON)
    for one in found:
        assert one.amount > 0
        left[one.parent_id] -= one.amount
    assert all(amount >= 0 for amount in left.values())
    of_deposit = sum((one.amount for one in found if one.part == "deposit"), Decimal(0))
    assert of_deposit <= deposit or not mixed
    order.payments = (*order.payments, *found)
    assert refund_plan.refunds(order, BOTH, REASON, NOON) == []


def test_a_refund_knows_what_was_paid_back_of_its_payment_before():
    earlier = refund_entry(5, parent_id=1, created_at=NOON - DAY)
    failed = refund_entry(7, parent_id=1, created_at=NOON - DAY, status="failed")
    other = refund_entry(3, parent_id=2, created_at=NOON - DAY)
    later = refund_entry(2, parent_id=1, created_at=NOON + DAY)
    one = refund_entry(4, parent_id=1)
    order = preorder(payments=(DEPOSIT, BALANCE, earlier, failed, other, one, later))
    assert refund_plan.returned_before(order, one) == 5
    assert refund_plan.returned_before(order, later) == 9
