"""How orders become fulfillment orders, and how these follow them."""

import json
from datetime import timedelta

import pytest

from sandbox.ordered import NOW, RELEASE, Storekeeper, states, units
from shopify_sandbox import fulfillment, holds, shipping
from shopify_sandbox.config import APP_ID
from shopify_sandbox.holds import NewHold
from shopify_sandbox.records.fulfillment import Tracking
from tests.facts.load import webhook_samples


@pytest.fixture
def keeper():
    return Storekeeper()


def stock(keeper, variant, *available):
    levels = keeper.variants[variant].inventory_item.levels
    for level, number in zip(levels.values(), available, strict=True):
        level.available = number


def hold(keeper, held, parts=None, **facts):
    new = NewHold(reason="OTHER", **facts)
    return holds.hold(keeper.shop, held, new, parts or {}, keeper.shop.action())


def test_lines_of_one_location_go_into_one_open_fulfillment_order(keeper):
    stock(keeper, 0, 5, 2)
    stock(keeper, 1, 5, 2)
    order = keeper.order(keeper.line(2), keeper.line(3, variant=1))
    (made,) = order.fulfillment_orders
    assert (made.status, made.location.id) == ("OPEN", next(iter(keeper.shop.locations)))
    assert units(made) == {order.lines[0]: 2, order.lines[1]: 3}
    assert made.fulfill_at == NOW.replace(minute=0, second=0)
    assert keeper.told == [
        (
            "fulfillment_orders/order_routing_complete",
            {
                "fulfillment_order": {
                    "id": f"gid://shopify/FulfillmentOrder/{made.id}",
                    "status": "open",
                }
            },
        )
    ]


def test_each_line_is_sent_from_where_most_of_it_is(keeper):
    stock(keeper, 0, 1, 4)
    stock(keeper, 1, 4, 1)
    order = keeper.order(keeper.line(), keeper.line(variant=1))
    first, second = keeper.shop.locations.values()
    assert [(each.location, list(units(each))) for each in order.fulfillment_orders] == [
        (second, [order.lines[0]]),
        (first, [order.lines[1]]),
    ]


def test_a_closed_location_sends_nothing(keeper):
    stock(keeper, 0, 1, 4)
    first, second = keeper.shop.locations.values()
    second.is_active = False
    assert keeper.order(keeper.line()).fulfillment_orders[0].location is first


def test_a_line_with_a_date_to_come_is_scheduled_apart(keeper):
    order = keeper.order(
        keeper.line(2, plan=keeper.plan(RELEASE)),
        keeper.line(variant=1, plan=keeper.plan(NOW - timedelta(days=1))),
        keeper.line(variant=2),
    )
    dated = [each for each in order.fulfillment_orders if each.status == "SCHEDULED"]
    assert [(each.fulfill_at, units(each)) for each in dated] == [(RELEASE, {order.lines[0]: 2})]
    assert {line for each in order.fulfillment_orders for line in units(each)} == set(order.lines)


def test_a_preorder_without_a_date_is_open_with_no_date(keeper):
    order = keeper.order(keeper.line(plan=keeper.plan()))
    assert [(each.status, each.fulfill_at) for each in order.fulfillment_orders] == [("OPEN", None)]


def test_a_scheduled_fulfillment_order_opens_and_says_so(keeper):
    (made,) = keeper.order(keeper.line(plan=keeper.plan(RELEASE))).fulfillment_orders
    keeper.topics()
    fulfillment.open_scheduled(keeper.shop, made, keeper.shop.action())
    assert made.status == "OPEN"
    assert keeper.topics() == ["fulfillment_orders/scheduled_fulfillment_order_ready"]


def test_supported_actions_are_shopifys(keeper):
    made = keeper.order(keeper.line(5)).fulfillment_orders[0]
    free = ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"]
    assert made.supported_actions == [*free, "SPLIT"]
    other = holds.split(keeper.shop, made, {made.lines[0]: 1}, keeper.shop.action())
    assert made.supported_actions == [*free, "SPLIT", "MERGE"]
    assert other.supported_actions == [*free, "MERGE"]
    hold(keeper, other, app_id=APP_ID)
    assert other.supported_actions == ["RELEASE_HOLD", "HOLD", "MOVE"]
    for number in range(9):
        hold(keeper, other, handle=str(number), app_id=APP_ID)
    assert other.supported_actions == ["RELEASE_HOLD", "MOVE"]


def test_a_hold_on_a_part_frees_the_rest(keeper):
    order = keeper.order(keeper.line(2), keeper.line(3))
    (held,) = order.fulfillment_orders
    keeper.topics()
    chosen = {held.lines[0]: 2, held.lines[1]: 1}
    _, free = hold(keeper, held, chosen)
    assert states(order) == [("ON_HOLD", [2, 1]), ("OPEN", [2])]
    assert free is order.fulfillment_orders[1]
    assert keeper.topics() == ["fulfillment_orders/placed_on_hold", "fulfillment_holds/added"]


def test_the_first_hold_and_the_last_release_change_the_status(keeper):
    (held,) = keeper.order(keeper.line()).fulfillment_orders
    first, _ = hold(keeper, held)
    keeper.topics()
    second, _ = hold(keeper, held, app_id=7)
    assert keeper.topics() == ["fulfillment_holds/added"]
    holds.release(keeper.shop, held, [first], keeper.shop.action())
    assert (held.status, keeper.topics()) == ("ON_HOLD", ["fulfillment_holds/released"])
    holds.release(keeper.shop, held, [second], keeper.shop.action())
    assert held.status == "OPEN"
    assert keeper.topics() == ["fulfillment_holds/released", "fulfillment_orders/hold_released"]


def test_a_release_gives_a_scheduled_one_back_to_its_date(keeper):
    (held,) = keeper.order(keeper.line(plan=keeper.plan(RELEASE))).fulfillment_orders
    placed, _ = hold(keeper, held)
    holds.release(keeper.shop, held, [placed], keeper.shop.action())
    assert held.status == "SCHEDULED"
    again, _ = hold(keeper, held)
    keeper.now = RELEASE
    holds.release(keeper.shop, held, [again], keeper.shop.action())
    assert held.status == "OPEN"


def test_what_was_held_in_part_is_one_again_after_the_release(keeper):
    order = keeper.order(keeper.line(2), keeper.line(3), keeper.line(plan=keeper.plan(RELEASE)))
    held, _ = order.fulfillment_orders
    first, placed = held.lines[0], hold(keeper, held, {held.lines[0]: 1})[0]
    other, _ = hold(keeper, held, app_id=7)
    rest = order.fulfillment_orders[2]
    moved = {each.line_item: each.id for each in rest.lines}
    keeper.topics()
    holds.release(keeper.shop, held, [other], keeper.shop.action())
    assert states(order) == [("ON_HOLD", [1]), ("SCHEDULED", [1]), ("OPEN", [1, 3])]
    holds.release(keeper.shop, held, [placed], keeper.shop.action())
    assert states(order) == [("OPEN", [2, 3]), ("SCHEDULED", [1]), ("CLOSED", [])]
    assert held.lines[0] is first
    assert held.lines[1].id != moved[order.lines[1]]
    assert keeper.topics() == [
        "fulfillment_holds/released",
        "fulfillment_holds/released",
        "fulfillment_orders/hold_released",
        "fulfillment_orders/merged",
    ]
    assert (rest.holds, rest.supported_actions) == ([], [])


def test_what_is_elsewhere_or_held_or_begun_stays_apart_from_what_is_released(keeper):
    stock(keeper, 0, 5, 2)
    stock(keeper, 1, 2, 5)
    order = keeper.order(keeper.line(4), keeper.line(variant=1))
    one, elsewhere = order.fulfillment_orders
    begun, waiting = (
        holds.split(keeper.shop, one, {one.lines[0]: 1}, keeper.shop.action()) for _ in range(2)
    )
    hold(keeper, waiting)
    holds.report_progress(keeper.shop, begun, in_progress=True)
    placed, _ = hold(keeper, one)
    holds.release(keeper.shop, one, [placed], keeper.shop.action())
    assert [each.status for each in (one, elsewhere, begun, waiting)] == [
        "OPEN",
        "OPEN",
        "IN_PROGRESS",
        "ON_HOLD",
    ]


def test_those_that_come_to_have_one_date_are_one(keeper):
    dates = (RELEASE, RELEASE + timedelta(days=1))
    order = keeper.order(*(keeper.line(plan=keeper.plan(date)) for date in dates))
    _, later = order.fulfillment_orders
    holds.reschedule(keeper.shop, later, RELEASE, keeper.shop.action())
    assert states(order) == [("CLOSED", []), ("SCHEDULED", [1, 1])]


def test_merged_ones_are_one_again(keeper):
    order = keeper.order(keeper.line(5), keeper.line(2))
    (kept,) = order.fulfillment_orders
    chosen = {kept.lines[0]: 2, kept.lines[1]: 2}
    other = holds.split(keeper.shop, kept, chosen, keeper.shop.action())
    assert states(order) == [("OPEN", [3]), ("OPEN", [2, 2])]
    holds.merge(keeper.shop, kept, [other], keeper.shop.action())
    assert states(order) == [("OPEN", [5, 2]), ("CLOSED", [])]


def test_removed_units_are_taken_off_the_newest_first(keeper):
    order = keeper.order(keeper.line(5))
    (kept,) = order.fulfillment_orders
    holds.split(keeper.shop, kept, {kept.lines[0]: 2}, keeper.shop.action())
    order.lines[0].current_quantity = 2
    fulfillment.adjust(keeper.shop, order)
    assert states(order) == [("OPEN", [2]), ("CLOSED", [])]


def test_an_added_line_gets_a_fulfillment_order(keeper):
    order = keeper.order(keeper.line())
    order.lines.append(keeper.line(3, variant=1))
    fulfillment.adjust(keeper.shop, order)
    assert sorted(left for _, left in states(order)) == [[1], [3]]
    before = states(order)
    fulfillment.adjust(keeper.shop, order)
    assert states(order) == before


def test_a_cancelled_order_cancels_even_what_is_held(keeper):
    order = keeper.order(keeper.line(2))
    (held,) = order.fulfillment_orders
    hold(keeper, held)
    keeper.topics()
    order.cancelled_at = NOW
    fulfillment.adjust(keeper.shop, order)
    assert states(order) == [("CANCELLED", [0])]
    assert held.holds == []
    assert held.supported_actions == []
    assert keeper.topics() == ["fulfillment_orders/cancelled"]


def test_webhooks_have_the_fields_of_shopifys_samples(keeper):
    samples = webhook_samples()
    shop, action = keeper.shop, keeper.shop.action()
    order = keeper.order(keeper.line(4), keeper.line(plan=keeper.plan(RELEASE)))
    first, dated = order.fulfillment_orders
    second = holds.split(shop, first, {first.lines[0]: 1}, action)
    holds.merge(shop, first, [second], action)
    placed, free = hold(keeper, first, {first.lines[0]: 2}, app_id=APP_ID)
    parcel = shipping.ship(shop, free, {free.lines[0]: 1}, Tracking(number="1Z"), action)
    holds.release(shop, first, [placed], action)
    holds.reschedule(shop, dated, RELEASE + timedelta(days=1), action)
    fulfillment.open_scheduled(shop, dated, action)
    shipping.cancel(shop, parcel, action)
    order.cancelled_at = NOW
    fulfillment.adjust(shop, order)
    told = {topic: body for topic, body in keeper.told if topic.startswith("fulfillment")}
    assert len(told) == 12
    for topic, body in told.items():
        sample = json.loads(samples[topic])
        assert body.keys() == sample.keys(), topic
        for key, value in body.items():
            if isinstance(value, dict) and value and isinstance(sample[key], dict):
                assert value.keys() <= sample[key].keys(), (topic, key)
