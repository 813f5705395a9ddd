"""Cancelling orders in the shop, which takes its time and may refuse."""

from openstoq.preorders.orders import decisions, store
from openstoq.preorders.orders.payments import charges
from tests.factories.patience import until
from tests.factories.preorders import order_path, payments
from tests.factories.sandboxed import accepted, all_jobs_done


async def test_a_cancellation_that_never_comes_is_told_after_a_while(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1))
    await market.site.control("PATCH", "charges", {"polls": 1_000})
    await accepted(market.client, f"{order_path(order)}/cancel", cancel_shopify_order=True)

    async def was_asked_long_ago():
        async with market.database.transaction(market.shop.id) as db:
            return await db.fetchval(
                """
                UPDATE preorder_orders SET cancel_asked_at = cancel_asked_at - interval '11 minutes'
                WHERE cancel_asked_at IS NOT NULL RETURNING true
                """
            )

    await until(was_asked_long_ago)
    await all_jobs_done(market.database)
    told = (await market.read(order))["sync"]
    assert (told["state"], "did not; cancel it there" in told["error"]) == ("failed", True)
    # Once it comes after all, everything is well.
    await market.happen(order, "cancel")
    assert (await market.read(order))["sync"] == {"state": "synced", "error": None}


async def test_what_was_sent_in_part_is_not_cancelled_in_the_shop(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 2))
    await market.ask(order, "release")
    (line,) = order["lines"]
    await market.happen(order, "fulfill", lines=[{"line_item_id": line["id"], "quantity": 1}])
    refused = await market.refusal(order, "cancel", cancel_shopify_order=True)
    assert "sent already" in refused
    await market.ask(order, "cancel")
    assert await market.state(order) == "cancelled"


async def test_a_refused_cancellation_stays_told_however_often_the_order_is_read(
    market, plans, variants
):
    order = await market.place((variants[0], plans["full"], 1))
    await market.ask(order, "release")
    await market.site.control("POST", f"orders/{order['id']}/fulfill", {})
    # Nobody has told us that it was sent.
    await market.ask(order, "cancel", cancel_shopify_order=True)
    for _ in range(2):
        told = (await market.read(order))["sync"]
        assert (told["state"], "fulfilled" in told["error"]) == ("failed", True)
        await market.tell(order)


async def test_a_cancel_calls_off_a_charge_that_was_not_handed_over(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    async with market.runtime.work(market.shop.id, request_id="test") as work:
        ours = await store.load_order(work.db, work.shop_id, order["id"], lock=True)
        await charges.begin(work, ours)
        ours = await store.load_order(work.db, work.shop_id, order["id"], lock=True)
        await decisions.cancel(work, ours, reason=None, refund=(), notify=False, in_shop=False)
    await all_jobs_done(market.database)
    found = await payments(market, order)
    assert (await market.state(order), found["balance"]["status"]) == ("cancelled", "void")
    assert await market.charges() == []
