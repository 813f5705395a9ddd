"""Taxes of orders: in the prices and on top of them, of lines and of the shipping."""

import json

import pytest

from sandbox.buying import again, buy, gid, plan, product

VAT = {"title": "VAT", "rate": "0.2"}
READ = """query ($id: ID!) { order(id: $id) {
  taxesIncluded taxLines { title rate ratePercentage priceSet { ...Bag } }
  currentTaxLines { priceSet { ...Bag } }
  subtotalPriceSet { ...Bag } totalTaxSet { ...Bag } currentTotalTaxSet { ...Bag }
  totalPriceSet { ...Bag } currentTotalPriceSet { ...Bag } totalOutstandingSet { ...Bag }
  currentShippingPriceSet { ...Bag } totalRefundedShippingSet { ...Bag }
  shippingLine { originalPriceSet { ...Bag } taxLines { priceSet { ...Bag } } }
  shippingLines(first: 5) { nodes { title currentDiscountedPriceSet { ...Bag } } }
  lineItems(first: 9) { nodes { taxable taxLines { title rate priceSet { ...Bag } }
    discountedTotalSet { ...Bag } priceAfterAllDiscountsBeforeTaxesSet { ...Bag } } }
  refunds { totalRefundedSet { ...Bag }
    refundLineItems(first: 9) { nodes { priceSet { ...Bag } subtotalSet { ...Bag }
      totalTaxSet { ...Bag } } }
    refundShippingLines(first: 9) { nodes { subtotalAmountSet { ...Bag }
      taxAmountSet { ...Bag } shippingLine { title } } }
    orderAdjustments(first: 9) { nodes { amountSet { ...Bag } reason } } } } }
fragment Bag on MoneyBag { shopMoney { amount } }"""
SUGGEST = """query ($id: ID!, $lines: [RefundLineItemInput!], $shipping: Boolean, $full: Boolean,
    $amount: Money) {
  order(id: $id) { suggestedRefund(refundLineItems: $lines, refundShipping: $shipping,
      suggestFullRefund: $full, shippingAmount: $amount) {
    amountSet { ...Bag } subtotalSet { ...Bag } totalTaxSet { ...Bag }
    maximumRefundableSet { ...Bag }
    shipping { amountSet { ...Bag } taxSet { ...Bag } maximumRefundableSet { ...Bag } }
    refundLineItems { quantity subtotalSet { ...Bag } totalTaxSet { ...Bag } }
    suggestedTransactions { kind gateway amountSet { ...Bag } parentTransaction { id } } } } }
fragment Bag on MoneyBag { shopMoney { amount } }"""
REFUND = """mutation ($input: RefundInput!) { refundCreate(input: $input) @idempotent(key: "k") {
  refund { totalRefundedSet { shopMoney { amount } } } userErrors { field message } } }"""


def plain(value):
    """Write every bag as its amount in the shop's currency."""
    if isinstance(value, dict):
        if set(value) == {"shopMoney"}:
            return value["shopMoney"]["amount"]
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


async def read(site, order):
    return plain(await site.graphql(READ, {"id": gid("Order", order["id"])}))["data"]["order"]


async def suggested(site, order, *rows, **more):
    lines = [{"lineItemId": gid("LineItem", line["id"]), "quantity": n} for line, n in rows]
    variables = {"id": gid("Order", order["id"]), "lines": lines, **more}
    answer = await site.graphql(SUGGEST, variables)
    return plain(answer)["data"]["order"]["suggestedRefund"]


async def mixed_order(site, **facts):
    """Place an order of a preorder of 100 with a deposit of 20 %, and of 50 paid at once."""
    later, now = await product(site, "100"), await product(site, "50")
    plan_id = await plan(site, later)
    return await buy(site, (later, {"plan_id": plan_id}), (now, {}), taxes=[VAT], **facts)


async def test_tax_on_top_is_charged_with_what_it_is_on(site):
    order = await mixed_order(site, shipping="10")
    # The deposit of 20 and its tax of 4, 50 with 10, and the shipping of 10 with 2.
    assert (order["total"], order["tax"]) == ("192.00", "32.00")
    assert (order["received"], order["outstanding"]) == ("96.00", "96.00")
    assert order["schedules"][0]["balance"] == "96.00"
    assert [each["due_at_checkout"] for each in order["lines"]] == ["24.00", "60.00"]
    found = await read(site, order)
    assert found["taxesIncluded"] is False
    (tax,) = found["taxLines"]
    assert tax == {"title": "VAT", "rate": 0.2, "ratePercentage": 20.0, "priceSet": "32.0"}
    assert (found["subtotalPriceSet"], found["totalPriceSet"]) == ("150.0", "192.0")
    assert found["shippingLine"]["taxLines"] == [{"priceSet": "2.0"}]
    first = found["lineItems"]["nodes"][0]
    assert (first["discountedTotalSet"], first["taxLines"][0]["priceSet"]) == ("100.0", "20.0")


async def test_an_included_tax_changes_no_price(site):
    order = await mixed_order(site, shipping="12", taxes_included=True)
    assert (order["total"], order["tax"]) == ("162.00", "27.00")
    assert (order["received"], order["outstanding"]) == ("82.00", "80.00")
    found = await read(site, order)
    assert found["taxesIncluded"] is True
    assert (found["subtotalPriceSet"], found["totalTaxSet"]) == ("150.0", "27.0")
    first = found["lineItems"]["nodes"][0]
    assert first["taxLines"] == [{"title": "VAT", "rate": 0.2, "priceSet": "16.67"}]
    assert first["priceAfterAllDiscountsBeforeTaxesSet"] == "83.33"


async def test_lines_and_shipping_may_have_taxes_of_their_own(site):
    tea, cup = await product(site, "10"), await product(site, "10")
    order = await buy(
        site,
        (tea, {"taxes": [{"title": "Reduced", "rate": 0.07}]}),
        (cup, {"taxes": []}),
        (cup, {}),
        taxes=[{"title": "State", "rate": "0.0625"}, {"title": "City", "rate": "0.015"}],
        shipping="5",
        shipping_taxes=[],
    )
    found = await read(site, order)
    taxes = {each["title"]: each["priceSet"] for each in found["taxLines"]}
    assert taxes == {"Reduced": "0.7", "State": "0.63", "City": "0.15"}
    assert order["total"] == "36.48"
    tea.taxable = False
    untaxed = await buy(site, (tea, {}), taxes=[VAT])
    assert (untaxed["tax"], untaxed["total"]) == ("0.00", "10.00")


async def test_a_line_gives_back_its_tax_and_its_share_of_the_discount(site):
    tea = await product(site, "10")
    order = await buy(site, (tea, {"quantity": 3, "discount": "1"}), taxes=[VAT])
    assert order["total"] == "34.80"
    paid_back = []
    for _ in range(3):
        line = order["lines"][0]
        offered = await suggested(site, order, (line, 1))
        body = {"lines": [{"id": line["id"], "quantity": 1}]}
        order = await site.control("POST", f"orders/{order['id']}/refund", body)
        assert float(offered["amountSet"]) == float(order["refunds"][-1]["amount"])
        paid_back.append(order["refunds"][-1]["amount"])
    assert paid_back == ["11.60", "11.60", "11.60"]
    assert (order["current_total"], order["current_tax"]) == ("0.00", "0.00")
    assert order["received"] == order["refunded"]
    found = await read(site, order)
    rows = [each["refundLineItems"]["nodes"][0] for each in found["refunds"]]
    assert [each["subtotalSet"] for each in rows] == ["9.67", "9.66", "9.67"]
    assert [each["totalTaxSet"] for each in rows] == ["1.93", "1.94", "1.93"]


async def test_shipping_is_given_back_with_its_tax(site):
    order = await mixed_order(site, shipping="10")
    offered = await suggested(site, order, amount="4")
    assert offered["shipping"] == {
        "amountSet": "4.0",
        "taxSet": "0.8",
        "maximumRefundableSet": "10.0",
    }
    # What is outstanding goes first, so no money is paid back for it.
    assert offered["amountSet"] == "0.0"
    answer = await site.graphql(
        REFUND, {"input": {"orderId": gid("Order", order["id"]), "shipping": {"amount": "4"}}}
    )
    assert answer["data"]["refundCreate"]["userErrors"] == []
    after = await again(site, order)
    assert (after["current_total"], after["outstanding"]) == ("187.20", "91.20")
    assert (after["current_shipping"], after["schedules"][0]["balance"]) == ("6.00", "91.20")
    found = await read(site, order)
    assert found["totalRefundedShippingSet"] == "4.0"
    assert found["refunds"][0]["refundShippingLines"]["nodes"] == [
        {
            "subtotalAmountSet": "4.0",
            "taxAmountSet": "0.8",
            "shippingLine": {"title": "Standard"},
        }
    ]
    for wrong in ({"amount": "6.01"}, {"amount": "-1"}):
        variables = {"input": {"orderId": gid("Order", order["id"]), "shipping": wrong}}
        answer = await site.graphql(REFUND.replace('"k"', f'"{wrong}"'), variables)
        assert answer["data"]["refundCreate"]["userErrors"][0]["field"] == ["shipping"]


async def test_a_full_refund_pays_back_all_that_was_paid(site):
    order = await mixed_order(site, shipping="10")
    await site.control("POST", f"orders/{order['id']}/pay")
    offered = await suggested(site, order, full=True)
    assert (offered["amountSet"], offered["maximumRefundableSet"]) == ("192.0", "192.0")
    assert (offered["subtotalSet"], offered["totalTaxSet"]) == ("150.0", "32.0")
    parts = offered["suggestedTransactions"]
    assert [each["amountSet"] for each in parts] == ["96.0", "96.0"]
    body = {"lines": [{"id": each["id"]} for each in order["lines"]], "shipping": "10"}
    after = await site.control("POST", f"orders/{order['id']}/refund", body)
    assert (after["refunded"], after["financial_status"]) == ("192.00", "REFUNDED")
    assert (await read(site, order))["currentTaxLines"] == [{"priceSet": "0.0"}]


async def test_a_preorder_that_is_taken_back_leaves_the_rest_of_the_order(site):
    order = await mixed_order(site)
    line = order["lines"][0]
    assert (await suggested(site, order, (line, 1)))["amountSet"] == "24.0"
    body = {"lines": [{"id": line["id"]}]}
    after = await site.control("POST", f"orders/{order['id']}/refund", body)
    assert (after["refunded"], after["current_total"], after["outstanding"]) == (
        "24.00",
        "60.00",
        "0.00",
    )


async def test_money_beyond_the_lines_is_an_adjustment(site):
    order = await mixed_order(site)
    await site.control("POST", f"orders/{order['id']}/refund", {"amount": "5"})
    (made,) = (await read(site, order))["refunds"]
    assert made["orderAdjustments"]["nodes"] == [
        {"amountSet": "-5.0", "reason": "REFUND_DISCREPANCY"}
    ]


async def test_webhooks_tell_the_taxes(site, receiver):
    await site.subscribe(receiver.uri, "ORDERS_CREATE", "REFUNDS_CREATE")
    order = await mixed_order(site, shipping="10")
    line = order["lines"][0]
    body = {"lines": [{"id": line["id"]}], "shipping": "10"}
    await site.control("POST", f"orders/{order['id']}/refund", body)
    await site.idle()
    told = {h["X-Shopify-Topic"]: json.loads(text) for h, text in receiver.taken}
    created, made = told["orders/create"], told["refunds/create"]
    assert (created["taxes_included"], created["total_tax"]) == (False, "32.00")
    assert (created["subtotal_price"], created["total_price"]) == ("150.00", "192.00")
    (tax,) = created["tax_lines"]
    assert (tax["title"], tax["rate"], tax["price"]) == ("VAT", 0.2, "32.00")
    assert created["line_items"][0]["tax_lines"][0]["price"] == "20.00"
    (shipping,) = created["shipping_lines"]
    assert (shipping["price"], shipping["tax_lines"][0]["price"]) == ("10.00", "2.00")
    row = made["refund_line_items"][0]
    assert (row["subtotal"], row["total_tax"]) == (100.0, 20.0)
    assert row["total_tax_set"]["shop_money"]["amount"] == "20.00"
    (given_back,) = made["refund_shipping_lines"]
    assert given_back["tax_amount_set"]["shop_money"]["amount"] == "2.00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"taxes": [{"rate": "0"}]},
        {"taxes": [{"rate": "much"}]},
        {"taxes": [{"title": "VAT"}]},
        {"taxes_included": "yes"},
    ],
)
async def test_a_tax_that_makes_no_sense_is_refused(site, wrong):
    tea = await product(site, "10")
    await buy(site, (tea, {}), status=422, **wrong)


@pytest.mark.parametrize("number", ["1e40", "1e999999", "-1e40", "NaN", "Infinity"])
async def test_numbers_that_nobody_means_are_refused(site, number):
    line = {"variant_id": (await product(site, "10")).id}
    for body in (
        {"lines": [line], "taxes": [{"rate": number}]},
        {"lines": [line], "shipping": number},
        {"lines": [line], "presentment": {"currency": "EUR", "rate": number}},
    ):
        await site.control("POST", "orders", body, status=422)
