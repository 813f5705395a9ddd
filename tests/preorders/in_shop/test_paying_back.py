"""Money that goes back in a running sandbox: refunds, cancellations, and edits of what was paid."""

import asyncio
from decimal import Decimal

import pytest

from openstoq.preorders.orders.payments.refunds import pay_back
from tests.factories.patience import until
from tests.factories.preorders import assert_books_agree, order_path, payments
from tests.factories.sandboxed import accepted, all_jobs_done


async def test_refunds_of_deposit_and_balance(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    assert "not collected" in await market.refusal(order, "payments/refund_balance")
    await market.ask(order, "payments/charge_balance")
    await market.ask(order, "payments/refund_balance", note="too late")
    told = await payments(market, order)
    assert (told["balance"]["status"], told["deposit"]["status"]) == ("refunded", "paid")
    assert "nothing is left" in await market.refusal(order, "payments/refund_balance")
    assert await market.state(order) == "balance_collected"
    assert "paid back" in await market.refusal(order, "release")
    await market.ask(order, "payments/refund_deposit")
    assert await market.state(order) == "refunded"
    shown = await market.in_shop(order)
    assert shown["refunded"] == shown["received"]
    assert [one["note"] for one in shown["refunds"]] == ["too late", None]
    await assert_books_agree(market, order)


async def test_everything_is_paid_back_once(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.ask(order, "payments/charge_balance")
    clicks = [market.client.post(f"{order_path(order)}/payments/refund", json={}) for _ in range(4)]
    answers = await asyncio.gather(*clicks)
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    await all_jobs_done(market.database)
    for entry in (await market.read(order, "/payments"))["ledger"]:
        if entry["kind"] == "refund":
            await market.run(pay_back, order_id=order["id"], payment_id=entry["id"])
    assert len((await market.in_shop(order))["refunds"]) == 2
    assert await market.state(order) == "refunded"
    await assert_books_agree(market, order)


async def test_a_merchants_own_refund_is_taken_in(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 2))
    await market.happen(order, "refund", amount="1.50")
    await assert_books_agree(market, order)
    told = await payments(market, order)
    assert told["deposit"]["refunded"] == "1.50"
    await market.ask(order, "payments/refund")
    assert await market.state(order) == "refunded"
    await assert_books_agree(market, order)


async def test_of_a_mixed_order_only_the_preorder_is_paid_back(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1), (variants[5], None, 1))
    await market.ask(order, "payments/refund")
    shown, told = await market.in_shop(order), await market.read(order)
    assert shown["refunded"] == told["lines"][0]["total"]
    assert told["state"] == "refunded"
    await assert_books_agree(market, order)


@pytest.mark.parametrize("early", [True, False])
async def test_cancelled_early_or_late_with_everything_back(market, plans, variants, early):
    order = await market.place((variants[0], plans["partial"], 2))
    if not early:
        await market.ask(order, "payments/charge_balance")
    told = await market.ask(
        order,
        "cancel",
        refund_deposit=True,
        refund_balance=True,
        notify_customer=True,
        reason="inventory",
    )
    assert (told["state"], told["cancel_reason"]) == ("cancelled", "inventory")
    shown = await market.in_shop(order)
    assert (shown["cancelled_at"], shown["refunded"]) == (None, shown["received"])
    assert market.relay.recipients[-1] == "ada@example.com"
    counted = (await market.client.get(f"/preorders/product_variants/{variants[0]}")).json()
    assert counted["preorder_count"] == 0
    assert "cancelled already" in await market.refusal(order, "cancel")
    for what in ("release", "hold_fulfillments", "payments/charge_balance"):
        await market.refusal(order, what)
    await assert_books_agree(market, order)


async def test_cancelled_in_the_shop_too_where_asked(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.ask(
        order, "cancel", cancel_shopify_order=True, refund_deposit=True, reason="Inventory"
    )
    await market.tell(order)
    shown = await market.in_shop(order)
    assert shown["cancel_reason"] == "INVENTORY"
    assert shown["cancelled_at"]
    assert shown["refunded"] == shown["received"]
    assert await market.state(order) == "cancelled"
    await assert_books_agree(market, order)


async def test_no_cancelling_while_a_charge_is_under_way(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.site.control("PATCH", "charges", {"polls": 10_000})
    await accepted(market.client, f"{order_path(order)}/payments/charge_balance")

    async def is_under_way():
        return (await payments(market, order))["balance"]["status"] == "processing"

    await until(is_under_way)
    assert "under way" in await market.refusal(order, "cancel")
    await market.site.control("PATCH", "charges", {"polls": 1})
    await all_jobs_done(market.database)
    await market.ask(order, "cancel", refund_deposit=True, refund_balance=True)
    await assert_books_agree(market, order)


async def test_cancelled_by_the_merchant_in_the_shop(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.happen(order, "cancel")
    told = await market.read(order)
    assert told["state"] == "cancelled"
    await assert_books_agree(market, order)


async def test_what_is_returned_after_it_was_sent_is_refunded_and_not_cancelled(
    market, plans, variants
):
    order = await market.place((variants[0], plans["full"], 1))
    await market.ask(order, "release")
    await market.happen(order, "fulfill")
    assert await market.state(order) == "fulfilled"
    line = order["lines"][0]
    await market.happen(order, "refund", lines=[{"id": line["id"], "quantity": 1}])
    told = await market.read(order)
    assert (told["state"], told["cancelled_at"]) == ("refunded", None)
    assert told["lines"][0]["counted"] == 0
    await assert_books_agree(market, order)


async def test_an_edit_lowers_what_is_owed(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 3))
    line = order["lines"][0]
    await market.happen(order, "edit", lines=[{"id": line["id"], "quantity": 2}])
    shown, told = await market.in_shop(order), await market.read(order)
    assert told["lines"][0]["current"] == told["lines"][0]["counted"] == 2
    balance = told["payments"]["balance"]
    assert balance["amount"] == shown["outstanding"]
    parts = Decimal(told["payments"]["deposit"]["amount"]) + Decimal(balance["amount"])
    assert parts == Decimal(shown["current_total"])
    await market.ask(order, "payments/charge_balance")
    assert await market.state(order) == "balance_collected"
    await assert_books_agree(market, order)


@pytest.mark.parametrize("left", [1, 0])
@pytest.mark.parametrize("way", ["full", "partial, charged", "partial"])
async def test_what_was_paid_for_units_that_were_removed_is_paid_back_too(
    market, plans, variants, way, left
):
    plan, *charged = way.split(", ")
    order = await market.place((variants[0], plans[plan], 2), shipping="5")
    if charged:
        await market.ask(order, "payments/charge_balance")
    deposit = (await payments(market, order))["deposit"]["amount"]
    line = order["lines"][0]
    await market.happen(order, "edit", lines=[{"id": line["id"], "quantity": left}])
    told = await payments(market, order)
    assert (told["deposit"]["amount"], told["deposit"]["status"]) == (deposit, "paid")
    await market.ask(order, "payments/refund")
    shown = await market.in_shop(order)
    assert shown["refunded"] == shown["received"]
    assert await market.state(order) == ("refunded" if left else "cancelled")
    await market.refusal(order, "payments/refund")
    await assert_books_agree(market, order)


@pytest.mark.parametrize("left", [1, 0])
async def test_of_an_order_first_read_after_an_edit_too(market, plans, variants, left):
    prompt = await market.place((variants[0], plans["partial"], 2), shipping="5")
    late = await market.buy((variants[0], plans["partial"], 2), shipping="5")
    for order in (prompt, late):
        line = {"id": order["lines"][0]["id"], "quantity": left}
        await market.unheard(order, "edit", lines=[line])
        await market.tell(order)
    first, second = await payments(market, prompt), await payments(market, late)
    for told in (first, second):
        told.pop("collection_url")
        told["balance"].pop("due_at")
    assert first == second
    await market.ask(late, "payments/refund")
    shown = await market.in_shop(late)
    assert shown["refunded"] == shown["received"]
    await assert_books_agree(market, late)


async def test_of_a_mixed_order_what_other_goods_cost_stays(market, plans, variants):
    order = await market.place(
        (variants[0], plans["full"], 2), (variants[5], None, 1), shipping="5"
    )
    preordered, other = order["lines"]
    await market.happen(order, "edit", lines=[{"id": preordered["id"], "quantity": 1}])
    await market.ask(order, "payments/refund")
    shown = await market.in_shop(order)
    kept = Decimal(shown["received"]) - Decimal(shown["refunded"])
    assert kept == Decimal(other["total"]) + 5
    assert await market.state(order) == "refunded"
    await assert_books_agree(market, order)


async def test_an_order_whose_preorders_are_all_removed_is_cancelled(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1), (variants[5], None, 1))
    line = next(one for one in order["lines"] if one["plan_id"])
    await market.happen(order, "edit", lines=[{"id": line["id"], "quantity": 0}])
    assert await market.state(order) == "cancelled"
