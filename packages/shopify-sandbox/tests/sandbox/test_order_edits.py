"""Edits by the merchant that raise quantities and add variants and custom lines."""

import json

import pytest

from sandbox.buying import again, buy, charge, gid, plan, product

VAT = {"title": "VAT", "rate": "0.2"}
READ = """query ($id: ID!) { order(id: $id) {
  originalTotalPriceSet { shopMoney { amount } } totalPriceSet { shopMoney { amount } }
  lineItems(first: 9) { nodes { title name quantity currentQuantity requiresShipping
    variant { id } product { id } sellingPlan { name } taxLines { priceSet { shopMoney { amount } } }
    originalUnitPriceSet { shopMoney { amount } presentmentMoney { amount } } } }
  fulfillmentOrders(first: 9) { nodes { status lineItems(first: 9) { nodes {
    productTitle sku variant { id } inventoryItemId remainingQuantity } } } } } }"""


async def deposit(site, **facts):
    """Place an order of a preorder of 200 with a deposit of 20 %."""
    variant = await product(site, "200")
    plan_id = await plan(site, variant)
    return await buy(site, (variant, {"plan_id": plan_id}), **facts)


async def edit(site, order, *, status=200, **body):
    return await site.control("POST", f"orders/{order['id']}/edit", body, status=status)


async def read(site, order):
    answer = await site.graphql(READ, {"id": gid("Order", order["id"])})
    return answer["data"]["order"]


async def test_a_raised_quantity_is_outstanding_in_the_schedule(site, receiver):
    order = await deposit(site, taxes=[VAT])
    variant = site.shop().variants[order["lines"][0]["variant_id"]]
    await site.subscribe(receiver.uri, "ORDERS_EDITED", "ORDERS_UPDATED")
    line = order["lines"][0]
    after = await edit(site, order, lines=[{"id": line["id"], "quantity": 3}])
    assert (order["total"], after["total"], after["outstanding"]) == ("240.00", "720.00", "672.00")
    (schedule,) = after["schedules"]
    assert (schedule["total"], schedule["balance"]) == ("672.00", "672.00")
    assert (after["lines"][0]["quantity"], after["lines"][0]["current_quantity"]) == (3, 3)
    assert variant.inventory_quantity == 50 - 3
    found = await read(site, order)
    assert found["originalTotalPriceSet"]["shopMoney"]["amount"] == "240.0"
    assert found["totalPriceSet"]["shopMoney"]["amount"] == "720.0"
    units = [
        part["remainingQuantity"]
        for each in found["fulfillmentOrders"]["nodes"]
        for part in each["lineItems"]["nodes"]
    ]
    assert sum(units) == 3
    await site.idle()
    told = {h["X-Shopify-Topic"]: json.loads(text) for h, text in receiver.taken}
    changed = told["orders/edited"]["order_edit"]["line_items"]
    assert changed == {"additions": [{"id": line["id"], "delta": 2}], "removals": []}
    assert told["orders/updated"]["total_outstanding"] == "672.00"


async def test_an_added_variant_has_no_plan_and_the_taxes_of_the_order(site):
    order = await deposit(site, taxes=[VAT])
    cup = await product(site, "10")
    after = await edit(site, order, variants=[{"variant_id": cup.id, "quantity": 2}])
    assert (after["current_total"], after["outstanding"]) == ("264.00", "216.00")
    added = (await read(site, order))["lineItems"]["nodes"][1]
    assert (added["quantity"], added["sellingPlan"]) == (2, None)
    assert added["variant"] == {"id": gid("ProductVariant", cup.id)}
    assert added["taxLines"][0]["priceSet"]["shopMoney"]["amount"] == "4.0"
    assert cup.inventory_quantity == 48
    untaxed = await edit(site, order, variants=[{"variant_id": cup.id, "taxes": []}])
    assert untaxed["current_total"] == "274.00"


async def test_a_custom_line_is_of_no_variant(site, receiver):
    order = await deposit(site)
    await site.subscribe(receiver.uri, "ORDERS_UPDATED")
    wrap = {"title": "Gift wrap", "price": "7.50", "quantity": 2, "taxes": [VAT]}
    after = await edit(site, order, custom=[wrap])
    assert (after["current_total"], after["outstanding"]) == ("218.00", "178.00")
    assert (after["lines"][1]["variant_id"], after["lines"][1]["title"]) == (None, "Gift wrap")
    found = await read(site, order)
    added = found["lineItems"]["nodes"][1]
    assert (added["title"], added["name"]) == ("Gift wrap", "Gift wrap")
    assert (added["variant"], added["product"], added["requiresShipping"]) == (None, None, False)
    parts = [each["lineItems"]["nodes"] for each in found["fulfillmentOrders"]["nodes"]]
    assert parts[1] == [
        {
            "productTitle": "Gift wrap",
            "sku": None,
            "variant": None,
            "inventoryItemId": None,
            "remainingQuantity": 2,
        }
    ]
    await site.idle()
    written = json.loads(receiver.taken[-1][1])["line_items"][1]
    assert (written["title"], written["variant_id"], written["product_exists"]) == (
        "Gift wrap",
        None,
        False,
    )
    page = await site.http.get(order["status_url"])
    assert "2 × Gift wrap" in page.text
    fulfillment = await site.control("GET", f"orders/{order['id']}/fulfillment")
    assert fulfillment["fulfillment_orders"][1]["lines"][0]["variant_id"] is None
    await site.control("POST", f"orders/{order['id']}/fulfill")
    assert (await again(site, order))["fulfillment_status"] == "FULFILLED"


async def test_what_is_added_after_all_was_paid_has_no_schedule(site):
    order = await deposit(site)
    await charge(site, order)
    await site.idle()
    after = await edit(site, order, custom=[{"title": "Engraving", "price": "40"}])
    assert (after["received"], after["outstanding"]) == ("200.00", "40.00")
    assert after["financial_status"] == "PARTIALLY_PAID"
    (schedule,) = after["schedules"]
    assert (schedule["balance"], schedule["completed_at"] is not None) == ("0.00", True)
    assert after["collection_url"]
    refused = await charge(site, order, "by schedule")
    assert refused["userErrors"][0]["field"] == ["paymentScheduleId"]
    assert (await charge(site, order, "all", schedule=None))["userErrors"] == []
    await site.idle()
    paid = await again(site, order)
    assert (paid["outstanding"], paid["financial_status"]) == ("0.00", "PAID")
    assert [each["amount"] for each in paid["transactions"]] == ["40.00", "160.00", "40.00"]


async def test_an_ordinary_order_owes_what_was_added_without_a_schedule(site):
    variant = await product(site, "10")
    order = await buy(site, (variant, {}))
    after = await edit(site, order, custom=[{"title": "Engraving", "price": "40"}])
    assert (after["schedules"], after["outstanding"]) == ([], "40.00")
    paid = await site.control("POST", f"orders/{order['id']}/pay")
    assert paid["financial_status"] == "PAID"


async def test_one_edit_may_remove_and_add(site):
    order = await deposit(site)
    line, cup = order["lines"][0], await product(site, "50")
    after = await edit(
        site,
        order,
        lines=[{"id": line["id"], "quantity": 0}],
        variants=[{"variant_id": cup.id}],
    )
    assert (after["current_total"], after["outstanding"]) == ("50.00", "10.00")
    assert after["schedules"][0]["balance"] == "10.00"
    assert site.shop().variants[line["variant_id"]].inventory_quantity == 50
    # What was added can be removed again.
    gone = await edit(site, order, lines=[{"id": after["lines"][1]["id"], "quantity": 0}])
    assert (gone["current_total"], gone["outstanding"]) == ("0.00", "0.00")


async def test_a_discount_is_of_the_ordered_units_alone(site):
    variant = await product(site, "10")
    order = await buy(site, (variant, {"quantity": 2, "discount": "3"}))
    line = order["lines"][0]["id"]
    assert (await edit(site, order, lines=[{"id": line, "quantity": 4}]))["outstanding"] == "20.00"
    after = await edit(site, order, lines=[{"id": line, "quantity": 1}])
    assert after["current_total"] == "8.50"


async def test_what_is_added_is_in_the_shoppers_currency(site):
    order = await deposit(site, presentment={"currency": "EUR", "rate": "0.9", "rounding": "0.95"})
    cup = await product(site, "10")
    after = await edit(
        site,
        order,
        variants=[{"variant_id": cup.id}],
        custom=[{"title": "Gift wrap", "price": "4.50"}],
    )
    prices = [
        (one["shopMoney"]["amount"], one["presentmentMoney"]["amount"])
        for one in (
            each["originalUnitPriceSet"] for each in (await read(site, order))["lineItems"]["nodes"]
        )
    ]
    assert prices[1:] == [("11.06", "9.95"), ("5.0", "4.5")]
    assert after["schedules"][0]["balance"] == after["outstanding"]


@pytest.mark.parametrize(
    "body",
    [
        {"variants": [{"variant_id": 1}]},
        {"custom": [{"title": "", "price": "1"}]},
        {"custom": [{"title": "Wrap"}]},
        {"custom": [{"title": "Wrap", "price": "-1"}]},
        {"custom": [{"title": "Wrap", "price": "1", "quantity": 0}]},
        {"lines": [{"id": 1, "quantity": 2}]},
    ],
)
async def test_what_cannot_be_added_is_refused(site, body):
    order = await deposit(site)
    await edit(site, order, status=422, **body)
    assert await again(site, order) == order
