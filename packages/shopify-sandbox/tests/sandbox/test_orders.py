"""Placing orders: prices, what is due when, stock, who is told."""

import json
from datetime import datetime, timedelta

import pytest

from sandbox.buying import buy, deposit_order, plan, variant_with
from sandbox.site import running
from shopify_sandbox.config import ShopConfig

WHOLE = {"percentage": 100, "trigger": "NO_REMAINING_BALANCE"}


async def test_an_ordinary_order_is_paid_at_once(site):
    variant = variant_with(site)
    before = variant.inventory_quantity
    order = await buy(site, (variant, {"quantity": 2}), shipping="5.5")
    # Twice 549.95, and the shipping.
    assert order["total"] == order["received"] == "1105.40"
    assert (order["outstanding"], order["financial_status"]) == ("0.00", "PAID")
    assert (order["schedules"], order["cards"], order["collection_url"]) == ([], [], None)
    assert variant.inventory_quantity == before - 2


async def test_a_deposit_is_charged_and_the_rest_is_one_schedule(site):
    order = await deposit_order(site, shipping="5")
    line, schedule = order["lines"][0], order["schedules"][0]
    # 20 % of twice 549.95.
    assert (line["total"], line["due_at_checkout"]) == ("1099.90", "219.98")
    assert (order["received"], order["outstanding"]) == ("224.98", "879.92")
    assert (schedule["total"], schedule["balance"]) == ("879.92", "879.92")
    assert schedule["due_at"] == "2100-01-01T00:00:00.000Z"
    assert order["financial_status"] == "PARTIALLY_PAID"
    assert [each["card"] for each in order["cards"]] == ["works"]


async def test_an_amount_per_unit_is_due_at_checkout_but_never_more_than_the_line(site):
    variant = variant_with(site)
    cheap = await plan(site, variant, amount="30.00")
    dear = await plan(site, variant, amount="600.00")
    order = await buy(
        site,
        (variant, {"quantity": 2, "plan_id": cheap}),
        (variant, {"quantity": 1, "plan_id": dear}),
    )
    assert [each["due_at_checkout"] for each in order["lines"]] == ["60.00", "549.95"]


@pytest.mark.parametrize(
    ("price", "unit"),
    [
        ({"adjustmentType": "PERCENTAGE", "adjustmentValue": {"percentage": 15}}, "467.46"),
        ({"adjustmentType": "FIXED_AMOUNT", "adjustmentValue": {"fixedValue": "49.95"}}, "500.00"),
        ({"adjustmentType": "PRICE", "adjustmentValue": {"fixedValue": "400"}}, "400.00"),
    ],
)
async def test_the_plan_sets_the_price_and_a_discount_comes_off(site, price, unit):
    variant = variant_with(site)
    plan_id = await plan(site, variant, price=price, **WHOLE)
    order = await buy(site, (variant, {"quantity": 3, "plan_id": plan_id, "discount": "10.01"}))
    line = order["lines"][0]
    assert line["unit_price"] == unit
    assert line["total"] == order["total"] == f"{float(unit) * 3 - 10.01:.2f}"


async def test_deposits_of_several_lines_add_up_to_the_cent(site):
    shop = site.shop()
    variants = [each for each in shop.variants.values() if each.inventory_quantity >= 3][:3]
    third = await plan(site, *variants, percentage=33.33)
    order = await buy(
        site,
        *[(each, {"quantity": 3, "plan_id": third, "discount": "0.07"}) for each in variants],
        (variants[0], {}),
    )
    received, outstanding, total = (
        round(float(order[name]) * 100) for name in ("received", "outstanding", "total")
    )
    assert received + outstanding == total
    due = sum(round(float(each["due_at_checkout"]) * 100) for each in order["lines"])
    assert received == due


@pytest.mark.parametrize(
    ("currency", "price", "total", "due", "rest"),
    [("JPY", "999", "1998", "400", "1598"), ("KWD", "1.235", "2.470", "0.494", "1.976")],
)
async def test_amounts_have_the_digits_of_their_currency(currency, price, total, due, rest):
    config = ShopConfig(domain="x.myshopify.com", name="X", currency=currency, catalogue="empty")
    async with running(shops=(config,)) as site:
        domain = config.domain
        made = await site.control(
            "POST",
            "products",
            {"title": "Tea", "variants": [{"price": price, "available": 5}]},
            domain=domain,
        )
        variant = site.shop(domain).variants[made["variants"][0]["id"]]
        plan_id = await plan(site, variant, domain=domain)
        line = (variant, {"quantity": 2, "plan_id": plan_id})
        order = await buy(site, line, domain=domain)
    assert (order["total"], order["received"], order["outstanding"]) == (total, due, rest)


async def test_one_due_date_the_earliest_and_on_fulfillment_before_all(site):
    variant = variant_with(site)
    late = await plan(site, variant, at="2100-06-01T00:00:00Z")
    soon = await plan(site, variant, trigger="TIME_AFTER_CHECKOUT", after="P7D")
    sent = await plan(site, variant, trigger="ON_FULFILLMENT")
    order = await buy(site, (variant, {"plan_id": late}), (variant, {"plan_id": soon}))
    due = datetime.fromisoformat(order["schedules"][0]["due_at"])
    assert due == datetime.fromisoformat(order["created_at"]) + timedelta(days=7)
    order = await buy(site, (variant, {"plan_id": soon}), (variant, {"plan_id": sent}))
    assert [each["due_at"] for each in order["schedules"]] == [None]


async def test_stock_is_taken_at_the_sale_unless_the_plan_reserves_it_later(site):
    variant = variant_with(site)
    before = variant.inventory_quantity
    later = await plan(site, variant, reserve="ON_FULFILLMENT")
    await buy(site, (variant, {"quantity": 2, "plan_id": later}))
    assert variant.inventory_quantity == before
    at_once = await plan(site, variant)
    await buy(site, (variant, {"quantity": 2, "plan_id": at_once}))
    assert variant.inventory_quantity == before - 2


async def test_stock_is_taken_over_locations_and_below_nothing_where_that_is_allowed(site):
    variant = next(v for v in site.shop().variants.values() if v.inventory_quantity == 6)
    levels = variant.inventory_item.levels.values()
    assert sorted(each.available for each in levels) == [2, 4]
    await buy(site, (variant, {"quantity": 5}))
    assert sorted(each.available for each in levels) == [0, 1]
    await site.control("PATCH", f"variants/{variant.id}", {"inventory_policy": "CONTINUE"})
    await buy(site, (variant, {"quantity": 3}))
    assert sum(each.available for each in levels) == -2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"quantity": 1000}, "sold out"),
        ({"plan_id": 77}, "no selling plan 77"),
        ({"discount": "100000"}, "discount"),
        ({"quantity": 0}, "at least 1"),
    ],
)
async def test_what_cannot_be_sold_is_refused_and_changes_nothing(site, line, problem):
    variant = variant_with(site)
    before = variant.inventory_quantity
    answer = await buy(site, (variant, line), status=422)
    assert problem in answer["errors"][0]
    assert site.shop().orders == {}
    assert variant.inventory_quantity == before


async def test_a_plan_of_another_variant_is_refused(site):
    first, second = [v for v in site.shop().variants.values() if v.inventory_quantity > 0][:2]
    plan_id = await plan(site, first)
    answer = await buy(site, (second, {"plan_id": plan_id}), status=422)
    assert "is not sold under the plan" in answer["errors"][0]


async def test_the_same_address_is_the_same_customer(site):
    variant = variant_with(site)
    first = await buy(site, (variant, {}))
    second = await buy(site, (variant, {}), customer={"email": "ANA@example.com", "name": "Ana B"})
    other = await buy(site, (variant, {}), customer={"email": "bo@example.com"})
    assert first["customer_id"] == second["customer_id"] != other["customer_id"]
    assert site.shop().customers[first["customer_id"]].last_name == "B"


async def test_placing_tells_of_the_order_its_payment_and_the_stock(site, receiver):
    await site.subscribe(
        receiver.uri,
        "ORDERS_CREATE",
        "ORDERS_PAID",
        "ORDER_TRANSACTIONS_CREATE",
        "INVENTORY_LEVELS_UPDATE",
    )
    order = await deposit_order(site)
    await site.idle()
    told = {
        headers["X-Shopify-Topic"]: (headers, json.loads(body)) for headers, body in receiver.taken
    }
    assert set(told) == {"orders/create", "order_transactions/create", "inventory_levels/update"}
    assert len({headers["X-Shopify-Event-Id"] for headers, _ in told.values()}) == 1
    headers, body = told["orders/create"]
    assert headers["X-Shopify-Order-Id"] == str(order["id"])
    assert body["id"] == order["id"]
    assert body["total_outstanding"] == order["outstanding"]
    assert body["financial_status"] == "partially_paid"
    assert body["payment_terms"]["payment_schedules"][0]["amount"] == order["outstanding"]
    # A webhook never says under which plan something was sold.
    assert "selling_plan" not in json.dumps(body)
    assert told["order_transactions/create"][1]["amount"] == order["received"]
