"""What a merchant does with orders that are to be sent, and who is told."""

import json

import pytest

from sandbox.buying import buy, plan
from sandbox.ordered import RELEASE, Storekeeper, states

TOPICS = (
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "ORDERS_FULFILLED",
    "ORDERS_PARTIALLY_FULFILLED",
    "FULFILLMENT_ORDERS_PLACED_ON_HOLD",
    "FULFILLMENT_HOLDS_ADDED",
    "FULFILLMENT_HOLDS_RELEASED",
    "FULFILLMENT_ORDERS_HOLD_RELEASED",
    "FULFILLMENT_ORDERS_SCHEDULED_FULFILLMENT_ORDER_READY",
)


@pytest.fixture
def keeper(site):
    return Storekeeper(site.shop())


def stocked(site, number):
    found = [each for each in site.shop().variants.values() if each.inventory_quantity > 1]
    return found[:number]


async def told(site, receiver):
    await site.idle()
    bodies = {headers["X-Shopify-Topic"]: json.loads(body) for headers, body in receiver.taken}
    receiver.taken.clear()
    return bodies


async def test_an_order_is_sent_in_part_and_then_whole(site, receiver, keeper):
    await site.subscribe(receiver.uri, *TOPICS)
    order = keeper.order(keeper.line(3))
    line = order.lines[0]
    part = {"lines": [{"line_item_id": line.id, "quantity": 2}], "tracking_number": "1Z"}
    sent = await site.control("POST", f"orders/{order.id}/fulfill", part)
    assert [(each["name"], each["status"]) for each in sent["fulfillments"]] == [
        (f"{order.name}.1", "SUCCESS")
    ]
    assert states(order) == [("IN_PROGRESS", [1])]
    assert line.fulfilled_quantity == 2
    bodies = await told(site, receiver)
    assert set(bodies) == {"fulfillments/create", "orders/partially_fulfilled"}
    parcel = bodies["fulfillments/create"]
    assert (parcel["order_id"], parcel["tracking_number"]) == (order.id, "1Z")
    assert [(each["id"], each["quantity"]) for each in parcel["line_items"]] == [(line.id, 2)]
    await site.control("POST", f"orders/{order.id}/fulfill")
    assert states(order) == [("CLOSED", [0])]
    assert set(await told(site, receiver)) == {"fulfillments/create", "orders/fulfilled"}
    await site.control("POST", f"orders/{order.id}/fulfill", status=422)


async def test_a_cancelled_parcel_is_to_be_sent_again(site, receiver, keeper):
    await site.subscribe(receiver.uri, "FULFILLMENTS_UPDATE")
    order = keeper.order(keeper.line(3))
    for quantity in (2, 1):
        rows = [{"line_item_id": order.lines[0].id, "quantity": quantity}]
        sent = await site.control("POST", f"orders/{order.id}/fulfill", {"lines": rows})
    first, second = (each["id"] for each in sent["fulfillments"])
    await site.control("POST", f"fulfillments/{second}/cancel")
    assert states(order) == [("CLOSED", [0]), ("OPEN", [1])]
    assert order.lines[0].fulfilled_quantity == 2
    assert (await told(site, receiver))["fulfillments/update"]["status"] == "cancelled"
    await site.control("POST", f"fulfillments/{second}/cancel", status=422)
    await site.control("POST", f"fulfillments/{first}/cancel")
    assert order.lines[0].fulfilled_quantity == 0


async def test_a_parcel_of_a_begun_fulfillment_order_goes_back_into_it(site, keeper):
    order = keeper.order(keeper.line(3))
    rows = [{"line_item_id": order.lines[0].id, "quantity": 2}]
    sent = await site.control("POST", f"orders/{order.id}/fulfill", {"lines": rows})
    await site.control("POST", f"fulfillments/{sent['fulfillments'][0]['id']}/cancel")
    assert states(order) == [("OPEN", [3])]


async def test_what_is_held_or_scheduled_is_not_sent(site, keeper):
    order = keeper.order(keeper.line(2), keeper.line(1, plan=keeper.plan(RELEASE)))
    free, dated = order.fulfillment_orders
    rows = [{"line_item_id": order.lines[0].id}]
    path = f"fulfillment_orders/{free.id}"
    held = await site.control("POST", f"{path}/holds", {"lines": rows, "note": "Wait"})
    assert held["hold"]["by"] == "merchant"
    await site.control("POST", f"orders/{order.id}/fulfill", {"lines": rows * 2}, status=422)
    await site.control("POST", f"orders/{order.id}/fulfill")
    assert states(order) == [("ON_HOLD", [1]), ("SCHEDULED", [1]), ("CLOSED", [0])]
    await site.control("POST", f"{path}/release")
    await site.control("POST", f"fulfillment_orders/{dated.id}/ready")
    await site.control("POST", f"fulfillment_orders/{dated.id}/ready", status=422)
    await site.control("POST", f"orders/{order.id}/fulfill")
    assert {each.status for each in order.fulfillment_orders} == {"CLOSED"}


async def test_holds_of_others_are_told_as_theirs(site, receiver, keeper):
    await site.subscribe(receiver.uri, *TOPICS)
    order = keeper.order(keeper.line(2))
    (record,) = order.fulfillment_orders
    path = f"fulfillment_orders/{record.id}"
    await site.control("POST", f"{path}/holds", {"by": "another_app", "handle": "theirs"})
    body = (await told(site, receiver))["fulfillment_orders/placed_on_hold"]
    created = body["created_fulfillment_hold"]
    assert (created["handle"], created["held_by_requesting_app"]) == ("theirs", False)
    assert created["held_by_app"] == {"id": "gid://shopify/App/4080002"}
    assert body["fulfillment_order"]["status"] == "on_hold"
    assert str(order.id) not in json.dumps(body)
    listed = await site.control("GET", f"orders/{order.id}/fulfillment")
    (shown,) = listed["fulfillment_orders"]
    assert [each["by"] for each in shown["holds"]] == ["another_app"]
    await site.control("POST", f"{path}/release", {"hold_id": 5}, status=404)
    await site.control("POST", f"{path}/release", {"hold_id": shown["holds"][0]["id"]})
    assert set(await told(site, receiver)) == {
        "fulfillment_holds/released",
        "fulfillment_orders/hold_released",
    }


async def test_stock_that_was_not_taken_when_sold_is_taken_when_sent(site, keeper):
    order = keeper.order(keeper.line(2), keeper.line(2, variant=1))
    taken, later = order.lines
    place = order.fulfillment_orders[0].location
    taken.taken[place.id] = 2
    before = [each.variant.inventory_quantity for each in order.lines]
    await site.control("POST", f"orders/{order.id}/fulfill")
    after = [each.variant.inventory_quantity for each in order.lines]
    assert after == [before[0], before[1] - 2]
    assert later.taken[place.id] == 2
    assert sum(later.taken.values()) == 2


async def test_what_was_sent_back_is_not_taken_out_of_its_parcel(site, keeper):
    order = keeper.order(keeper.line(2))
    sent = await site.control("POST", f"orders/{order.id}/fulfill")
    order.lines[0].lower(1)
    path = f"fulfillments/{sent['fulfillments'][0]['id']}/cancel"
    await site.control("POST", path, status=422)
    assert order.lines[0].fulfilled_quantity == 2


async def test_a_balance_that_waits_for_it_is_due_when_its_line_is_sent(site, receiver):
    await site.subscribe(receiver.uri, "PAYMENT_SCHEDULES_DUE", "ORDERS_PARTIALLY_FULFILLED")
    variant, other = (each for each in stocked(site, 2))
    plan_id = await plan(site, variant, trigger="ON_FULFILLMENT")
    bought = await buy(site, (variant, {"plan_id": plan_id}), (other, {}))
    deferred, paid = (each["id"] for each in bought["lines"])
    path = f"orders/{bought['id']}/fulfill"
    await site.control("POST", path, {"lines": [{"line_item_id": paid}]})
    bodies = await told(site, receiver)
    assert set(bodies) == {"orders/partially_fulfilled"}
    (parcel,) = bodies["orders/partially_fulfilled"]["fulfillments"]
    assert [each["id"] for each in parcel["line_items"]] == [paid]
    await site.control("POST", path, {"lines": [{"line_item_id": deferred}]})
    assert (await told(site, receiver))["payment_schedules/due"]["due_at"] is not None


async def test_an_order_that_waits_says_for_what(site):
    variant, other = (each for each in stocked(site, 2))
    plan_id = await plan(site, variant)
    bought = await buy(site, (variant, {"plan_id": plan_id, "quantity": 2}), (other, {}))
    query = "query ($id: ID!) { order(id: $id) { displayFulfillmentStatus } }"

    async def status():
        answer = await site.graphql(query, {"id": f"gid://shopify/Order/{bought['id']}"})
        return answer["data"]["order"]["displayFulfillmentStatus"]

    assert await status() == "UNFULFILLED"
    listed = await site.control("GET", f"orders/{bought['id']}/fulfillment")
    for each in listed["fulfillment_orders"]:
        await site.control("POST", f"fulfillment_orders/{each['id']}/holds")
    assert await status() == "ON_HOLD"
    await site.control("POST", f"orders/{bought['id']}/cancel")
    assert await status() == "UNFULFILLED"
    listed = await site.control("GET", f"orders/{bought['id']}/fulfillment")
    assert {each["status"] for each in listed["fulfillment_orders"]} == {"CANCELLED"}


async def test_unknown_records_are_not_found(site):
    for path in ("orders/5/fulfill", "fulfillment_orders/5/holds", "fulfillments/5/cancel"):
        await site.control("POST", path, status=404)
    await site.control("GET", "orders/5/fulfillment", status=404)
