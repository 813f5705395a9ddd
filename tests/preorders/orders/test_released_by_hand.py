"""Holds of ours that went away without us: the merchant has released the order."""

from dataclasses import replace

import pytest

from openstoq.preorders.orders.intake import compose
from tests.factories.records import (
    fulfillment_order,
    hold,
    preorder,
    units,
)

HELD = fulfillment_order(1, units(1), holds=(hold(31),), status="on_hold")
FREE = fulfillment_order(1, units(1))


def test_a_hold_that_went_away_was_released_by_hand():
    stored = preorder(hold_wanted=True, fulfillment_orders=(HELD,))
    assert compose.was_released_by_hand(stored, preorder(fulfillment_orders=(FREE,)))
    theirs = replace(FREE, holds=(hold(32, "fraud", ours=False),), status="on_hold")
    moved = replace(FREE, id=2)
    assert compose.was_released_by_hand(stored, preorder(fulfillment_orders=(moved,)))
    assert not compose.was_released_by_hand(stored, preorder(fulfillment_orders=(HELD, FREE)))
    assert not compose.was_released_by_hand(stored, preorder(fulfillment_orders=(theirs,)))
    beside = fulfillment_order(1, units(1), units(2))
    for found in ((beside,), (FREE, replace(FREE, id=2, status="closed"))):
        assert compose.was_released_by_hand(stored, preorder(fulfillment_orders=found))


@pytest.mark.parametrize("foreign", [hold(31, ours=False), hold(31, "other"), hold(31, None)])
def test_other_holds_that_go_away_are_nobodys_release(foreign):
    held = replace(HELD, holds=(foreign,))
    stored = preorder(hold_wanted=True, fulfillment_orders=(held,))
    assert not compose.was_released_by_hand(stored, preorder(fulfillment_orders=(FREE,)))


@pytest.mark.parametrize(
    "stored",
    [
        preorder(hold_wanted=True, fulfillment_orders=(FREE,)),
        preorder(hold_wanted=True, fulfillment_orders=(HELD,), revision=2, synced_revision=1),
        preorder(hold_wanted=False, fulfillment_orders=(HELD,)),
        preorder(hold_wanted=None, fulfillment_orders=(HELD,)),
    ],
    ids=["never held", "not in step yet", "we release it", "not ours to hold"],
)
def test_a_hold_that_we_did_not_place_or_keep_is_nobodys_release(stored):
    assert not compose.was_released_by_hand(stored, preorder(fulfillment_orders=(FREE,)))


def test_what_is_left_of_other_goods_is_nobodys_release():
    stored = preorder(hold_wanted=True, fulfillment_orders=(HELD,))
    closed = replace(FREE, status="closed", lines=(replace(units(1), remaining=0),))
    others = fulfillment_order(2, units(2))
    gone = preorder(fulfillment_orders=(closed, others))
    assert not compose.was_released_by_hand(stored, gone)
