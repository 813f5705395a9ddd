"""What the shop lacks of an order; and that doing it comes to an end, with nobody else harmed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openstoq.commerce.orders import FulfillmentLine, FulfillmentOrder, Hold
from openstoq.preorders.orders.sync import effects
from openstoq.preorders.orders.sync.effects import (
    AddTags,
    CancelOrder,
    Lift,
    MarkPaid,
    Place,
    RemoveTags,
    SplitOff,
)
from tests.factories.records import (
    NOON,
    fulfillment_order,
    hold,
    money,
    preorder,
    preorder_line,
    shop_order,
    units,
)

# Line 1 is preordered, line 2 is not.
PREORDERED, OTHER = units(1, 2), units(2)
OURS, THEIRS = hold(31), hold(32, "fraud", ours=False)


def missing(order, *found, **wanted):
    return effects.missing(preorder(**wanted), replace(order, fulfillment_orders=found))


def test_nothing_is_missing_of_what_agrees():
    assert missing(shop_order(), fulfillment_order(1, PREORDERED)) == []
    held = fulfillment_order(1, PREORDERED, holds=(OURS,))
    order = shop_order(tags=("Preorder",))
    assert missing(order, held, hold_wanted=True, tags_wanted=["preorder"]) == []


def test_tags_that_are_missing_are_added_and_others_removed():
    order = shop_order(tags=("Sale", "VIP"))
    assert missing(order, tags_wanted=["sale", "preorder"]) == [AddTags(("preorder",))]
    assert missing(order, tags_unwanted=["vip", "gone"]) == [RemoveTags(("vip",))]


def test_a_tag_that_is_wanted_and_was_unwanted_is_added_and_stays():
    wanted = {"tags_wanted": ["Ready"], "tags_unwanted": ["ready"]}
    assert missing(shop_order(), **wanted) == [AddTags(("Ready",))]
    assert missing(shop_order(tags=("Ready",)), **wanted) == []


def test_a_text_with_commas_is_several_tags_as_shops_keep_them():
    wanted = {
        "tags_wanted": ["first wave, March", " ready ", "  "],
        "tags_unwanted": ["old, ready"],
    }
    order = shop_order(tags=("March", "old"))
    assert missing(order, **wanted) == [AddTags(("first wave", "ready")), RemoveTags(("old",))]
    assert missing(shop_order(tags=("March", "first wave", "ready")), **wanted) == []


def test_an_order_is_marked_as_paid_where_that_is_possible():
    owing = shop_order(total=100, received=money(20), can_mark_paid=True)
    assert missing(owing, paid_wanted=True) == [MarkPaid()]
    assert missing(owing) == []
    assert missing(replace(owing, can_mark_paid=False), paid_wanted=True) == []
    assert missing(replace(owing, outstanding=money(0)), paid_wanted=True) == []


def test_an_order_that_is_to_be_cancelled_is_not_held_any_more():
    found = fulfillment_order(1, PREORDERED)
    wanted = {"cancel_wanted": True, "hold_wanted": True, "tags_wanted": ["preorder"]}
    assert missing(shop_order(), found, **wanted) == [AddTags(("preorder",)), CancelOrder()]
    cancelled = shop_order(cancelled_at=NOON)
    assert missing(cancelled, found, **wanted) == [AddTags(("preorder",))]


def test_a_hold_is_placed_on_the_preordered_units_alone():
    alone = fulfillment_order(1, PREORDERED)
    assert missing(shop_order(), alone, hold_wanted=True) == [Place(1, None)]
    mixed = fulfillment_order(1, PREORDERED, OTHER)
    assert missing(shop_order(), mixed, hold_wanted=True) == [Place(1, {PREORDERED.id: 2})]
    without = fulfillment_order(1, OTHER)
    assert missing(shop_order(), without, hold_wanted=True) == []


def test_units_that_were_sent_are_neither_held_nor_in_the_way():
    sent = replace(PREORDERED, remaining=0)
    assert missing(shop_order(), fulfillment_order(1, sent), hold_wanted=True) == []
    other_sent = fulfillment_order(1, PREORDERED, replace(OTHER, remaining=0))
    assert missing(shop_order(), other_sent, hold_wanted=True) == [Place(1, None)]


def test_what_cannot_be_held_is_left():
    for status in ("closed", "cancelled", "in_progress"):
        found = fulfillment_order(1, PREORDERED, status=status, actions=frozenset())
        assert missing(shop_order(), found, hold_wanted=True) == []


def test_beside_somebody_elses_hold_the_whole_is_held():
    mixed = fulfillment_order(1, PREORDERED, OTHER, holds=(THEIRS,))
    assert missing(shop_order(), mixed, hold_wanted=True) == [Place(1, None)]


@pytest.mark.parametrize(
    "foreign", [hold(1, ours=False), hold(2, "other"), hold(3, None), hold(4, "")]
)
def test_only_our_own_holds_are_lifted(foreign):
    found = fulfillment_order(1, PREORDERED, holds=(foreign, OURS))
    assert missing(shop_order(), found, hold_wanted=False) == [Lift(1, (31,))]
    found = fulfillment_order(1, PREORDERED, holds=(foreign,))
    assert missing(shop_order(), found, hold_wanted=False) == []


def test_our_holds_stay_until_somebody_decides_that_they_go():
    found = fulfillment_order(1, PREORDERED, holds=(OURS,))
    assert missing(shop_order(), found, hold_wanted=None) == []


def test_our_hold_is_lifted_from_what_has_no_preorder_left():
    found = fulfillment_order(1, OTHER, holds=(OURS,))
    assert missing(shop_order(), found, hold_wanted=False) == [Lift(1, (31,))]


@pytest.mark.parametrize("hold_wanted", [None, False])
def test_preordered_units_are_split_off(hold_wanted):
    mixed = fulfillment_order(1, PREORDERED, OTHER)
    wanted = {"split_wanted": True, "hold_wanted": hold_wanted}
    assert missing(shop_order(), mixed, **wanted) == [SplitOff(1, {PREORDERED.id: 2})]
    assert missing(shop_order(), fulfillment_order(1, PREORDERED), **wanted) == []
    assert missing(shop_order(), fulfillment_order(1, OTHER), **wanted) == []
    whole = replace(mixed, actions=frozenset({"hold"}))
    assert missing(shop_order(), whole, **wanted) == []


def test_the_shop_is_asked_once_to_cancel():
    assert missing(shop_order(), cancel_wanted=True) == [CancelOrder()]
    assert missing(shop_order(), cancel_wanted=True, cancel_asked_at=NOON) == []


def test_each_fulfillment_order_has_its_own():
    found = (
        fulfillment_order(1, PREORDERED, OTHER),
        fulfillment_order(2, OTHER),
        fulfillment_order(3, units(3, id=77)),
        fulfillment_order(4, PREORDERED, holds=(OURS,)),
    )
    lines = (preorder_line(1), preorder_line(3))
    assert missing(shop_order(), *found, hold_wanted=True, lines=lines) == [
        Place(1, {PREORDERED.id: 2}),
        Place(3, None),
    ]


# A shop that does what it is asked for, as Shopify does: parts that are held or split off become
# fulfillment orders of their own, and what somebody holds is not split.
class Shop:
    def __init__(self, order, *found):
        self.order, self.found, self.ids = order, list(found), iter(range(1000, 10_000))

    @property
    def now(self):
        return replace(self.order, fulfillment_orders=tuple(self.found))

    def do(self, effect):
        match effect:
            case AddTags(tags):
                self.order = replace(self.order, tags=(*self.order.tags, *tags))
            case RemoveTags(tags):
                gone = {tag.casefold() for tag in tags}
                kept = tuple(tag for tag in self.order.tags if tag.casefold() not in gone)
                self.order = replace(self.order, tags=kept)
            case MarkPaid():
                self.order = replace(self.order, outstanding=money(0), can_mark_paid=False)
            case CancelOrder():
                self.order = replace(self.order, cancelled_at=NOON)
            case Place(fulfillment_order_id, lines):
                one = self._take(fulfillment_order_id)
                if lines is not None:
                    assert not one.holds
                    one = self._split(one, lines)
                self._put(one, (*one.holds, hold(next(self.ids), effects.handle_of(1001))))
            case Lift(fulfillment_order_id, hold_ids):
                one = self._take(fulfillment_order_id)
                lifted = [each for each in one.holds if each.id in hold_ids]
                assert lifted
                assert all(each.ours for each in lifted)
                self._put(one, tuple(each for each in one.holds if each not in lifted))
            case SplitOff(fulfillment_order_id, lines):
                one = self._take(fulfillment_order_id)
                assert not one.holds
                self._put(self._split(one, lines), ())

    def _take(self, fulfillment_order_id):
        one = next(each for each in self.found if each.id == fulfillment_order_id)
        self.found.remove(one)
        return one

    def _split(self, one, lines):
        rest = []
        for line in one.lines:
            left = line.remaining - lines.get(line.id, 0)
            assert left >= 0
            if left:
                rest.append(replace(line, id=next(self.ids), total=left, remaining=left))
        self._put(replace(one, id=next(self.ids), lines=tuple(rest)), ())
        off = tuple(
            replace(line, total=lines[line.id], remaining=lines[line.id])
            for line in one.lines
            if line.id in lines
        )
        return replace(one, lines=off)

    def _put(self, one, holds):
        actions = frozenset({"hold"} if holds else {"hold", "split"})
        self.found.append(replace(one, holds=holds, actions=actions))


LINES = st.lists(
    st.builds(
        lambda line, number, remaining: FulfillmentLine(
            id=number, line_id=line, variant_id=line, total=3, remaining=remaining
        ),
        st.integers(1, 4),
        st.integers(1, 10_000),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda line: line.id,
).map(tuple)


@st.composite
def fulfillment(draw) -> FulfillmentOrder:
    holds: list[Hold] = draw(st.lists(st.sampled_from([OURS, THEIRS]), unique=True, max_size=2))
    return fulfillment_order(
        draw(st.integers(1, 900)),
        *draw(LINES),
        holds=tuple(holds),
        actions=frozenset({"hold"} if holds else {"hold", "split"}),
    )


TAGS = st.lists(st.sampled_from(["a", "A", "b", "B", "c"]), unique=True)


@given(
    found=st.lists(fulfillment(), max_size=4, unique_by=lambda one: one.id),
    decisions=st.lists(
        st.fixed_dictionaries(
            {
                "hold_wanted": st.sampled_from([None, True, False]),
                "split_wanted": st.booleans(),
                "paid_wanted": st.booleans(),
                "cancel_wanted": st.booleans(),
                "tags_wanted": TAGS,
                "tags_unwanted": TAGS,
            }
        ),
        min_size=1,
        max_size=3,
    ),
    tags=TAGS,
)
def test_whatever_is_decided_the_shop_comes_to_agree(found, decisions, tags):
    order = shop_order(total=100, received=money(20), can_mark_paid=True, tags=tuple(tags))
    shop = Shop(order, *found)
    theirs = sum(THEIRS in one.holds for one in shop.found)
    to_send = units_of(shop.found)
    lines = (preorder_line(1), preorder_line(3))
    for decided in decisions:
        wanted = preorder(lines=lines, **decided)
        # The first round does all but what a later one sees: new fulfillment orders, lifted holds.
        for _ in range(3):
            for effect in effects.missing(wanted, shop.now):
                shop.do(effect)
        assert effects.missing(wanted, shop.now) == []
        assert sum(THEIRS in one.holds for one in shop.found) == theirs
        assert units_of(shop.found) == to_send
        if shop.order.cancelled_at is None:
            agrees(wanted, shop)


def units_of(found):
    counted = {}
    for one in found:
        for line in one.lines:
            counted[line.line_id] = counted.get(line.line_id, 0) + line.remaining
    return {line_id: count for line_id, count in counted.items() if count}


def agrees(wanted, shop):
    preordered = {line.id for line in wanted.lines}
    for one in shop.found:
        left = [line for line in one.lines if line.remaining]
        ours = [each for each in one.holds if each.ours]
        if wanted.decisions.hold_wanted is False:
            assert not ours
        if wanted.decisions.hold_wanted and any(line.line_id in preordered for line in left):
            assert len(ours) == 1
        if wanted.decisions.split_wanted and not one.holds:
            assert len({line.line_id in preordered for line in left}) <= 1
    has = {tag.casefold() for tag in shop.order.tags}
    assert has >= {tag.casefold() for tag in wanted.decisions.tags_wanted}
    unwanted = {tag.casefold() for tag in wanted.decisions.tags_unwanted}
    assert not has & (unwanted - {tag.casefold() for tag in wanted.decisions.tags_wanted})
