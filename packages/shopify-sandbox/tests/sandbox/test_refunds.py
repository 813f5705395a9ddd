"""Refunds and cancellations by the Admin API."""

import json

import httpx
import pytest

from sandbox.buying import again, buy, charge, deposit_order, gid, variant_with

REFUND = """mutation ($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id note totalRefundedSet { shopMoney { amount } }
      refundLineItems(first: 9) { nodes { quantity restockType lineItem { id } } }
      transactions(first: 9) { nodes { kind status gateway parentTransaction { id } } } }
    order { displayFinancialStatus } userErrors { field message } } }"""
CANCEL = """mutation ($id: ID!, $refund: OrderCancelRefundMethodInput, $restock: Boolean!) {
  orderCancel(orderId: $id, reason: CUSTOMER, refundMethod: $refund, restock: $restock) {
    job { id done } orderCancelUserErrors { field message code } } }"""


def part(order, amount, *, payment=0, changed=()):
    made = {
        "amount": amount,
        "gateway": "shopify_payments",
        "kind": "REFUND",
        "orderId": gid("Order", order["id"]),
        "parentId": gid("OrderTransaction", order["transactions"][payment]["id"]),
    }
    return made | dict(changed)


async def refund(site, order, *parts, key="key", lines=(), **other):
    variables = {
        "input": {
            "orderId": gid("Order", order["id"]),
            "transactions": list(parts),
            "refundLineItems": list(lines),
            **other,
        },
        "key": key,
    }
    return (await site.graphql(REFUND, variables))["data"]["refundCreate"]


async def paid_order(site, **facts):
    order = await deposit_order(site, **facts)
    await charge(site, order)
    await site.idle()
    return await again(site, order)


async def cancel(site, order, *, pay_back, restock=True):
    variables = {
        "id": gid("Order", order["id"]),
        "refund": {"originalPaymentMethodsRefund": pay_back},
        "restock": restock,
    }
    return (await site.graphql(CANCEL, variables))["data"]["orderCancel"]


async def test_a_refund_of_the_deposit_leaves_what_is_outstanding(site):
    order = await deposit_order(site)
    made = await refund(site, order, part(order, "219.98"), note="Sorry")
    assert made["userErrors"] == []
    assert made["refund"]["totalRefundedSet"]["shopMoney"]["amount"] == "219.98"
    assert made["refund"]["note"] == "Sorry"
    assert made["refund"]["transactions"]["nodes"][0]["kind"] == "REFUND"
    assert made["order"]["displayFinancialStatus"] == "REFUNDED"
    after = await again(site, order)
    assert (after["refunded"], after["outstanding"]) == ("219.98", order["outstanding"])
    assert after["current_total"] == "879.92"
    assert after["schedules"] == order["schedules"]


async def test_the_same_key_pays_back_once_and_another_request_with_it_is_refused(site):
    order = await paid_order(site)
    first = await refund(site, order, part(order, "100", payment=1))
    second = await refund(site, order, part(order, "100", payment=1))
    assert first["refund"]["id"] == second["refund"]["id"]
    other = await refund(site, order, part(order, "50", payment=1))
    assert "different operation parameters" in other["userErrors"][0]["message"]
    assert (await again(site, order))["refunded"] == "100.00"


async def test_a_refund_whose_answer_is_lost_is_found_by_its_key(site):
    order = await deposit_order(site)
    fault = {"fault": "lose", "operation": "RefundIt"}
    await site.control("POST", "faults", fault)
    # Another operation is not what the fault waits for.
    assert (await again(site, order))["refunds"] == []
    assert (await refund(site, order, key="other"))["userErrors"]
    named = REFUND.replace("mutation (", "mutation RefundIt(")
    given = {"orderId": gid("Order", order["id"]), "transactions": [part(order, "10")]}
    with pytest.raises(httpx.RemoteProtocolError):
        await site.graphql(named, {"input": given, "key": "key"})
    assert (await again(site, order))["refunded"] == "10.00"
    answer = await site.graphql(named, {"input": given, "key": "key"})
    assert answer["data"]["refundCreate"]["userErrors"] == []
    assert (await again(site, order))["refunded"] == "10.00"


async def test_a_refund_without_a_key_is_a_bad_request(site):
    order = await deposit_order(site)
    mutation = """mutation ($input: RefundInput!) { refundCreate(input: $input) {
      refund { id } userErrors { message } } }"""
    given = {"orderId": gid("Order", order["id"]), "transactions": [part(order, "1")]}
    answer = await site.graphql(mutation, {"input": given})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert (await again(site, order))["refunds"] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": "219.99"}, "is greater than the 219.98 that is left"),
        ({"amount": "0"}, "positive amount"),
        ({"amount": "1.005"}, "positive amount"),
        ({"amount": "much"}, "not a number"),
        ({"kind": "AUTHORIZATION"}, "Kind authorization is not a valid transaction"),
        ({"parentId": gid("OrderTransaction", 9)}, "require a parent_id associated"),
    ],
)
async def test_what_cannot_be_refunded_is_refused_and_moves_nothing(site, change, message):
    order = await deposit_order(site)
    made = await refund(site, order, part(order, "1", changed=change))
    assert made["refund"] is None
    assert message in made["userErrors"][0]["message"]
    assert await again(site, order) == order


async def test_what_is_left_of_a_payment_counts_over_all_refunds(site):
    order = await deposit_order(site)
    both = (part(order, "110"), part(order, "110"))
    assert (await refund(site, order, *both, key="a"))["userErrors"]
    assert (await refund(site, order, part(order, "200"), key="b"))["userErrors"] == []
    assert (await refund(site, order, part(order, "19.99"), key="c"))["userErrors"]
    assert (await refund(site, order, part(order, "19.98"), key="d"))["userErrors"] == []


async def test_a_declined_charge_cannot_be_refunded(site):
    order = await paid_order(site, card="declines")
    made = await refund(site, order, part(order, "1", payment=1))
    assert "parent_id" in made["userErrors"][0]["message"]


async def test_lines_are_refunded_and_restocked(site):
    variant = variant_with(site)
    order = await paid_order(site)
    before = variant.inventory_quantity
    line = {"lineItemId": gid("LineItem", order["lines"][0]["id"]), "quantity": 1}
    for wrong in ({"quantity": 3}, {"quantity": 0}, {"lineItemId": gid("LineItem", 9)}):
        assert (await refund(site, order, key=str(wrong), lines=[line | wrong]))["userErrors"]
    made = await refund(
        site,
        order,
        part(order, "549.95", payment=1),
        lines=[line | {"restockType": "CANCEL"}],
    )
    assert made["refund"]["refundLineItems"]["nodes"][0]["restockType"] == "CANCEL"
    assert made["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    after = await again(site, order)
    assert after["lines"][0]["current_quantity"] == 1
    assert (after["current_total"], after["outstanding"]) == ("549.95", "0.00")
    assert variant.inventory_quantity == before + 1
    assert [each.remaining for each in site.shop().fulfillment_orders.values()] == [1]


async def test_a_refund_is_told_of(site, receiver):
    order = await deposit_order(site)
    topics = ("REFUNDS_CREATE", "ORDER_TRANSACTIONS_CREATE", "ORDERS_UPDATED")
    await site.subscribe(receiver.uri, *topics)
    await refund(site, order, part(order, "10"))
    await site.idle()
    told = {h["X-Shopify-Topic"]: json.loads(body) for h, body in receiver.taken}
    assert set(told) == {"refunds/create", "order_transactions/create", "orders/updated"}
    assert told["refunds/create"]["order_id"] == order["id"]
    assert told["refunds/create"]["transactions"][0]["amount"] == "10.00"
    assert told["orders/updated"]["financial_status"] == "partially_refunded"


async def test_an_order_is_cancelled_later_without_paying_back(site, receiver):
    await site.control("PATCH", "charges", {"polls": 1})
    variant = variant_with(site)
    before = variant.inventory_quantity
    order = await deposit_order(site)
    await site.subscribe(receiver.uri, "ORDERS_CANCELLED")
    begun = await cancel(site, order, pay_back=False)
    assert begun["orderCancelUserErrors"] == []
    assert (await again(site, order))["cancelled_at"] is None
    done = await site.graphql("query ($id: ID!) { job(id: $id) { done } }", begun["job"])
    assert done["data"]["job"]["done"] is True
    after = await again(site, order)
    assert after["cancelled_at"] is not None
    assert after["cancel_reason"] == "CUSTOMER"
    assert (after["received"], after["refunded"]) == (order["received"], "0.00")
    assert (after["outstanding"], after["current_total"]) == ("0.00", "0.00")
    assert after["financial_status"] == "PARTIALLY_PAID"
    assert variant.inventory_quantity == before
    assert {each["status"] for each in after["fulfillment_orders"]} <= {"CLOSED", "CANCELLED"}
    await site.idle()
    assert json.loads(receiver.taken[0][1])["cancel_reason"] == "customer"


async def test_a_cancellation_pays_everything_back_when_asked(site):
    order = await paid_order(site)
    variant = variant_with(site, at_least=1)
    before = variant.inventory_quantity
    assert (await refund(site, order, part(order, "19.98")))["userErrors"] == []
    await cancel(site, order, pay_back=True, restock=False)
    await site.idle()
    after = await again(site, order)
    assert (after["refunded"], after["financial_status"]) == (order["total"], "REFUNDED")
    assert variant.inventory_quantity == before


async def test_what_is_cancelled_or_sent_is_not_cancelled(site):
    order = await deposit_order(site)
    await site.control("POST", f"orders/{order['id']}/cancel")
    once = await again(site, order)
    refused = await cancel(site, order, pay_back=True)
    assert refused["job"] is None
    assert refused["orderCancelUserErrors"][0]["code"] == "INVALID"
    assert await again(site, order) == once
    sent = await buy(site, (variant_with(site), {}))
    await site.control("POST", f"orders/{sent['id']}/fulfill")
    assert (await cancel(site, sent, pay_back=True))["orderCancelUserErrors"]
    assert (await cancel(site, {"id": 1}, pay_back=True))["orderCancelUserErrors"][0]["code"] == (
        "NOT_FOUND"
    )
