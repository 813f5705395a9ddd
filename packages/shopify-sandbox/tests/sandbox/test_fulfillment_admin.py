"""What apps may ask of fulfillment orders, beyond what was recorded."""

import pytest

from sandbox.ordered import RELEASE, Storekeeper, states
from sandbox.site import running
from shopify_sandbox.config import _SCOPES, ShopConfig

HOLD = """mutation ($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id handle reason heldByRequestingApp heldByApp { id title } }
    fulfillmentOrder { id } remainingFulfillmentOrder { id }
    userErrors { field message code } } }"""
RELEASE_HOLD = """mutation ($id: ID!, $holdIds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holdIds) {
    fulfillmentOrder { id status } userErrors { field message code } } }"""
SPLIT = """mutation ($splits: [FulfillmentOrderSplitInput!]!) {
  fulfillmentOrderSplit(fulfillmentOrderSplits: $splits) {
    fulfillmentOrderSplits { fulfillmentOrder { id } remainingFulfillmentOrder { id } }
    userErrors { field message code } } }"""
RESCHEDULE = """mutation ($id: ID!, $at: DateTime!) {
  fulfillmentOrderReschedule(id: $id, fulfillAt: $at) {
    fulfillmentOrder { status fulfillAt } userErrors { field message } } }"""
MERGE = """mutation ($inputs: [FulfillmentOrderMergeInput!]!) {
  fulfillmentOrderMerge(fulfillmentOrderMergeInputs: $inputs) {
    fulfillmentOrderMerges { fulfillmentOrder { id } } userErrors { message code } } }"""


@pytest.fixture
def keeper(site):
    return Storekeeper(site.shop())


def named(record):
    return f"gid://shopify/FulfillmentOrder/{record.id}"


def part(record, quantity, index=0):
    number = record.lines[index].id
    return {"id": f"gid://shopify/FulfillmentOrderLineItem/{number}", "quantity": quantity}


async def hold(site, record, *parts, handle="ours"):
    wanted = {"reason": "OTHER", "handle": handle, "fulfillmentOrderLineItems": list(parts)}
    answer = await site.graphql(HOLD, {"id": named(record), "hold": wanted})
    return answer["data"]["fulfillmentOrderHold"]


async def release(site, record, ids=None):
    answer = await site.graphql(RELEASE_HOLD, {"id": named(record), "holdIds": ids})
    return answer["data"]["fulfillmentOrderReleaseHold"]


async def test_fulfillment_orders_are_read_by_page_and_one_by_one(site, keeper):
    order = keeper.order(keeper.line(2), keeper.line(plan=keeper.plan(RELEASE)))
    query = """query ($id: ID!, $after: String) { order(id: $id) {
      fulfillmentOrders(first: 1, after: $after) {
        nodes { id status } pageInfo { hasNextPage endCursor } } } }"""
    found, after = [], None
    for more in (True, False):
        answer = await site.graphql(
            query, {"id": f"gid://shopify/Order/{order.id}", "after": after}
        )
        page = answer["data"]["order"]["fulfillmentOrders"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] is more
    assert found == [
        {"id": named(each), "status": each.status} for each in order.fulfillment_orders
    ]
    answer = await site.graphql(
        """query ($id: ID!) { fulfillmentOrder(id: $id) {
          orderId orderName requestStatus fulfillBy assignedLocation { name location { id } }
          lineItems(first: 5) { nodes { sku productTitle variant { id } lineItem { id } } } } }""",
        {"id": named(order.fulfillment_orders[0])},
    )
    read = answer["data"]["fulfillmentOrder"]
    assert read["orderId"] == f"gid://shopify/Order/{order.id}"
    assert read["requestStatus"] == "UNSUBMITTED"
    line = order.lines[0]
    assert read["lineItems"]["nodes"] == [
        {
            "sku": line.variant.sku,
            "productTitle": line.variant.product.title,
            "variant": {"id": f"gid://shopify/ProductVariant/{line.variant.id}"},
            "lineItem": {"id": f"gid://shopify/LineItem/{line.id}"},
        }
    ]


async def test_who_holds_is_not_told_without_the_scope(site, keeper):
    (record,) = keeper.order(keeper.line()).fulfillment_orders
    wanted = {"reason": "AWAITING_PAYMENT"}
    answer = await site.graphql(HOLD, {"id": named(record), "hold": wanted})
    placed = answer["data"]["fulfillmentOrderHold"]["fulfillmentHold"]
    assert (placed["handle"], placed["heldByRequestingApp"], placed["heldByApp"]) == (
        "",
        True,
        None,
    )
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert error["path"] == ["fulfillmentOrderHold", "fulfillmentHold", "heldByApp"]
    assert record.status == "ON_HOLD"


async def test_who_holds_is_told_with_the_scope():
    shop = ShopConfig(
        domain="snowdevil.myshopify.com", name="Snowdevil", scopes=(*_SCOPES, "read_apps")
    )
    async with running(shops=(shop,)) as site:
        (record,) = (
            Storekeeper(site.shop()).order(Storekeeper(site.shop()).line()).fulfillment_orders
        )
        placed = (await hold(site, record))["fulfillmentHold"]
    assert placed["heldByApp"] == {"id": "gid://shopify/App/1170001", "title": "app-under-test"}


async def test_a_long_handle_or_units_that_are_not_there_are_refused(site, keeper):
    order = keeper.order(keeper.line(2))
    (record,) = order.fulfillment_orders
    for refused, field, code in (
        (await hold(site, record, handle="h" * 65), ["fulfillmentHold", "handle"], None),
        (
            await hold(site, record, part(record, 3)),
            ["fulfillmentHold", "fulfillmentOrderLineItems", "0", "quantity"],
            "INVALID_LINE_ITEM_QUANTITY",
        ),
        (
            await hold(site, record, {**part(record, 1), "id": "gid://shopify/X/1"}),
            ["fulfillmentHold", "fulfillmentOrderLineItems", "0", "quantity"],
            "INVALID_LINE_ITEM_QUANTITY",
        ),
    ):
        assert [(each["field"], each["code"]) for each in refused["userErrors"]] == [(field, code)]
        assert refused["fulfillmentHold"] is None
    assert states(order) == [("OPEN", [2])]


async def test_the_same_handle_is_free_on_another_fulfillment_order(site, keeper):
    order = keeper.order(keeper.line(), keeper.line(plan=keeper.plan(RELEASE)))
    for each in order.fulfillment_orders:
        assert (await hold(site, each))["userErrors"] == []
    assert [each.status for each in order.fulfillment_orders] == ["ON_HOLD", "ON_HOLD"]


async def test_what_is_done_cannot_be_held(site, keeper):
    order = keeper.order(keeper.line())
    (record,) = order.fulfillment_orders
    record.status = "CLOSED"
    refused = await hold(site, record)
    assert [each["field"] for each in refused["userErrors"]] == [["id"]]
    assert record.holds == []


async def test_without_ids_every_hold_goes_even_of_others(site, keeper):
    (record,) = keeper.order(keeper.line()).fulfillment_orders
    await hold(site, record)
    await site.control("POST", f"fulfillment_orders/{record.id}/holds", {"by": "another_app"})
    released = await release(site, record)
    assert released == {
        "fulfillmentOrder": {"id": named(record), "status": "OPEN"},
        "userErrors": [],
    }


async def test_ids_of_other_holds_release_nothing(site, keeper):
    order = keeper.order(keeper.line(), keeper.line(plan=keeper.plan(RELEASE)))
    first, second = order.fulfillment_orders
    await hold(site, first)
    elsewhere = (await hold(site, second))["fulfillmentHold"]["id"]
    released = await release(site, first, [elsewhere])
    assert released["fulfillmentOrder"]["status"] == "ON_HOLD"
    assert len(first.holds) == len(second.holds) == 1


async def test_what_is_not_on_hold_cannot_be_released(site, keeper):
    (record,) = keeper.order(keeper.line()).fulfillment_orders
    refused = await release(site, record, ["gid://shopify/FulfillmentHold/1"])
    assert refused["fulfillmentOrder"] is None
    assert refused["userErrors"][0]["field"] == ["id"]


async def test_splits_are_made_all_or_none(site, keeper):
    order = keeper.order(keeper.line(3), keeper.line(2, plan=keeper.plan(RELEASE)))
    first, second = order.fulfillment_orders
    before = states(order)
    for wrong in (part(second, 3), part(second, 2), part(second, 0)):
        splits = [
            {"fulfillmentOrderId": named(first), "fulfillmentOrderLineItems": [part(first, 1)]},
            {"fulfillmentOrderId": named(second), "fulfillmentOrderLineItems": [wrong]},
        ]
        answer = await site.graphql(SPLIT, {"splits": splits})
        refused = answer["data"]["fulfillmentOrderSplit"]
        assert refused["fulfillmentOrderSplits"] is None
        assert refused["userErrors"][0]["field"][:2] == ["fulfillmentOrderSplits", "1"]
        assert states(order) == before


async def test_what_is_held_is_not_split(site, keeper):
    order = keeper.order(keeper.line(3))
    (record,) = order.fulfillment_orders
    await hold(site, record)
    asked = {"fulfillmentOrderId": named(record), "fulfillmentOrderLineItems": [part(record, 1)]}
    answer = await site.graphql(SPLIT, {"splits": [asked]})
    refused = answer["data"]["fulfillmentOrderSplit"]["userErrors"][0]
    assert (refused["message"], refused["code"]) == (
        "The fulfillment order is not in a splittable state.",
        None,
    )
    assert states(order) == [("ON_HOLD", [3])]


async def test_only_what_is_scheduled_is_rescheduled(site, keeper):
    order = keeper.order(keeper.line(), keeper.line(plan=keeper.plan(RELEASE)))
    free, dated = order.fulfillment_orders
    at = "2100-03-15T09:00:00Z"
    answer = await site.graphql(RESCHEDULE, {"id": named(dated), "at": at})
    assert answer["data"]["fulfillmentOrderReschedule"] == {
        "fulfillmentOrder": {"status": "SCHEDULED", "fulfillAt": at},
        "userErrors": [],
    }
    for record, when in ((free, at), (dated, "2020-01-01T00:00:00Z")):
        answer = await site.graphql(RESCHEDULE, {"id": named(record), "at": when})
        refused = answer["data"]["fulfillmentOrderReschedule"]
        assert refused["fulfillmentOrder"] is None
        assert len(refused["userErrors"]) == 1


async def test_only_alike_fulfillment_orders_of_one_order_are_merged(site, keeper):
    one, other = (keeper.order(keeper.line()).fulfillment_orders[0] for _ in range(2))
    intents = [{"fulfillmentOrderId": named(each)} for each in (one, other)]
    for wrong in (intents, intents[:1], [intents[0], intents[0]]):
        answer = await site.graphql(MERGE, {"inputs": [{"mergeIntents": wrong}]})
        refused = answer["data"]["fulfillmentOrderMerge"]
        assert refused["fulfillmentOrderMerges"] is None
        assert len(refused["userErrors"]) == 1
    assert one.status == other.status == "OPEN"


@pytest.mark.parametrize(
    ("query", "variables", "field"),
    [
        (HOLD, {"hold": {"reason": "OTHER"}}, ["id"]),
        (RELEASE_HOLD, {}, ["id"]),
        (
            SPLIT,
            {
                "splits": [
                    {
                        "fulfillmentOrderId": "gid://shopify/FulfillmentOrder/5",
                        "fulfillmentOrderLineItems": [],
                    }
                ]
            },
            None,
        ),
    ],
)
async def test_an_unknown_fulfillment_order_is_a_user_error(site, query, variables, field):
    answer = await site.graphql(query, {"id": "gid://shopify/FulfillmentOrder/5", **variables})
    (payload,) = answer["data"].values()
    assert [(each["field"], each["code"]) for each in payload["userErrors"]] == [
        (field, "FULFILLMENT_ORDER_NOT_FOUND")
    ]
