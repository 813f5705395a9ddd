"""What follows of an order and its ledger: collected, cancelled, fulfilled, and the state."""

from dataclasses import replace

from tests.factories.records import (
    DAY,
    NOON,
    deposit_of,
    entry,
    money,
    preorder,
    preorder_line,
    refund_entry,
    sale,
    settled,
)

LATER = NOON + DAY
DEPOSIT, BALANCE = sale(1, 20), sale(2, 80)


def test_a_balance_is_collected_when_its_last_payment_came():
    order = settled(preorder(), deposit_of(20), entry(80, settled_at=NOON + DAY))
    assert (order.collected_at, order.state) == (NOON + DAY, "balance_collected")


def test_a_balance_is_collected_when_the_shop_says_that_all_is_paid():
    part = entry(70, mode="link")
    order = preorder(outstanding=money(0), received=money(90))
    assert settled(order, deposit_of(20), part).collected_at == LATER
    unpaid = preorder(outstanding=money(0), received=money(20))
    assert settled(unpaid, deposit_of(20)).collected_at is None


def test_what_has_no_balance_is_never_collected():
    order = preorder(balance=money(0), outstanding=money(0), received=money(110))
    assert settled(order, deposit_of(110)).collected_at is None


def test_what_was_collected_stays_so():
    order = preorder(collected_at=NOON, outstanding=money(80))
    assert settled(order, deposit_of(20)).collected_at == NOON


def test_what_was_noted_by_hand_and_was_not_due_was_not_collected():
    noted = entry(80, mode="manual", status="void")
    facts = {"collected_at": NOON, "outstanding": money(0), "paid_wanted": True}
    order = settled(preorder(**facts, balance=money(0)), deposit_of(20), noted)
    assert (order.collected_at, order.decisions.paid_wanted, order.state) == (None, False, "placed")
    order = settled(preorder(**facts, shop_cancelled_at=NOON), deposit_of(20), noted)
    assert (order.collected_at, order.state) == (None, "cancelled")
    by_link = entry(80, mode="link", settled_at=LATER)
    order = settled(preorder(**facts), deposit_of(20), noted, by_link)
    assert (order.collected_at, order.state) == (LATER, "balance_collected")


def test_the_shop_is_told_of_what_was_noted_by_hand_until_it_knows():
    noted = entry(80, mode="manual")
    order = settled(preorder(paid_wanted=True, collected_at=NOON), deposit_of(20), noted)
    assert (order.decisions.paid_wanted, order.state) == (True, "balance_collected")
    order = settled(order, deposit_of(20), replace(noted, transaction_id=2))
    assert (order.decisions.paid_wanted, order.collected_at) == (False, NOON)


def test_an_order_that_the_shop_cancelled_is_cancelled():
    order = preorder(shop_cancelled_at=NOON, outstanding=money(0))
    settled(order, deposit_of(20))
    assert (order.state, order.decisions.cancelled_at) == ("cancelled", NOON)
    assert order.decisions.cancel_reason == "cancelled in Shopify"
    assert [line.counted for line in order.lines] == [0]
    assert order.collected_at is None


def test_our_own_cancel_keeps_its_reason_and_time():
    order = preorder(cancelled_at=NOON, cancel_reason="sold out", shop_cancelled_at=LATER)
    settled(order, deposit_of(20))
    assert (order.decisions.cancelled_at, order.decisions.cancel_reason) == (NOON, "sold out")


def test_an_order_without_its_preorders_is_cancelled():
    gone = preorder_line(current=0, unfulfilled=0, counted=0)
    order = settled(preorder(lines=(gone,)), deposit_of(20))
    assert (order.state, order.decisions.cancelled_at) == ("cancelled", LATER)
    assert "removed" in order.decisions.cancel_reason
    kept = preorder(lines=(gone, preorder_line(2)))
    assert settled(kept, deposit_of(20)).decisions.cancelled_at is None


def test_an_order_is_fulfilled_when_all_that_is_left_was_sent():
    sent, waiting = preorder_line(1, unfulfilled=0), preorder_line(2)
    gone = preorder_line(3, current=0, unfulfilled=0)
    assert settled(preorder(lines=(sent, waiting))).state == "awaiting_balance"
    assert settled(preorder(lines=(sent, gone))).state == "fulfilled"


def test_a_refunded_preorder():
    order = settled(preorder(), deposit_of(20), refund_entry(20))
    assert order.state == "refunded"
    assert settled(preorder(), deposit_of(20), refund_entry(19)).state == "awaiting_balance"
    pending = refund_entry(20, status="processing")
    assert settled(preorder(), deposit_of(20), pending).state == "awaiting_balance"


def test_settling_twice_changes_nothing():
    order = settled(preorder(), deposit_of(20), entry(80))
    again = settled(replace(order), *order.payments)
    assert again == order
