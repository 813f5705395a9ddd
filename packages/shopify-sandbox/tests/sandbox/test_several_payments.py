"""Orders that are paid in parts: by gift card, by authorization and captures, bit by bit."""

import json

import pytest

from sandbox.buying import again, buy, charge, gid, plan, product

SCHEDULES = """query ($id: ID!) { order(id: $id) { paymentTerms { paymentSchedules(first: 9) {
  nodes { balanceDue { amount } totalBalance { amount } completedAt } } } } }"""
READ = """query ($id: ID!) { order(id: $id) {
  capturable displayFinancialStatus paymentGatewayNames
  totalCapturableSet { shopMoney { amount } } totalReceivedSet { shopMoney { amount } }
  totalOutstandingSet { shopMoney { amount } }
  transactions { id kind gateway manuallyCapturable amountSet { shopMoney { amount } }
    parentTransaction { id } }
  refunds { transactions(first: 9) { nodes { gateway amountSet { shopMoney { amount } } } } } } }"""


async def deposit(site, **facts):
    """Place an order of 100 with a deposit of 20 %, and of 50 paid at once."""
    later, now = await product(site, "100"), await product(site, "50")
    plan_id = await plan(site, later)
    return await buy(site, (later, {"plan_id": plan_id}), (now, {}), **facts)


async def read(site, order):
    return (await site.graphql(READ, {"id": gid("Order", order["id"])}))["data"]["order"]


async def left(site, order):
    """Return what an order's schedules state; both amounts are what remains, in Shopify's words."""
    told = await site.graphql(SCHEDULES, {"id": gid("Order", order["id"])})
    schedules = told["data"]["order"]["paymentTerms"]["paymentSchedules"]["nodes"]
    return [(each["balanceDue"]["amount"], each["totalBalance"]["amount"]) for each in schedules]


def parts(order):
    return [(each["kind"], each["gateway"], each["amount"]) for each in order["transactions"]]


async def test_a_gift_card_pays_first_and_the_card_the_rest(site, receiver):
    await site.subscribe(receiver.uri, "ORDERS_CREATE", "ORDER_TRANSACTIONS_CREATE")
    order = await deposit(site, gift_card="30")
    assert parts(order) == [
        ("SALE", "gift_card", "30.00"),
        ("SALE", "shopify_payments", "40.00"),
    ]
    assert (order["received"], order["outstanding"]) == ("70.00", "80.00")
    assert (await read(site, order))["paymentGatewayNames"] == ["gift_card", "shopify_payments"]
    await site.idle()
    assert receiver.topics().count("order_transactions/create") == 2
    await charge(site, order)
    await site.idle()
    back = await site.control("POST", f"orders/{order['id']}/refund", {"amount": "140"})
    assert parts(back)[3:] == [
        ("REFUND", "shopify_payments", "80.00"),
        ("REFUND", "shopify_payments", "40.00"),
        ("REFUND", "gift_card", "20.00"),
    ]
    (made,) = (await read(site, order))["refunds"]
    assert [each["gateway"] for each in made["transactions"]["nodes"]].count("gift_card") == 1


async def test_a_gift_card_may_pay_all_that_is_due(site):
    order = await deposit(site, gift_card="500")
    assert parts(order) == [("SALE", "gift_card", "70.00")]
    assert [each["card"] for each in order["cards"]] == ["works"]


async def test_what_is_authorized_is_captured_in_parts(site, receiver):
    order = await deposit(site, capture="manual")
    assert (order["received"], order["authorized"]) == ("0.00", "70.00")
    assert (order["outstanding"], order["financial_status"]) == ("150.00", "AUTHORIZED")
    assert order["schedules"][0]["balance"] == "80.00"
    found = await read(site, order)
    assert (found["capturable"], found["totalCapturableSet"]["shopMoney"]["amount"]) == (
        True,
        "70.0",
    )
    assert found["transactions"][0]["manuallyCapturable"] is True
    await site.subscribe(receiver.uri, "ORDER_TRANSACTIONS_CREATE")
    route = f"orders/{order['id']}/capture"
    part = await site.control("POST", route, {"amount": "25"})
    assert (part["received"], part["authorized"]) == ("25.00", "45.00")
    assert part["financial_status"] == "PARTIALLY_PAID"
    await site.control("POST", route, {"amount": "45.01"}, status=422)
    whole = await site.control("POST", route)
    assert (whole["received"], whole["outstanding"]) == ("70.00", "80.00")
    assert whole["schedules"][0]["balance"] == "80.00"
    await site.control("POST", route, status=422)
    found = await read(site, order)
    authorization, *captures = found["transactions"]
    assert [each["kind"] for each in captures] == ["CAPTURE", "CAPTURE"]
    assert {each["parentTransaction"]["id"] for each in captures} == {authorization["id"]}
    await site.idle()
    kinds = [json.loads(text)["kind"] for _, text in receiver.taken]
    assert kinds == ["capture", "capture"]
    await charge(site, order)
    await site.idle()
    assert (await again(site, order))["financial_status"] == "PAID"


async def test_a_capture_is_paid_back_and_an_authorization_is_not(site):
    order = await deposit(site, capture="manual")
    body = {"amount": "1"}
    await site.control("POST", f"orders/{order['id']}/refund", body, status=422)
    await site.control("POST", f"orders/{order['id']}/capture", {"amount": "25"})
    after = await site.control("POST", f"orders/{order['id']}/refund", body)
    assert parts(after)[-1] == ("REFUND", "shopify_payments", "1.00")
    assert after["transactions"][-1]["parent_id"] == after["transactions"][1]["id"]


async def test_a_cancellation_voids_what_was_not_captured(site):
    order = await deposit(site, capture="manual")
    await site.control("POST", f"orders/{order['id']}/capture", {"amount": "25"})
    after = await site.control("POST", f"orders/{order['id']}/cancel")
    assert [each["kind"] for each in after["transactions"]] == [
        "AUTHORIZATION",
        "CAPTURE",
        "VOID",
        "REFUND",
    ]
    assert (after["authorized"], after["refunded"]) == ("0.00", "25.00")


async def test_a_balance_may_be_paid_bit_by_bit(site):
    order = await deposit(site)
    route = f"orders/{order['id']}/pay"
    part = await site.control("POST", route, {"amount": "30"})
    assert (part["outstanding"], part["schedules"][0]["balance"]) == ("50.00", "50.00")
    assert await left(site, order) == [("50.0", "50.0")]
    assert part["schedules"][0]["completed_at"] is None
    for wrong in ("50.01", "0"):
        await site.control("POST", route, {"amount": wrong}, status=422)
    await charge(site, order)
    await site.idle()
    after = await again(site, order)
    assert [each["amount"] for each in after["transactions"]] == ["70.00", "30.00", "50.00"]
    assert (after["financial_status"], after["schedules"][0]["total"]) == ("PAID", "80.00")
    assert await left(site, order) == [("0.0", "0.0")]


async def test_several_refunds_leave_what_is_left_of_each_payment(site):
    order = await deposit(site)
    await site.control("POST", f"orders/{order['id']}/pay")
    for amount in ("60", "60"):
        after = await site.control("POST", f"orders/{order['id']}/refund", {"amount": amount})
    sales = [each["id"] for each in after["transactions"][:2]]
    refunds = [(each["parent_id"], each["amount"]) for each in after["transactions"][2:]]
    assert refunds == [(sales[1], "60.00"), (sales[1], "20.00"), (sales[0], "40.00")]


@pytest.mark.parametrize("wrong", [{"gift_card": "-1"}, {"capture": "never"}])
async def test_a_payment_that_makes_no_sense_is_refused(site, wrong):
    variant = await product(site, "10")
    await buy(site, (variant, {}), status=422, **wrong)
