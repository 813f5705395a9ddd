"""What others than the app do to an order's fulfillment orders: blanket releases, packing."""

import pytest

from sandbox.buying import gid
from sandbox.ordered import Storekeeper, states

HOLD = """mutation ($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id } fulfillmentOrder { id } userErrors { field message code } } }"""
RELEASE = """mutation ($id: ID!) { fulfillmentOrderReleaseHold(id: $id) {
  fulfillmentOrder { status } userErrors { message } } }"""
STATUS = """query ($id: ID!) { order(id: $id) { displayFulfillmentStatus
  fulfillmentOrders(first: 1) { nodes { status supportedActions { action } } } } }"""


@pytest.fixture
def keeper(site):
    return Storekeeper(site.shop())


async def hold(site, record, handle="own"):
    variables = {
        "id": gid("FulfillmentOrder", record.id),
        "hold": {"reason": "AWAITING_PAYMENT", "handle": handle},
    }
    return (await site.graphql(HOLD, variables))["data"]["fulfillmentOrderHold"]


async def test_a_blanket_release_frees_the_whole_order_of_everybodys_holds(site, receiver, keeper):
    order = keeper.order(keeper.line(2), keeper.line(1, plan=keeper.plan(delivery=None)))
    (record,) = order.fulfillment_orders
    await hold(site, record)
    theirs = {"by": "another_app", "handle": "theirs"}
    await site.control("POST", f"fulfillment_orders/{record.id}/holds", theirs)
    await site.control("POST", f"fulfillment_orders/{record.id}/holds")
    await site.subscribe(
        receiver.uri, "FULFILLMENT_ORDERS_HOLD_RELEASED", "FULFILLMENT_HOLDS_RELEASED"
    )
    after = await site.control("POST", f"orders/{order.id}/release")
    (freed,) = after["fulfillment_orders"]
    assert (freed["status"], freed["holds"]) == ("OPEN", [])
    await site.idle()
    assert sorted(receiver.topics()) == ["fulfillment_holds/released"] * 3 + [
        "fulfillment_orders/hold_released"
    ]
    await site.control("POST", f"orders/{order.id}/release", status=422)
    assert (await hold(site, record))["userErrors"] == []


async def test_a_release_without_ids_releases_everybodys_holds(site, keeper):
    order = keeper.order(keeper.line(2))
    (record,) = order.fulfillment_orders
    await hold(site, record)
    await site.control("POST", f"fulfillment_orders/{record.id}/holds")
    answer = await site.graphql(RELEASE, {"id": gid("FulfillmentOrder", record.id)})
    payload = answer["data"]["fulfillmentOrderReleaseHold"]
    assert payload == {"fulfillmentOrder": {"status": "OPEN"}, "userErrors": []}


async def test_what_is_being_packed_cannot_be_held(site, keeper):
    order = keeper.order(keeper.line(2))
    (record,) = order.fulfillment_orders
    route = f"fulfillment_orders/{record.id}/progress"
    await site.control("POST", route)
    refused = await hold(site, record)
    assert (refused["fulfillmentHold"], refused["fulfillmentOrder"]) == (None, None)
    assert refused["userErrors"][0]["field"] == ["id"]
    found = (await site.graphql(STATUS, {"id": gid("Order", order.id)}))["data"]["order"]
    assert found["displayFulfillmentStatus"] == "IN_PROGRESS"
    (node,) = found["fulfillmentOrders"]["nodes"]
    actions = {each["action"] for each in node["supportedActions"]}
    assert "HOLD" not in actions
    assert "CREATE_FULFILLMENT" in actions
    await site.control("POST", f"fulfillment_orders/{record.id}/holds", status=422)
    await site.control("POST", route, status=422)
    await site.control("POST", route, {"in_progress": False})
    assert states(order) == [("OPEN", [2])]
    assert (await hold(site, record))["userErrors"] == []
    await site.control("POST", route, status=422)


async def test_what_was_partly_sent_stays_in_progress(site, keeper):
    order = keeper.order(keeper.line(2))
    (record,) = order.fulfillment_orders
    await site.control("POST", f"fulfillment_orders/{record.id}/progress")
    rows = [{"line_item_id": order.lines[0].id, "quantity": 1}]
    await site.control("POST", f"orders/{order.id}/fulfill", {"lines": rows})
    body = {"in_progress": False}
    await site.control("POST", f"fulfillment_orders/{record.id}/progress", body, status=422)
    assert (await hold(site, record))["userErrors"]
