"""The money of preorders in a running sandbox: charged once, collected in the end, paid back."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from factories.apps import until
from factories.preorders import at
from factories.sandboxed import did, idle
from openstoq.preorders.orders.charges import charge, collect_due
from openstoq.preorders.orders.refunds import pay_back


async def later(market, order, **passed):
    """Let time pass for the ledger of an order: its next try is due."""
    async with market.database.transaction(market.shop.id) as db:
        await db.execute(
            "UPDATE preorder_payments SET retry_at = retry_at - $2::interval WHERE order_id = $1",
            order["id"],
            timedelta(**passed),
        )


async def payments(market, order):
    return (await market.read(order))["payments"]


async def agree(market, order):
    """Our record of an order and the shop's are the same, to the cent."""
    told, shown = await market.read(order), await market.in_shop(order)
    for name in ("received", "refunded", "outstanding"):
        assert told["totals"][name] == shown[name], name
    ledger = (await market.read(order, "/payments"))["ledger"]
    done = [one for one in ledger if one["status"] == "succeeded"]
    came = sum(Decimal(one["amount"]) for one in done if one["kind"] != "refund")
    went = sum(Decimal(one["amount"]) for one in done if one["kind"] == "refund")
    assert (came, went) == (Decimal(shown["received"]), Decimal(shown["refunded"]))


async def test_an_order_that_is_told_of_late_keeps_the_options_of_its_plans(
    market, offer, plans, variants
):
    order = await market.buy((variants[0], plans["full"], 1), (variants[1], plans["partial"], 1))
    await did(market.client, f"{offer}/payments/set_mode", mode="partial")
    await idle(market.database)
    await market.tell(order)
    told = await market.read(order)
    assert [line["payment"] for line in told["lines"]] == ["full", "partial"]
    await agree(market, order)


async def test_two_clicks_charge_once(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    clicks = [
        market.client.post(f"{at(order)}/payments/charge_balance", json={"mode": "auto"})
        for _ in range(5)
    ]
    answers = await asyncio.gather(*clicks)
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]
    await idle(market.database)
    assert len(await market.charges()) == 1
    await agree(market, order)
    refused = await market.refusal(order, "payments/charge_balance", mode="auto")
    assert "collected already" in refused


async def test_a_charge_job_that_runs_twice_charges_once(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.site.control("PATCH", "charges", {"polls": 3})
    await did(market.client, f"{at(order)}/payments/charge_balance")
    (entry,) = [
        one for one in (await market.read(order, "/payments"))["ledger"] if one["kind"] == "balance"
    ]
    for _ in range(3):
        async with market.runtime.work(market.shop.id, request_id="test") as work:
            work.enqueue(charge, order_id=order["id"], payment_id=entry["id"])
    await idle(market.database)
    assert len(await market.charges()) == 1
    assert await market.state(order) == "balance_collected"
    await agree(market, order)


async def test_an_answer_that_is_lost_after_the_charge(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="loses_answer")
    await market.ask(order, "payments/charge_balance", mode="auto")
    assert len(await market.charges()) == 1
    assert await market.state(order) == "balance_collected"
    await agree(market, order)


async def test_a_declined_balance_is_tried_again_and_the_shopper_mailed(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="declines_2")
    await market.ask(order, "payments/charge_balance", mode="auto")
    told = (await payments(market, order))["balance"]
    assert (told["status"], bool(told["next_attempt_at"])) == ("outstanding", True)
    assert "funds" in told["error"]
    await market.run(collect_due)
    assert len(await market.charges()) == 1, "it is not time yet"
    for _ in range(2):
        await later(market, order, days=4)
        await market.run(collect_due)
    tried = await market.charges()
    assert [one["status"] for one in tried] == ["RETRYABLE", "RETRYABLE", "SUCCESS"]
    assert len({one["key"] for one in tried}) == 3
    assert await market.state(order) == "balance_collected"
    await agree(market, order)
    to_shopper = [mail for mail in market.relay.recipients if mail == "ada@example.com"]
    assert len(to_shopper) == 3, "two links and a receipt"


async def test_after_the_last_try_the_merchant_is_told(market, plans, variants):
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE shops SET email = 'merchant@example.com'")
    order = await market.place((variants[0], plans["partial"], 1), card="declines")
    await market.ask(order, "payments/charge_balance", mode="auto")
    for _ in range(6):
        await later(market, order, days=8)
        await market.run(collect_due)
    assert len(await market.charges()) == 5
    assert market.relay.recipients.count("merchant@example.com") == 1
    assert (await payments(market, order))["balance"]["next_attempt_at"] is None
    assert await market.state(order) == "awaiting_balance"


async def test_a_charge_that_needs_the_shopper(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="needs_authentication")
    await did(market.client, f"{at(order)}/payments/charge_balance")

    async def waits():
        return (await payments(market, order))["balance"]["status"] == "authenticate"

    await until(waits)
    for what in ("cancel", "payments/charge_balance", "payments/refund"):
        assert "send_collection_url" in await market.refusal(order, what)
    await market.site.control("POST", f"orders/{order['id']}/authenticate", {})
    await idle(market.database)
    assert await market.state(order) == "balance_collected"
    assert len(await market.charges()) == 1
    await agree(market, order)


async def test_without_a_card_the_shopper_pays_by_link(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="none")
    refused = await market.refusal(order, "payments/charge_balance", mode="auto")
    assert "send_collection_url" in refused
    await market.ask(order, "payments/send_collection_url")
    assert market.relay.recipients == ["ada@example.com"]
    link = (await market.in_shop(order))["collection_url"]
    assert link.encode() in market.relay.taken[0].content.replace(b"=\r\n", b"")
    await market.happen(order, "pay")
    assert await market.state(order) == "balance_collected"
    assert (await market.ledger(order))[-1][:2] == ("balance", "link")
    await agree(market, order)
    await market.refusal(order, "payments/send_collection_url")


async def test_paying_by_link_calls_a_retry_off(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="declines")
    await market.ask(order, "payments/charge_balance")
    await market.happen(order, "pay")
    await later(market, order, days=8)
    await market.run(collect_due)
    assert len(await market.charges()) == 1
    await agree(market, order)


async def test_a_balance_that_came_another_way(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.ask(order, "payments/charge_balance", mode="manual")
    assert await market.state(order) == "balance_collected"
    assert (await market.in_shop(order))["outstanding"] == "0.00"
    assert (await market.ledger(order))[-1][:2] == ("balance", "manual")
    assert await market.charges() == []
    await agree(market, order)


async def test_a_balance_noted_by_hand_is_what_was_owed_by_then(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 2))
    line = order["lines"][0]
    await market.unheard(order, "edit", lines=[{"id": line["id"], "quantity": 1}])
    owed = (await market.in_shop(order))["outstanding"]
    answer = await market.ask(order, "payments/charge_balance", mode="manual")
    assert answer["balance"]["status"] == "paid", "at once"
    told = await market.read(order)
    assert told["state"] == "balance_collected"
    assert (told["payments"]["balance"]["received"], told["totals"]["outstanding"]) == (
        owed,
        "0.00",
    )
    await agree(market, order)
    assert len(await market.ledger(order)) == 2
    await market.ask(order, "payments/refund")
    assert await market.state(order) == "refunded"
    shown = await market.in_shop(order)
    assert shown["refunded"] == shown["received"]
    await agree(market, order)


@pytest.mark.parametrize(("what", "state"), [("cancel", "cancelled"), ("pay", "balance_collected")])
async def test_a_balance_that_was_not_owed_any_more_did_not_come_by_hand(
    market, plans, variants, what, state
):
    order = await market.place((variants[0], plans["partial"], 2))
    await market.unheard(order, what)
    await market.ask(order, "payments/charge_balance", mode="manual")
    assert await market.state(order) == state
    told = await payments(market, order)
    assert bool(told["charged_at"]) == (what == "pay")
    await agree(market, order)


async def test_a_wrong_mode_is_named(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    refused = await market.refusal(order, "payments/charge_balance", 422, mode="later")
    assert "mode must be one of: auto, manual" in refused


async def test_balances_are_collected_when_due(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    other = await market.place((variants[0], plans["partial"], 2))
    await market.run(collect_due)
    assert await market.charges() == []
    await market.happen(order, "due")
    await market.run(collect_due)
    await market.run(collect_due)
    assert [one["order_id"] for one in await market.charges()] == [order["id"]]
    assert await market.state(order) == "balance_collected"
    assert await market.state(other) == "awaiting_balance"


async def test_nothing_is_collected_of_a_refunded_order(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.ask(order, "payments/refund_deposit")
    assert await market.state(order) == "refunded"
    await market.happen(order, "due")
    await market.run(collect_due)
    assert await market.charges() == []
    assert "final" in await market.refusal(order, "payments/charge_balance")
    assert "final" in await market.refusal(order, "payments/send_collection_url")
    assert market.relay.recipients == []
    await agree(market, order)


async def test_no_refund_while_a_charge_is_under_way(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.site.control("PATCH", "charges", {"polls": 4})
    await did(market.client, f"{at(order)}/payments/charge_balance")
    assert "under way" in await market.refusal(order, "payments/refund")
    await idle(market.database)
    assert (await market.in_shop(order))["refunded"] == "0.00"
    await market.ask(order, "payments/refund")
    assert await market.state(order) == "refunded"
    await agree(market, order)


async def test_balances_are_not_collected_where_the_offer_says_so(
    market, client, offer, plans, variants
):
    await client.patch(f"{offer}/payments", json={"remaining_balance": {"auto_collect": False}})
    order = await market.place((variants[0], plans["partial"], 1))
    await market.happen(order, "due")
    await market.run(collect_due)
    assert await market.charges() == []


async def test_balances_are_collected_on_fulfillment(market, client, offer, variants, database):
    await client.patch(
        f"{offer}/payments", json={"remaining_balance": {"auto_collect_on_fulfillment": True}}
    )
    await client.patch(f"{offer}/shipping", json={"fulfillment": {"hold": False}})
    await idle(database)
    plan = (await client.get(offer)).json()["shopify"]["partial_plan_id"]
    order = await market.place((variants[0], plan, 1))
    await market.run(collect_due)
    assert await market.charges() == []
    await market.happen(order, "fulfill")
    await market.run(collect_due)
    assert [one["status"] for one in await market.charges()] == ["SUCCESS"]
    await agree(market, order)
    assert await market.state(order) == "fulfilled"


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
    await agree(market, order)


async def test_everything_is_paid_back_once(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.ask(order, "payments/charge_balance")
    clicks = [market.client.post(f"{at(order)}/payments/refund", json={}) for _ in range(4)]
    answers = await asyncio.gather(*clicks)
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    await idle(market.database)
    for entry in (await market.read(order, "/payments"))["ledger"]:
        if entry["kind"] == "refund":
            await market.run(pay_back, order_id=order["id"], payment_id=entry["id"])
    assert len((await market.in_shop(order))["refunds"]) == 2
    assert await market.state(order) == "refunded"
    await agree(market, order)


async def test_a_merchants_own_refund_is_taken_in(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 2))
    await market.happen(order, "refund", amount="1.50")
    await agree(market, order)
    told = await payments(market, order)
    assert told["deposit"]["refunded"] == "1.50"
    await market.ask(order, "payments/refund")
    assert await market.state(order) == "refunded"
    await agree(market, order)


async def test_of_a_mixed_order_only_the_preorder_is_paid_back(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1), (variants[5], None, 1))
    await market.ask(order, "payments/refund")
    shown, told = await market.in_shop(order), await market.read(order)
    assert shown["refunded"] == told["lines"][0]["total"]
    assert told["state"] == "refunded"
    await agree(market, order)


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
    await agree(market, order)


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
    await agree(market, order)


async def test_no_cancelling_while_a_charge_is_under_way(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.site.control("PATCH", "charges", {"polls": 4})
    await did(market.client, f"{at(order)}/payments/charge_balance")

    async def is_under_way():
        return (await payments(market, order))["balance"]["status"] == "processing"

    await until(is_under_way)
    assert "under way" in await market.refusal(order, "cancel")
    await idle(market.database)
    await market.ask(order, "cancel", refund_deposit=True, refund_balance=True)
    await agree(market, order)


async def test_cancelled_by_the_merchant_in_the_shop(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.happen(order, "cancel")
    told = await market.read(order)
    assert told["state"] == "cancelled"
    await agree(market, order)


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
    await agree(market, order)


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
    await agree(market, order)


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
    await agree(market, order)


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
    await agree(market, late)


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
    await agree(market, order)


async def test_an_order_whose_preorders_are_all_removed_is_cancelled(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1), (variants[5], None, 1))
    line = next(one for one in order["lines"] if one["plan_id"])
    await market.happen(order, "edit", lines=[{"id": line["id"], "quantity": 0}])
    assert await market.state(order) == "cancelled"
