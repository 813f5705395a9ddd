"""Holds of ours that went away without us: the merchant has released the order."""

from dataclasses import replace

import pytest

from openstoq.preorders.orders.intake import outside_release
from tests.factories.records import (
    DAY,
    NOON,
    fulfillment_order,
    hold,
    preorder,
    units,
)

HELD = fulfillment_order(1, units(1), holds=(hold(31),), status="on_hold")
FREE = fulfillment_order(1, units(1))


def test_a_hold_that_went_away_was_released_by_hand():
    stored = preorder(hold_wanted=True, fulfillment_orders=(HELD,))
    assert outside_release.was_released(stored, preorder(fulfillment_orders=(FREE,)))
    theirs = replace(FREE, holds=(hold(32, "fraud", ours=False),), status="on_hold")
    moved = replace(FREE, id=2)
    assert outside_release.was_released(stored, preorder(fulfillment_orders=(moved,)))
    assert not outside_release.was_released(stored, preorder(fulfillment_orders=(HELD, FREE)))
    assert not outside_release.was_released(stored, preorder(fulfillment_orders=(theirs,)))
    beside = fulfillment_order(1, units(1), units(2))
    for found in ((beside,), (FREE, replace(FREE, id=2, status="closed"))):
        assert outside_release.was_released(stored, preorder(fulfillment_orders=found))


@pytest.mark.parametrize("foreign", [hold(31, ours=False), hold(31, "other"), hold(31, None)])
def test_other_holds_that_go_away_are_nobodys_release(foreign):
    held = replace(HELD, holds=(foreign,))
    stored = preorder(hold_wanted=True, fulfillment_orders=(held,))
    assert not outside_release.was_released(stored, preorder(fulfillment_orders=(FREE,)))


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
    assert not outside_release.was_released(stored, preorder(fulfillment_orders=(FREE,)))


def test_what_is_left_of_other_goods_is_nobodys_release():
    stored = preorder(hold_wanted=True, fulfillment_orders=(HELD,))
    closed = replace(FREE, status="closed", lines=(replace(units(1), remaining=0),))
    others = fulfillment_order(2, units(2))
    gone = preorder(fulfillment_orders=(closed, others))
    assert not outside_release.was_released(stored, gone)


@pytest.mark.parametrize(
    ("facts", "hold_unpaid", "wanted", "is_told"),
    [
        ({}, True, True, True),
        ({"held_again_at": NOON - DAY}, True, True, False),
        ({}, False, None, False),
        ({"outstanding": 0}, True, None, False),
    ],
    ids=["unpaid", "unpaid, and told before", "switched off", "paid"],
)
def test_an_unpaid_order_is_held_again_and_told_of_once(facts, hold_unpaid, wanted, is_told):
    stored = preorder(hold_wanted=True, fulfillment_orders=(HELD,))
    order = preorder(hold_wanted=True, fulfillment_orders=(FREE,), **facts)
    told = outside_release.follow(stored, order, NOON, hold_unpaid=hold_unpaid)
    assert (order.decisions.hold_wanted, told) == (wanted, is_told)
    assert order.decisions.released_at == (None if wanted else NOON)
    assert order.decisions.revision == (2 if wanted else 1)


APART = fulfillment_order(1, units(2), holds=(hold(31, "fraud", ours=False),), status="on_hold")
MIXED = fulfillment_order(1, units(2), units(1))


def test_a_split_that_a_release_undid_is_made_again():
    stored = preorder(split_wanted=True, synced_revision=1, fulfillment_orders=(FREE, APART))
    order = preorder(split_wanted=True, fulfillment_orders=(MIXED, replace(FREE, id=2, lines=())))
    revision = order.decisions.revision
    assert not outside_release.follow(stored, order, NOON, hold_unpaid=True)
    assert order.decisions.revision == revision + 1


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"split_wanted": False}, MIXED),
        ({"synced_revision": 0}, MIXED),
        ({"fulfillment_orders": (FREE, replace(APART, holds=()))}, MIXED),
        ({"fulfillment_orders": (replace(APART, lines=MIXED.lines),)}, MIXED),
        ({}, replace(MIXED, id=2)),
        ({}, replace(MIXED, holds=APART.holds)),
        ({}, replace(MIXED, actions=frozenset())),
        ({}, replace(APART, holds=())),
    ],
    ids=[
        "no split wanted",
        "not in step yet",
        "merged by hand",
        "never apart",
        "another one",
        "held still",
        "begun",
        "still apart",
    ],
)
def test_other_merges_are_left_alone(facts, found):
    known = {"split_wanted": True, "synced_revision": 1, "fulfillment_orders": (APART,)}
    stored = preorder(**(known | facts))
    assert not outside_release.was_merged(stored, preorder(fulfillment_orders=(found,)))
