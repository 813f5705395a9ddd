"""The port's charges, refunds and cancellations against a sandbox shop's cards."""

from decimal import Decimal

import pytest

from openstoq.commerce.port import (
    CommerceRefused,
    CommerceUnavailable,
)
from openstoq.kernel.money import Money
from sandbox.site import NORTHWIND
from tests.commerce.in_sandbox.checkout import Checkout, balance, charge, finished, refund


async def test_the_balance_is_charged_once_however_often_it_is_asked_for(shop, checkout):
    bought = await checkout.buy()
    mandate, schedule = await balance(shop, bought["id"])

    async def ask():
        return await shop.charge_mandate(
            bought["id"], mandate.id, key="k1", schedule_id=schedule.id
        )

    references = {await ask(), await ask()}
    (reference,) = references
    ended = await finished(shop, bought["id"], reference)
    assert (ended.state, ended.error) == ("succeeded", None)
    assert await ask() == reference
    order = await shop.order(bought["id"])
    assert (order.financial_status, order.outstanding) == ("paid", Decimal(0))
    assert [each.id for each in order.transactions][1:] == list(ended.transaction_ids)
    assert order.transactions[-1].amount == schedule.balance_due
    assert order.schedules[0].completed_at is not None
    assert order.schedules[0].balance_due == 0
    assert len((await checkout.control("GET", "charges"))["charges"]) == 1


async def test_a_charge_is_asked_after_until_it_ended(shop, checkout):
    bought = await checkout.buy()
    await checkout.control("PATCH", "charges", {"polls": 3})
    reference = await charge(shop, bought["id"])
    states = [(await shop.payment_status(bought["id"], reference)).state for _ in range(4)]
    assert states == ["processing", "processing", "succeeded", "succeeded"]


async def test_a_charge_whose_answer_was_lost_was_made_once(shop, checkout):
    bought = await checkout.buy(card="loses_answer")
    reference = await charge(shop, bought["id"])
    assert (await finished(shop, bought["id"], reference)).state == "succeeded"
    order = await shop.order(bought["id"])
    assert order.received == order.total
    assert len(order.transactions) == 2


async def test_a_charge_is_made_once_though_its_caller_gave_up(site, shop, checkout):
    bought = await checkout.buy()
    mandate, schedule = await balance(shop, bought["id"])
    await site.control("POST", "faults", {"fault": "status", "status": 503, "count": 12})
    asked = {"key": "k1", "schedule_id": schedule.id}
    with pytest.raises(CommerceUnavailable):
        await shop.charge_mandate(bought["id"], mandate.id, **asked)
    reference = await shop.charge_mandate(bought["id"], mandate.id, **asked)
    assert (await finished(shop, bought["id"], reference)).state == "succeeded"
    assert len((await shop.order(bought["id"])).transactions) == 2


@pytest.mark.parametrize("card", ["declines", "declines_1"])
async def test_a_card_that_declines_fails_with_a_reason(shop, checkout, card):
    bought = await checkout.buy(card=card)
    before = await shop.order(bought["id"])
    ended = await finished(shop, bought["id"], await charge(shop, bought["id"]))
    assert ended.state == "failed"
    assert ended.error.endswith(".")
    after = await shop.order(bought["id"])
    assert after.outstanding == before.outstanding
    failed = after.transactions[-1]
    assert (failed.kind, failed.status) == ("sale", "failure")
    assert failed.error_code == ("card_declined" if card == "declines" else "insufficient_funds")


async def test_a_card_that_declined_once_is_charged_with_another_key(shop, checkout):
    bought = await checkout.buy(card="declines_1")
    first = await charge(shop, bought["id"])
    await finished(shop, bought["id"], first)
    assert await charge(shop, bought["id"]) == first
    second = await charge(shop, bought["id"], key="k2")
    assert second != first
    assert (await finished(shop, bought["id"], second)).state == "succeeded"


async def test_a_card_that_needs_its_owner_waits_for_him(shop, checkout):
    bought = await checkout.buy(card="needs_authentication")
    reference = await charge(shop, bought["id"])
    assert (await finished(shop, bought["id"], reference)).state == "authenticate"
    await checkout.control("POST", f"orders/{bought['id']}/authenticate", {})
    assert (await shop.payment_status(bought["id"], reference)).state == "succeeded"


async def test_an_expired_card_is_told_as_of_no_use(shop, checkout):
    bought = await checkout.buy(card="expired")
    mandate, _ = await balance(shop, bought["id"])
    assert mandate.usable is False
    ended = await finished(shop, bought["id"], await charge(shop, bought["id"]))
    assert ended.state == "failed"


async def test_an_amount_is_charged_where_the_plan_allows_one(site, connect, shop, checkout):
    bought = await checkout.buy()
    mandate, _ = await balance(shop, bought["id"])
    amount = Money(Decimal(1), "USD")
    with pytest.raises(CommerceRefused, match="Plus"):
        await shop.charge_mandate(bought["id"], mandate.id, key="k1", amount=amount)
    plus = connect(domain=NORTHWIND)
    assert (await plus.shop()).is_plus
    sold = await (await Checkout(site, plus, NORTHWIND).open()).buy()
    mandate, schedule = await balance(plus, sold["id"])
    one_euro = Money(Decimal(1), "EUR")
    reference = await plus.charge_mandate(sold["id"], mandate.id, key="k1", amount=one_euro)
    assert (await finished(plus, sold["id"], reference)).state == "succeeded"
    order = await plus.order(sold["id"])
    assert order.outstanding == order.schedules[0].balance_due == schedule.balance_due - 1


async def test_a_charge_that_cannot_be_begun_is_refused(shop, checkout):
    bought = await checkout.buy()
    _, schedule = await balance(shop, bought["id"])
    with pytest.raises(CommerceRefused, match="Mandate") as caught:
        await shop.charge_mandate(
            bought["id"], "gid://shopify/PaymentMandate/1", key="k1", schedule_id=schedule.id
        )
    assert caught.value.refusals[0].code == "ORDER_MANDATE_PAYMENT_ERROR_CODE"
    assert len((await shop.order(bought["id"])).transactions) == 1


async def test_a_charge_that_nobody_began_has_not_failed(shop, checkout):
    bought = await checkout.buy()
    assert (await shop.payment_status(bought["id"], "never")).state == "processing"


async def test_an_order_is_marked_as_paid_once(shop, checkout):
    bought = await checkout.buy()
    for _ in range(2):
        await shop.mark_paid(bought["id"])
    order = await shop.order(bought["id"])
    assert (order.financial_status, order.can_mark_paid) == ("paid", False)
    assert (order.outstanding, order.received) == (Decimal(0), order.total)
    assert len(order.transactions) == 2
    with pytest.raises(CommerceRefused):
        await shop.mark_paid(1)


async def test_a_cancelled_order_is_not_taken_for_paid(shop, checkout):
    bought = await checkout.buy()
    await checkout.control("POST", f"orders/{bought['id']}/cancel", {"refund": False})
    with pytest.raises(CommerceRefused):
        await shop.mark_paid(bought["id"])


async def test_a_deposit_is_paid_back_once_for_each_key(shop, checkout):
    bought = await checkout.buy(checkout.line(2))
    before = await shop.order(bought["id"])
    first = await refund(shop, bought["id"], "1.50")
    assert first.amount == Decimal("1.50")
    assert await refund(shop, bought["id"], "1.50") == first
    after = await shop.order(bought["id"])
    assert (after.refunded, after.received) == (Decimal("1.50"), before.received)
    back = after.transactions[-1]
    assert (back.kind, back.status, back.amount) == ("refund", "success", Decimal("1.50"))
    assert back.parent_id == before.transactions[0].id
    second = await refund(shop, bought["id"], "0.50", key="r2")
    assert second.id != first.id
    assert (await shop.order(bought["id"])).refunded == Decimal("2.00")
    assert [line.current for line in after.lines] == [2]


async def test_a_refund_under_a_key_that_was_another_is_refused(shop, checkout):
    bought = await checkout.buy()
    await refund(shop, bought["id"], "1.50")
    with pytest.raises(CommerceRefused, match="same idempotency key"):
        await refund(shop, bought["id"], "1.60")
    assert (await shop.order(bought["id"])).refunded == Decimal("1.50")


async def test_no_more_is_paid_back_than_was_paid(shop, checkout):
    bought = await checkout.buy()
    received = (await shop.order(bought["id"])).received
    with pytest.raises(CommerceRefused):
        await refund(shop, bought["id"], received + 1)
    assert (await shop.order(bought["id"])).refunded == Decimal(0)


async def test_a_refund_whose_answer_was_lost_is_made_once(site, shop, checkout):
    bought = await checkout.buy()
    await site.control("POST", "faults", {"fault": "close", "count": 2})
    await refund(shop, bought["id"], "1.50")
    assert (await shop.order(bought["id"])).refunded == Decimal("1.50")


async def test_an_order_is_cancelled_once_and_keeps_its_money(shop, checkout):
    bought = await checkout.buy()
    received = (await shop.order(bought["id"])).received

    async def cancel(order_id):
        await shop.cancel_order(
            order_id, reason="customer", note="By mail", notify=False, restock=True
        )

    await cancel(bought["id"])
    await checkout.site.idle()
    order = await shop.order(bought["id"])
    assert (order.cancel_reason, order.cancelled_at is None) == ("customer", False)
    assert (order.received, order.refunded) == (received, Decimal(0))
    assert [line.current for line in order.lines] == [0]
    await cancel(bought["id"])
    assert (await shop.order(bought["id"])).cancelled_at == order.cancelled_at
    with pytest.raises(CommerceRefused) as caught:
        await cancel(1)
    assert caught.value.refusals[0].code == "NOT_FOUND"
