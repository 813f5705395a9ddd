"""Orders that are paid in another currency than the shop's."""

import json
from decimal import Decimal

import pytest

from sandbox.buying import again, buy, charge, gid, plan, product
from sandbox.site import NORTHWIND
from shopify_sandbox.money import Exchange

EUROS = {"currency": "EUR", "rate": "0.9"}
READ = """query ($id: ID!) { order(id: $id) {
  currencyCode presentmentCurrencyCode
  originalTotalPriceSet { ...Bag } totalReceivedSet { ...Bag } totalOutstandingSet { ...Bag }
  netPaymentSet { ...Bag } totalRefundedSet { ...Bag } totalTaxSet { ...Bag }
  lineItems(first: 5) { nodes { originalUnitPriceSet { ...Bag } } }
  paymentTerms { paymentSchedules(first: 5) { nodes {
    amount { amount currencyCode } balanceDue { amount currencyCode }
    totalBalance { amount currencyCode } } } }
  transactions { kind amountSet { ...Bag } } } }
fragment Bag on MoneyBag { shopMoney { amount currencyCode }
  presentmentMoney { amount currencyCode } }"""
REFUND = """mutation ($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { totalRefundedSet { shopMoney { amount } presentmentMoney { amount } } }
    userErrors { field message } } }"""


def bags(value):
    """Write every bag as a pair of texts, the shop's first."""
    if isinstance(value, dict):
        if set(value) == {"shopMoney", "presentmentMoney"}:
            return tuple(bags(value[name]) for name in ("shopMoney", "presentmentMoney"))
        if set(value) == {"amount", "currencyCode"}:
            return f"{value['amount']} {value['currencyCode']}"
        return {key: bags(each) for key, each in value.items()}
    return [bags(each) for each in value] if isinstance(value, list) else value


async def read(site, order, **options):
    answer = await site.graphql(READ, {"id": gid("Order", order["id"])}, **options)
    return bags(answer)["data"]["order"]


async def deposit(site, price, presentment, *, percentage=20, domain=None, **facts):
    options = {"domain": domain} if domain else {}
    variant = await product(site, price, **options)
    plan_id = await plan(site, variant, percentage=percentage, **options)
    return await buy(
        site, (variant, {"plan_id": plan_id}), presentment=presentment, **facts, **options
    )


@pytest.mark.parametrize(
    ("exchange", "price", "expected"),
    [
        (Exchange("USD", "EUR", Decimal("0.9")), "19.99", "17.99"),
        (Exchange("USD", "EUR", Decimal("0.9"), Decimal("0.95")), "19.99", "18.95"),
        (Exchange("USD", "EUR", Decimal("0.9"), Decimal("0.95")), "20.50", "18.95"),
        (Exchange("USD", "EUR", Decimal("0.9"), Decimal("0.95")), "0", "0.00"),
        (Exchange("USD", "JPY", Decimal(147)), "19.99", "2939"),
        (Exchange("USD", "JPY", Decimal(147), Decimal(100)), "19.99", "3000"),
        (Exchange("USD", "KWD", Decimal("0.307")), "19.99", "6.137"),
        (Exchange("USD", "CHF", Decimal("0.8"), Decimal(1)), "20", "16.00"),
    ],
)
def test_prices_are_converted_and_only_ever_raised(exchange, price, expected):
    assert str(exchange.price(Decimal(price))) == expected


async def test_every_amount_is_told_in_both_currencies(site):
    order = await deposit(site, "99.99", EUROS, taxes=[{"rate": "0.1"}], shipping="5")
    assert (order["currency"], order["shop_currency"], order["rate"]) == ("EUR", "USD", "0.9")
    # 89.99 with 9.00 tax, of which a fifth is due, and the shipping of 5 with 0.50.
    assert (order["total"], order["received"], order["outstanding"]) == (
        "104.49",
        "25.30",
        "79.19",
    )
    found = await read(site, order)
    assert (found["currencyCode"], found["presentmentCurrencyCode"]) == ("USD", "EUR")
    line = found["lineItems"]["nodes"][0]
    assert line["originalUnitPriceSet"] == ("99.99 USD", "89.99 EUR")
    assert found["originalTotalPriceSet"] == ("116.1 USD", "104.49 EUR")
    assert found["totalReceivedSet"] == ("28.11 USD", "25.3 EUR")
    assert found["totalOutstandingSet"] == ("87.99 USD", "79.19 EUR")
    assert found["transactions"] == [
        {"kind": "SALE", "amountSet": ("28.11 USD", "25.3 EUR")},
    ]


async def test_schedules_are_told_in_the_shoppers_currency_alone(site):
    order = await deposit(site, "42.50", {"currency": "CAD", "rate": "1.3412"})
    (schedule,) = (await read(site, order))["paymentTerms"]["paymentSchedules"]["nodes"]
    assert schedule == dict.fromkeys(("amount", "balanceDue", "totalBalance"), "45.6 CAD")


async def test_the_parts_of_a_payment_are_rounded_by_themselves(site):
    order = await deposit(site, "10.01", {"currency": "JPY", "rate": "151"})
    assert (order["received"], order["outstanding"]) == ("302", "1210")
    await charge(site, order)
    await site.idle()
    found = await read(site, order)
    assert found["totalOutstandingSet"] == ("0.0 USD", "0.0 JPY")
    assert [each["amountSet"] for each in found["transactions"]] == [
        ("2.0 USD", "302.0 JPY"),
        ("8.01 USD", "1210.0 JPY"),
    ]
    assert (await again(site, order))["transactions"][1]["shop_amount"] == "8.01"


async def test_some_parts_in_the_shops_currency_do_not_add_up(site):
    off = 0
    for cents in range(1000, 1020):
        order = await deposit(site, f"{cents / 100:.2f}", EUROS, percentage=33)
        paid = await site.control("POST", f"orders/{order['id']}/pay")
        parts = sum(Decimal(each["shop_amount"]) for each in paid["transactions"])
        total = (await read(site, order))["originalTotalPriceSet"][0]
        off += parts != Decimal(total.split()[0])
    assert 0 < off < 20


async def test_three_decimals_and_a_rounded_price(site):
    dinars = {"currency": "KWD", "rate": "0.307", "rounding": "0.95"}
    order = await deposit(site, "19.99", dinars)
    assert (order["total"], order["received"]) == ("6.950", "1.390")
    found = await read(site, order)
    assert found["originalTotalPriceSet"] == ("22.64 USD", "6.95 KWD")


async def test_a_deposit_of_an_amount_is_converted(site):
    variant = await product(site, "100")
    plan_id = await plan(site, variant, amount="30.00")
    order = await buy(site, (variant, {"plan_id": plan_id, "quantity": 2}), presentment=EUROS)
    assert order["lines"][0]["due_at_checkout"] == order["received"] == "54.00"


async def test_a_charge_and_a_refund_name_the_shoppers_currency(site):
    order = await deposit(site, "100", {"currency": "USD", "rate": "1.1"}, domain=NORTHWIND)
    for currency, refused in (("EUR", True), ("USD", False)):
        amount = {"amount": "8.00", "currencyCode": currency}
        made = await charge(site, order, currency, amount=amount, schedule=None, domain=NORTHWIND)
        assert bool(made["userErrors"]) is refused
    await site.idle()
    order = await again(site, order, domain=NORTHWIND)
    assert (order["received"], order["transactions"][1]["shop_amount"]) == ("30.00", "7.27")
    part = {
        "amount": "8.00",
        "gateway": "shopify_payments",
        "kind": "REFUND",
        "orderId": gid("Order", order["id"]),
        "parentId": gid("OrderTransaction", order["transactions"][1]["id"]),
    }
    for number, (currency, field) in enumerate(
        [(None, "currency"), ("EUR", "currency"), ("USD", None)]
    ):
        variables = {
            "input": {
                "orderId": gid("Order", order["id"]),
                "currency": currency,
                "transactions": [part],
            },
            "key": f"key {number}",
        }
        answer = await site.graphql(REFUND, variables, domain=NORTHWIND)
        problems = answer["data"]["refundCreate"]["userErrors"]
        assert [each["field"] for each in problems] == ([[field]] if field else [])
    found = await read(site, order, domain=NORTHWIND)
    assert found["totalRefundedSet"] == ("7.27 EUR", "8.0 USD")


async def test_webhooks_tell_both_currencies(site, receiver):
    topics = ("ORDERS_CREATE", "ORDER_TRANSACTIONS_CREATE", "PAYMENT_SCHEDULES_DUE")
    await site.subscribe(receiver.uri, *topics)
    order = await deposit(site, "100", EUROS)
    await site.control("POST", f"orders/{order['id']}/due")
    await site.idle()
    told = {h["X-Shopify-Topic"]: json.loads(text) for h, text in receiver.taken}
    made = told["orders/create"]
    assert (made["currency"], made["presentment_currency"]) == ("USD", "EUR")
    assert (made["total_price"], made["total_outstanding"]) == ("100.00", "80.00")
    assert made["total_price_set"] == {
        "shop_money": {"amount": "100.00", "currency_code": "USD"},
        "presentment_money": {"amount": "90.00", "currency_code": "EUR"},
    }
    (schedule,) = made["payment_terms"]["payment_schedules"]
    assert (schedule["amount"], schedule["currency"]) == ("72.00", "EUR")
    payment = told["order_transactions/create"]
    assert (payment["amount"], payment["currency"]) == ("18.00", "EUR")
    due = told["payment_schedules/due"]
    assert (due["balance_due"], due["presentment_currency"]) == ("72.00", "EUR")


async def test_the_page_of_the_order_is_in_the_shoppers_currency(site):
    order = await deposit(site, "100", EUROS)
    page = await site.http.get(order["status_url"])
    assert "€90.00" in page.text
    assert "$" not in page.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "euro", "rate": "1"},
        {"currency": "EUR"},
        {"currency": "EUR", "rate": "0"},
        {"currency": "EUR", "rate": "0.9", "rounding": "1.5"},
        {"currency": "USD", "rate": "0.9"},
    ],
)
async def test_a_currency_that_makes_no_sense_is_refused(site, wrong):
    variant = await product(site, "10")
    await buy(site, (variant, {}), status=422, presentment=wrong)
