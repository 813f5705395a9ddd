"""The state of a preorder, its whole truth table; and what each state forbids, with a way out."""

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import get_args

import pytest

from openstoq.preorders.orders import rules
from openstoq.preorders.orders.model import State
from openstoq.preorders.orders.rules import OBSTACLES, Action
from openstoq.preorders.orders.state import Facts, state_of
from tests.factories.records import (
    CARD,
    NOON,
    deposit_of,
    entry,
    preorder,
    preorder_line,
    refund_entry,
)

NO, YES, ANY = (False,), (True,), (False, True)
ZERO, SOME, ALL = Decimal(0), Decimal(5), Decimal(20)
# What came and what went back of it, as far as it matters: nothing, and then less than all of it.
NOTHING = ((ZERO, ZERO), (ZERO, SOME))
KEPT = (*NOTHING, (ALL, ZERO), (ALL, SOME))
ALL_BACK = ((ALL, ALL), (ALL, ALL + SOME))
EITHER = KEPT + ALL_BACK

# cancelled, fulfilled, released, has a balance, it is open, money; and the state of all of these.
TRUTH = [
    (YES, ANY, ANY, ANY, ANY, EITHER, "cancelled"),
    (NO, ANY, ANY, ANY, ANY, ALL_BACK, "refunded"),
    (NO, YES, ANY, ANY, ANY, KEPT, "fulfilled"),
    (NO, NO, YES, ANY, ANY, KEPT, "released"),
    (NO, NO, NO, ANY, YES, KEPT, "awaiting_balance"),
    (NO, NO, NO, YES, NO, KEPT, "balance_collected"),
    (NO, NO, NO, NO, NO, KEPT, "placed"),
]


def rows():
    for *facts, state in TRUTH:
        for combination in product(*facts):
            yield combination, state


def test_the_truth_table_has_every_combination_once():
    combinations = [combination for combination, _ in rows()]
    assert len(combinations) == len(set(combinations)) == 2**5 * len(EITHER)
    assert {state for _, state in rows()} == set(get_args(State))


@pytest.mark.parametrize("state", get_args(State))
def test_the_truth_table(state):
    for combination, expected in rows():
        if expected == state:
            cancelled, fulfilled, released, has_balance, is_open, (received, refunded) = combination
            facts = Facts(
                is_cancelled=cancelled,
                is_fulfilled=fulfilled,
                is_released=released,
                has_balance=has_balance,
                balance_is_open=is_open,
                received=received,
                refunded=refunded,
            )
            assert state_of(facts) == expected, facts


# Which actions are legal in a state: the others are refused.
LEGAL: dict[State, set[Action]] = {
    "placed": {"hold", "release", "split", "refund_deposit", "cancel"},
    "awaiting_balance": {
        "hold",
        "release",
        "split",
        "charge",
        "send_link",
        "refund_deposit",
        "cancel",
    },
    "balance_collected": {
        "hold",
        "release",
        "split",
        "refund_deposit",
        "refund_balance",
        "cancel",
    },
    "released": {
        "hold",
        "split",
        "charge",
        "send_link",
        "refund_deposit",
        "refund_balance",
        "cancel",
    },
    "fulfilled": {"charge", "send_link", "refund_deposit", "refund_balance"},
    "cancelled": {"refund_deposit", "refund_balance"},
    "refunded": set(),
}
# What a sentence has to name, so that whoever reads it knows how to go on.
WAYS_OUT = (
    "payments/refund",
    "GET payments",
    "fulfillment/apply_holds",
    "use cancel",
    "has to order again",
    "cancel it in Shopify",
)


@pytest.mark.parametrize("action", get_args(Action))
@pytest.mark.parametrize("state", get_args(State))
def test_an_action_is_legal_in_a_state_or_refused_with_a_way_out(action, state):
    refusal = rules.obstacle(action, preorder(state=state))
    if action in LEGAL[state]:
        assert refusal is None
    else:
        assert refusal is not None
        assert any(way in refusal for way in WAYS_OUT), refusal


def test_every_action_and_state_is_in_the_table():
    assert set(OBSTACLES) == set(get_args(Action))
    assert set(LEGAL) == set(get_args(State))


@pytest.mark.parametrize(
    ("facts", "owes"),
    [
        ({}, True),
        ({"state": "released"}, True),
        ({"balance": Decimal(0)}, False),
        ({"outstanding": Decimal(0)}, False),
        ({"collected_at": NOON}, False),
        ({"cancelled_at": NOON}, False),
    ],
)
def test_a_balance_is_owed_until_it_came_or_was_called_off(facts, owes):
    assert rules.owes(preorder(**facts)) is owes


def test_an_order_that_owes_its_balance_is_released_only_by_force():
    order = preorder()
    assert "80.00 USD" in rules.unreleasable(order, force=False)
    assert "force: true" in rules.unreleasable(order, force=False)
    assert rules.unreleasable(order, force=True) is None
    collected = preorder(state="balance_collected", collected_at=NOON, outstanding=Decimal(0))
    assert rules.unreleasable(collected, force=False) is None


def test_force_does_not_release_what_is_over():
    for state in ("released", "fulfilled", "cancelled", "refunded"):
        assert rules.unreleasable(preorder(state=state), force=True) is not None


def test_a_balance_is_charged_where_it_is_owed_and_can_be():
    order = preorder(mandates=(CARD,))
    assert rules.unchargeable(order, auto=True) is None
    without = preorder(mandates=(replace(CARD, usable=False),))
    assert "send_collection_url" in rules.unchargeable(without, auto=True)
    assert rules.unchargeable(without, auto=False) is None


def test_a_released_order_is_charged_only_for_what_it_owes():
    assert rules.unchargeable(preorder(state="released"), auto=False) is None
    collected = preorder(state="released", collected_at=NOON)
    assert "collected already" in rules.unchargeable(collected, auto=False)
    in_full = preorder(state="released", balance=Decimal(0))
    assert "no balance" in rules.unchargeable(in_full, auto=False)


@pytest.mark.parametrize("status", ["pending", "processing", "authenticate"])
def test_while_a_charge_is_under_way_no_money_moves(status):
    order = preorder(payments=(deposit_of(20), entry(80, status=status)), mandates=(CARD,))
    assert "under way" in rules.unchargeable(order, auto=True)
    assert "under way" in rules.unchargeable(order, auto=False)
    assert "ask for the refund again" in rules.unrefundable("refund_deposit", order, ("deposit",))
    refusal = rules.uncancellable(order, in_shop=False, refund=())
    if status == "pending":
        assert refusal is None
    else:
        assert "cancel again" in refusal


@pytest.mark.parametrize("status", ["failed", "void", "succeeded"])
def test_a_charge_that_ended_is_in_nobodys_way(status):
    order = preorder(payments=(deposit_of(20), entry(80, status=status)), mandates=(CARD,))
    assert rules.unchargeable(order, auto=True) is None
    assert rules.unrefundable("refund_deposit", order, ("deposit",)) is None
    assert rules.uncancellable(order, in_shop=False, refund=()) is None


def test_what_was_sent_in_part_is_cancelled_here_only():
    order = preorder(lines=(preorder_line(ordered=2, current=2, unfulfilled=1),))
    assert "sent already" in rules.uncancellable(order, in_shop=True, refund=())
    assert rules.uncancellable(order, in_shop=False, refund=()) is None
    whole = preorder(lines=(preorder_line(ordered=2, current=2, unfulfilled=2),))
    assert rules.uncancellable(whole, in_shop=True, refund=()) is None


def test_nothing_is_charged_while_money_is_paid_back():
    paid = deposit_of(20)
    order = preorder(payments=(paid, refund_entry(20, status="pending")), mandates=(CARD,))
    assert "a refund is under way" in rules.unchargeable(order, auto=True)
    ended = preorder(payments=(paid, refund_entry(20, status="failed")), mandates=(CARD,))
    assert rules.unchargeable(ended, auto=True) is None


def test_a_refunded_order_is_not_charged_although_its_balance_is_open():
    order = preorder(state="refunded", mandates=(CARD,))
    assert rules.owes(order)
    assert "refunded" in rules.unchargeable(order, auto=True)


def test_the_state_comes_before_what_is_under_way():
    charge = entry(80, status="processing")
    order = preorder(state="cancelled", payments=(charge,))
    assert "cancelled already" in rules.uncancellable(order, in_shop=False, refund=())
    assert "cancelled" in rules.unchargeable(order, auto=True)
    gone = preorder(state="refunded", payments=(charge,))
    assert "paid back already" in rules.unrefundable("refund_balance", gone, ("balance",))


def test_a_balance_is_paid_back_once_shopify_has_recorded_it():
    noted = entry(80, mode="manual")
    order = preorder(payments=(deposit_of(20), noted), collected_at=NOON, state="balance_collected")
    both = ("deposit", "balance")
    assert "not recorded" in rules.unrefundable("refund_deposit", order, both)
    assert "not recorded" in rules.uncancellable(order, in_shop=False, refund=("balance",))
    assert rules.unrefundable("refund_deposit", order, ("deposit",)) is None
    assert rules.uncancellable(order, in_shop=False, refund=("deposit",)) is None
    order.payments = (deposit_of(20), entry(80, mode="manual", transaction_id=2))
    assert rules.unrefundable("refund_deposit", order, both) is None
