"""What merchants do to orders by themselves, and how time passes for what is due."""

import json

import pytest

from sandbox.buying import again, buy, charge, deposit_order, plan, variant_with


def told(receiver):
    return {h["X-Shopify-Topic"]: json.loads(body) for h, body in receiver.taken}


async def edit(site, order, quantity, line=0, **facts):
    lines = [{"id": order["lines"][line]["id"], "quantity": quantity}]
    status = facts.pop("status", 200)
    return await site.control(
        "POST", f"orders/{order['id']}/edit", {"lines": lines, **facts}, status=status
    )


async def test_an_edit_takes_from_what_is_outstanding_first(site, receiver):
    variant = variant_with(site)
    before = variant.inventory_quantity
    order = await deposit_order(site)
    await site.subscribe(receiver.uri, "ORDERS_EDITED", "ORDERS_UPDATED")
    after = await edit(site, order, 1)
    assert (after["total"], after["current_total"]) == ("1099.90", "549.95")
    assert (after["received"], after["outstanding"]) == ("219.98", "329.97")
    schedule = after["schedules"][0]
    assert (schedule["total"], schedule["balance"]) == ("329.97", "329.97")
    assert (after["lines"][0]["quantity"], after["lines"][0]["current_quantity"]) == (2, 1)
    assert variant.inventory_quantity == before - 1
    assert [each.remaining for each in site.shop().fulfillment_orders.values()] == [1]
    await site.idle()
    removed = told(receiver)["orders/edited"]["order_edit"]
    assert removed["order_id"] == order["id"]
    assert removed["line_items"]["removals"] == [{"id": order["lines"][0]["id"], "delta": 1}]
    assert told(receiver)["orders/updated"]["current_total_price"] == "549.95"


async def test_removing_more_than_is_outstanding_completes_the_schedule(site):
    variant = variant_with(site)
    plan_id = await plan(site, variant, percentage=80)
    order = await buy(
        site, (variant, {"plan_id": plan_id}), (variant, {"plan_id": plan_id}), card="declines"
    )
    after = await edit(site, order, 0, restock=False)
    assert after["outstanding"] == "0.00"
    assert after["schedules"][0]["completed_at"] is not None
    assert after["schedules"][0]["total"] == "0.00"
    # What was paid beyond the price is paid back without a new debt.
    paid_back = await site.control("POST", f"orders/{order['id']}/refund", {"amount": "329.97"})
    assert (paid_back["current_total"], paid_back["outstanding"]) == ("549.95", "0.00")


async def test_what_cannot_be_edited_is_refused(site):
    order = await deposit_order(site)
    for quantity in (2, -1):
        await edit(site, order, quantity, status=422)
    await site.control("POST", f"orders/{order['id']}/edit", {}, status=422)
    await site.control("POST", f"orders/{order['id']}/cancel")
    await edit(site, order, 1, status=422)
    assert (await again(site, order))["lines"][0]["quantity"] == 2


async def test_a_merchant_refunds_lines_with_what_was_paid_for_them(site):
    order = await deposit_order(site)
    line = {"id": order["lines"][0]["id"], "quantity": 2}
    after = await site.control("POST", f"orders/{order['id']}/refund", {"lines": [line]})
    assert (after["refunded"], after["outstanding"]) == ("219.98", "0.00")
    assert (after["current_total"], after["financial_status"]) == ("0.00", "REFUNDED")
    await site.control("POST", f"orders/{order['id']}/refund", {"amount": "0.01"}, status=422)


async def test_a_refund_is_taken_from_the_newest_payment_first(site):
    order = await deposit_order(site)
    await charge(site, order)
    await site.idle()
    after = await site.control("POST", f"orders/{order['id']}/refund", {"amount": "900"})
    sales = [each["id"] for each in after["transactions"] if each["kind"] == "SALE"]
    refunds = [
        (each["parent_id"], each["amount"])
        for each in after["transactions"]
        if each["kind"] == "REFUND"
    ]
    assert refunds == [(sales[1], "879.92"), (sales[0], "20.08")]


async def test_the_balance_is_paid_by_the_shopper_or_by_other_means(site, receiver):
    first, second = await deposit_order(site), await deposit_order(site)
    await site.subscribe(receiver.uri, "ORDERS_PAID")
    paid = await site.control("POST", f"orders/{first['id']}/pay")
    marked = await site.control("POST", f"orders/{second['id']}/mark_paid")
    for each in (paid, marked):
        assert (each["financial_status"], each["collection_url"]) == ("PAID", None)
        assert each["schedules"][0]["completed_at"] is not None
        for step in ("pay", "mark_paid", "due"):
            await site.control("POST", f"orders/{each['id']}/{step}", status=422)
    await receiver.wait_for(2)
    assert {json.loads(body)["id"] for _, body in receiver.taken} == {first["id"], second["id"]}


async def test_a_schedule_is_due_now_and_told_of_once(site, receiver):
    order = await deposit_order(site)
    await site.subscribe(receiver.uri, "PAYMENT_SCHEDULES_DUE")
    for _ in range(2):
        await site.control("POST", f"orders/{order['id']}/due")
    await site.idle()
    ((_, body),) = receiver.taken
    schedule = json.loads(body)
    assert schedule["id"] == order["schedules"][0]["id"]
    assert schedule["balance_due"] == order["outstanding"]
    assert "order_id" not in schedule
    query = "query ($id: ID!) { order(id: $id) { paymentTerms { due overdue } } }"
    answer = await site.graphql(query, {"id": f"gid://shopify/Order/{order['id']}"})
    assert answer["data"]["order"]["paymentTerms"] == {"due": True, "overdue": True}


async def test_time_makes_due_what_has_a_date(site, receiver):
    variant = variant_with(site)
    week = await plan(site, variant, trigger="TIME_AFTER_CHECKOUT", after="P7D")
    sent = await plan(site, variant, trigger="ON_FULFILLMENT")
    first = await buy(site, (variant, {"plan_id": week}))
    second = await buy(site, (variant, {"plan_id": sent}))
    await site.subscribe(receiver.uri, "PAYMENT_SCHEDULES_DUE")
    for seconds in (6 * 86_400, 86_401):
        await site.idle()
        assert receiver.taken == []
        await site.control("POST", "clock", {"seconds": seconds})
    await receiver.wait_for(1)
    await site.control("POST", f"orders/{second['id']}/fulfill")
    await receiver.wait_for(2)
    due = [json.loads(body)["id"] for _, body in receiver.taken]
    assert due == [each["schedules"][0]["id"] for each in (first, second)]
    assert (await again(site, second))["schedules"][0]["due_at"] is not None


async def test_a_cancelled_order_is_never_due(site, receiver):
    order = await deposit_order(site)
    await site.control("POST", f"orders/{order['id']}/cancel", {"refund": False})
    await site.subscribe(receiver.uri, "PAYMENT_SCHEDULES_DUE")
    await site.control("POST", "clock", {"seconds": 10_000_000_000})
    await site.idle()
    assert receiver.taken == []


async def test_a_cancellation_gives_back_money_and_stock(site, receiver):
    variant = variant_with(site)
    before = variant.inventory_quantity
    order = await deposit_order(site)
    await site.subscribe(receiver.uri, "ORDERS_CANCELLED", "REFUNDS_CREATE")
    after = await site.control("POST", f"orders/{order['id']}/cancel", {"reason": "FRAUD"})
    assert (after["refunded"], after["financial_status"]) == (order["received"], "REFUNDED")
    assert variant.inventory_quantity == before
    await site.control("POST", f"orders/{order['id']}/cancel", status=422)
    await site.idle()
    assert set(told(receiver)) == {"orders/cancelled", "refunds/create"}
    assert told(receiver)["orders/cancelled"]["cancel_reason"] == "fraud"


async def test_a_deleted_order_is_gone(site, receiver):
    order = await deposit_order(site)
    await site.subscribe(receiver.uri, "ORDERS_DELETE")
    await site.control("DELETE", f"orders/{order['id']}")
    await receiver.wait_for(1)
    assert told(receiver) == {"orders/delete": {"id": order["id"]}}
    await site.control("GET", f"orders/{order['id']}", status=404)
    assert (await site.control("GET", "orders"))["orders"] == []
    assert site.shop().fulfillment_orders == {}


@pytest.mark.parametrize(
    "body", [{"polls": 0}, {"polls": "x"}, {"delay": -1}, {"delay": "soon"}, {"pace": 1}]
)
async def test_a_pace_that_makes_no_sense_is_refused(site, body):
    before = await site.control("GET", "charges")
    await site.control("PATCH", "charges", body, status=422)
    assert await site.control("GET", "charges") == before


async def test_a_reset_forgets_orders_and_what_is_under_way(site):
    order = await deposit_order(site)
    await site.control("PATCH", "charges", {"delay": 60})
    await charge(site, order)
    await site.control("POST", "reset")
    await site.idle()
    assert (await site.control("GET", "orders"))["orders"] == []
    assert (await site.control("GET", "charges"))["charges"] == []
