"""The money of preorders in a running sandbox: charged once, and collected in the end."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from openstoq.preorders.orders.payments.charges import charge, collect_due
from tests.factories.patience import until
from tests.factories.preorders import assert_books_agree, order_path, payments
from tests.factories.sandboxed import accepted, all_jobs_done


async def later(market, order, **passed):
    """Let time pass for the ledger of an order: its next try is due."""
    async with market.database.transaction(market.shop.id) as db:
        await db.execute(
            "UPDATE preorder_payments SET retry_at = retry_at - $2::interval WHERE order_id = $1",
            order["id"],
            timedelta(**passed),
        )


async def test_an_order_that_is_told_of_late_keeps_the_options_of_its_plans(
    market, offer, plans, variants
):
    order = await market.buy((variants[0], plans["full"], 1), (variants[1], plans["partial"], 1))
    await accepted(market.client, f"{offer}/payments/set_mode", mode="partial")
    await all_jobs_done(market.database)
    await market.tell(order)
    told = await market.read(order)
    assert [line["payment"] for line in told["lines"]] == ["full", "partial"]
    await assert_books_agree(market, order)


async def test_two_clicks_charge_once(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    clicks = [
        market.client.post(f"{order_path(order)}/payments/charge_balance", json={"mode": "auto"})
        for _ in range(5)
    ]
    answers = await asyncio.gather(*clicks)
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]
    await all_jobs_done(market.database)
    assert len(await market.charges()) == 1
    await assert_books_agree(market, order)
    refused = await market.refusal(order, "payments/charge_balance", mode="auto")
    assert "collected already" in refused


async def test_a_charge_job_that_runs_twice_charges_once(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.site.control("PATCH", "charges", {"polls": 3})
    await accepted(market.client, f"{order_path(order)}/payments/charge_balance")
    (entry,) = [
        one for one in (await market.read(order, "/payments"))["ledger"] if one["kind"] == "balance"
    ]
    for _ in range(3):
        async with market.runtime.work(market.shop.id, request_id="test") as work:
            work.enqueue(charge, order_id=order["id"], payment_id=entry["id"])
    await all_jobs_done(market.database)
    assert len(await market.charges()) == 1
    assert await market.state(order) == "balance_collected"
    await assert_books_agree(market, order)


async def test_an_answer_that_is_lost_after_the_charge(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="loses_answer")
    await market.ask(order, "payments/charge_balance", mode="auto")
    assert len(await market.charges()) == 1
    assert await market.state(order) == "balance_collected"
    await assert_books_agree(market, order)


async def test_a_declined_balance_is_tried_again_and_the_shopper_mailed(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="declines_2")
    await market.happen(order, "due")
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
    await assert_books_agree(market, order)
    to_shopper = [mail for mail in market.relay.recipients if mail == "ada@example.com"]
    assert len(to_shopper) == 3, "two links and a receipt"


async def test_a_charge_that_brings_a_part_is_received_and_the_rest_tried_again(
    market, plans, variants
):
    order = await market.place((variants[0], plans["partial"], 1), card="pays_half")
    whole = (await payments(market, order))["balance"]["amount"]
    await market.happen(order, "due")
    told = await market.read(order, "/payments")
    balance, rest = told["balance"], told["total_outstanding"]
    assert Decimal(balance["received"]) + Decimal(rest) == Decimal(whole)
    assert 0 < Decimal(rest) < Decimal(whole)
    assert (balance["status"], bool(balance["next_attempt_at"])) == ("outstanding", True)
    assert "funds" in balance["error"]
    entries = [one for one in told["ledger"] if one["kind"] == "balance"]
    charged, part = sorted(entries, key=lambda one: one["status"])
    assert (charged["mode"], charged["status"], charged["amount"]) == ("auto", "failed", rest)
    assert (part["mode"], part["status"]) == ("auto", "succeeded")
    assert part["amount"] == balance["received"]
    assert await market.state(order) == "awaiting_balance"
    await assert_books_agree(market, order)
    assert market.relay.recipients == ["ada@example.com"]
    await later(market, order, days=2)
    await market.run(collect_due)
    assert [one["status"] for one in await market.charges()] == ["PARTIAL_SUCCESS", "SUCCESS"]
    assert [one["amount"] for one in await market.charges()] == [whole, rest]
    assert await market.state(order) == "balance_collected"
    await assert_books_agree(market, order)


async def test_what_was_read_of_a_charge_before_it_ended_is_of_that_charge(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="pays_half")
    await market.site.control("PATCH", "charges", {"polls": 2})
    await market.ask(order, "payments/charge_balance", mode="auto")
    await market.tell(order)
    told = (await market.read(order, "/payments"))["ledger"]
    entries = sorted((one["mode"], one["status"]) for one in told if one["kind"] == "balance")
    assert entries == [("auto", "failed"), ("auto", "succeeded")]
    assert market.relay.recipients == [], "it is not due yet"
    await market.happen(order, "pay")
    assert await market.state(order) == "balance_collected"
    assert (await payments(market, order))["balance"]["next_attempt_at"] is None
    await assert_books_agree(market, order)


async def test_a_balance_charged_early_is_neither_dunned_nor_retried_before_its_day(
    market, plans, variants
):
    order = await market.place((variants[0], plans["partial"], 1), card="declines_1")
    await market.ask(order, "payments/charge_balance", mode="auto")
    told = (await payments(market, order))["balance"]
    assert told["next_attempt_at"] == told["due_at"]
    await market.run(collect_due)
    assert len(await market.charges()) == 1
    assert market.relay.recipients == []


async def test_after_the_last_try_the_merchant_is_told(market, plans, variants):
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE shops SET email = 'merchant@example.com'")
    order = await market.place((variants[0], plans["partial"], 1), card="declines")
    await market.happen(order, "due")
    for _ in range(6):
        await later(market, order, days=8)
        await market.run(collect_due)
    assert len(await market.charges()) == 5
    assert market.relay.recipients.count("merchant@example.com") == 1
    assert (await payments(market, order))["balance"]["next_attempt_at"] is None
    assert await market.state(order) == "awaiting_balance"


async def test_a_charge_that_needs_the_shopper(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="needs_authentication")
    await accepted(market.client, f"{order_path(order)}/payments/charge_balance")

    async def waits():
        return (await payments(market, order))["balance"]["status"] == "authenticate"

    await until(waits)
    for what in ("cancel", "payments/charge_balance", "payments/refund"):
        assert "send_collection_url" in await market.refusal(order, what)
    await market.site.control("POST", f"orders/{order['id']}/authenticate", {})
    await all_jobs_done(market.database)
    assert await market.state(order) == "balance_collected"
    assert len(await market.charges()) == 1
    await assert_books_agree(market, order)


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
    await assert_books_agree(market, order)
    await market.refusal(order, "payments/send_collection_url")


async def test_paying_by_link_calls_a_retry_off(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1), card="declines")
    await market.ask(order, "payments/charge_balance")
    await market.happen(order, "pay")
    await later(market, order, days=8)
    await market.run(collect_due)
    assert len(await market.charges()) == 1
    await assert_books_agree(market, order)


async def test_a_balance_that_came_another_way(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.ask(order, "payments/charge_balance", mode="manual")
    assert await market.state(order) == "balance_collected"
    assert (await market.in_shop(order))["outstanding"] == "0.00"
    assert (await market.ledger(order))[-1][:2] == ("balance", "manual")
    assert await market.charges() == []
    await assert_books_agree(market, order)


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
    await assert_books_agree(market, order)
    assert len(await market.ledger(order)) == 2
    await market.ask(order, "payments/refund")
    assert await market.state(order) == "refunded"
    shown = await market.in_shop(order)
    assert shown["refunded"] == shown["received"]
    await assert_books_agree(market, order)


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
    await assert_books_agree(market, order)


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
    await assert_books_agree(market, order)


async def test_no_refund_while_a_charge_is_under_way(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.site.control("PATCH", "charges", {"polls": 10_000})
    await accepted(market.client, f"{order_path(order)}/payments/charge_balance")
    assert "under way" in await market.refusal(order, "payments/refund")
    await market.site.control("PATCH", "charges", {"polls": 1})
    await all_jobs_done(market.database)
    assert (await market.in_shop(order))["refunded"] == "0.00"
    await market.ask(order, "payments/refund")
    assert await market.state(order) == "refunded"
    await assert_books_agree(market, order)


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
    await all_jobs_done(database)
    plan = (await client.get(offer)).json()["shopify"]["partial_plan_id"]
    order = await market.place((variants[0], plan, 1))
    await market.run(collect_due)
    assert await market.charges() == []
    await market.happen(order, "fulfill")
    await market.run(collect_due)
    assert [one["status"] for one in await market.charges()] == ["SUCCESS"]
    await assert_books_agree(market, order)
    assert await market.state(order) == "fulfilled"
