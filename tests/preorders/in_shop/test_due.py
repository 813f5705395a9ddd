"""Balances whose day has come: collected as soon as the shop says so, and by one run only."""

import asyncio
from datetime import UTC, datetime

from openstoq.commerce.inbound import PaymentScheduleDue
from openstoq.preorders.orders import jobs as order_jobs
from openstoq.preorders.orders.payments.charges import collect_due
from openstoq.shops.inbound_webhooks.jobs import News
from tests.factories.sandboxed import all_jobs_done
from tests.factories.waitlists import run_of


async def test_a_message_that_a_payment_is_due_has_it_collected(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.site.control("POST", f"orders/{order['id']}/due", {})
    (schedule,) = (await market.in_shop(order))["schedules"]
    news = News(PaymentScheduleDue(schedule["id"], None), datetime.now(UTC))
    async with market.runtime.work(market.shop.id, request_id="test") as work:
        await order_jobs.on_news(work, news)
    await all_jobs_done(market.database)
    assert await market.state(order) == "balance_collected"
    assert (await market.in_shop(order))["outstanding"] == "0.00"


async def test_runs_that_collect_at_once_mail_a_shopper_without_a_card_once(
    market, plans, variants
):
    await market.place((variants[0], plans["partial"], 1), card="none")
    async with market.database.transaction(market.shop.id) as db:
        await db.execute("UPDATE preorder_orders SET due_at = now()")
    run = run_of(market.runtime, market.shop)
    await asyncio.gather(*(collect_due.handler(run) for _ in range(4)))
    await all_jobs_done(market.database)
    assert market.relay.recipients == ["ada@example.com"]
