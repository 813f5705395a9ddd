"""Mails about what happened to an order: receipts, cancellations, updates, and who gets none."""

from decimal import Decimal

import pytest
import structlog

from openstoq.jobs.job import GiveUp, Retry
from openstoq.kernel.clock import utc_now
from openstoq.messaging.port import Delivery, Outcome
from openstoq.preorders.orders import mails
from openstoq.shops import store
from tests.commerce.order_answers import ORDER
from tests.preorders.placed_orders import (
    DOMAIN,
    admin,
    only,
    paid,
    placed,
    relay,
    runtime,
    send,
    shop,
)

__all__ = ["admin", "paid", "placed", "relay", "runtime", "send", "shop"]

UPDATE = {"subject": "On its way", "header": "Good news", "description": "Next week.\nPromised."}


async def test_a_receipt_adds_up_what_came_of_the_balance(relay, placed, paid, send):
    await placed(collected_at=utc_now())
    await paid(amount=Decimal("30.25"))
    await paid(amount=Decimal("49.75"), mode="link")
    await paid(amount=Decimal(80), status="failed")
    await paid(amount=Decimal(20), kind="deposit", part="deposit", mode="checkout")
    await send(mails.send_receipt)
    _, message, text = only(relay)
    assert message["Subject"] == "Payment received: preorder #1001"
    assert "Deposit received: $20.00" in text.splitlines()
    assert "Balance received: $80.00" in text.splitlines()
    assert "Still to pay: $0.00" in text.splitlines()


async def test_without_a_payment_there_is_no_receipt(relay, placed, paid, send):
    await placed()
    await paid(status="failed")
    await send(mails.send_receipt)
    assert relay.taken == []


@pytest.mark.parametrize("state", ["cancelled", "refunded"])
async def test_nobody_is_promised_what_is_not_sent_any_more(relay, placed, paid, send, state):
    await placed(state=state)
    await paid(mode="link")
    await send(mails.send_receipt)
    assert relay.taken == []


async def test_a_cancellation_tells_the_reason_what_was_ordered_and_what_comes_back(
    relay, database, shop, placed, paid, send
):
    await placed(cancelled_at=utc_now(), cancel_reason="The mill burnt down", state="cancelled")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE preorder_lines SET current = 0, counted = 0")
    for status in ("pending", "succeeded", "failed", "void"):
        await paid(kind="refund", part="deposit", mode="refund", amount=10, status=status)
    await send(mails.send_cancellation, why="asked")
    _, message, text = only(relay)
    assert message["Subject"] == "Cancelled: your preorder #1001"
    assert "The reason: The mill burnt down" in text.splitlines()
    assert "Refund: $20.00" in text.splitlines()
    assert "2 × Trail Jacket (Blue / M)" in text.splitlines()


async def test_an_order_over_the_limit_is_told_so(relay, placed, send):
    await placed(
        cancelled_at=utc_now(),
        cancel_reason="over the limit of the preorder",
        exceeded=["at most 3 of it can be ordered"],
        state="cancelled",
    )
    await send(mails.send_cancellation, why="exceeded")
    _, message, text = only(relay)
    assert message["Subject"] == "Cancelled: your preorder #1001 went over the limit"
    assert "at most 3" not in text
    assert "The reason" not in text


async def test_a_shipping_update_says_what_the_merchant_wrote(relay, placed, send):
    await placed()
    await send(mails.send_shipping_update, **UPDATE)
    email, message, text = only(relay)
    assert email.recipient == "ada@example.com"
    assert message["Subject"] == "On its way"
    assert "Next week.\nPromised." in text


async def test_the_merchant_hears_of_a_balance_that_could_not_be_collected(
    relay, placed, paid, send
):
    await placed()
    await paid(status="failed", error="Your card was declined.", amount=80)
    await send(mails.tell_merchant_uncollected)
    email, message, text = only(relay)
    assert email.recipient == "owner@snowdevil.example"
    assert message["Subject"] == "Not collected: the balance of order #1001"
    assert "What went wrong: Your card was declined." in text.splitlines()
    assert f"https://{DOMAIN}/admin/orders/{ORDER}" in text.splitlines()
    assert "Ada" not in text


async def test_the_merchant_does_not_hear_of_one_that_was_paid_meanwhile(relay, placed, send):
    await placed(collected_at=utc_now())
    await send(mails.tell_merchant_uncollected)
    assert relay.taken == []


@pytest.mark.parametrize("email", [None, ""])
async def test_an_order_without_an_address_is_noted_and_passed_over(relay, placed, send, email):
    await placed(email=email, phone="+4930123456")
    with structlog.testing.capture_logs() as logged:
        await send(mails.send_shipping_update, **UPDATE)
    assert relay.taken == []
    (line,) = logged
    assert (line["event"], line["order_id"]) == ("order_mail.without_address", ORDER)
    assert "Ada" not in repr(line)
    assert "4930123456" not in repr(line)


async def test_an_address_that_is_none_is_given_up_without_being_quoted(relay, placed, send):
    await placed(email="ada@@example.com")
    with pytest.raises(GiveUp) as given_up:
        await send(mails.send_shipping_update, **UPDATE)
    assert relay.taken == []
    assert "example.com" not in str(given_up.value)
    assert given_up.value.__suppress_context__


async def test_when_the_relay_says_later_the_job_comes_again_and_names_nobody(relay, placed, send):
    async def later(email):
        return Delivery(Outcome.DEFERRED, f"451 <{email.recipient}> is greylisted")

    relay.answer = later
    await placed()
    with pytest.raises(Retry) as retry:
        await send(mails.send_shipping_update, **UPDATE)
    assert str(retry.value) == "451 <the recipient> is greylisted"


async def test_an_uninstalled_shop_writes_to_nobody(relay, database, shop, placed, send):
    await placed()
    async with database.transaction(shop.id) as db:
        await store.mark_uninstalled(db, shop.id, utc_now())
    await send(mails.send_shipping_update, **UPDATE)
    await send(mails.send_payment_link, why="asked")
    assert relay.taken == []
