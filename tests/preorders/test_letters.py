"""Mails about orders: to whom, with what in them, once under one Message-ID, or not at all."""

from datetime import timedelta

import pytest

from openstoq.jobs.job import GiveUp
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import created_at, new_id
from openstoq.preorders.orders import mails
from openstoq.preorders.orders.mails import cause_of
from tests.commerce.order_answers import order as told
from tests.commerce.server import answer
from tests.messaging.reading import Links, body, parsed
from tests.preorders.placed_orders import admin, only, paid, placed, relay, runtime, send, shop

__all__ = ["admin", "paid", "placed", "relay", "runtime", "send", "shop"]

PAY = "https://shop.example/pay/fresh?key=1"


def offers_link(admin, **more):
    collection = {"additionalPaymentCollectionUrl": PAY, "vaultedPaymentMethods": []}
    admin.replies(answer({"order": told(paymentCollectionDetails=collection, **more)}))


async def test_a_payment_link_is_fresh_and_asks_for_what_the_shop_says(admin, relay, placed, send):
    await placed()
    offers_link(admin, totalOutstandingSet={"shopMoney": {"amount": "75.5"}})
    await send(mails.send_payment_link, why="asked")
    email, message, text = only(relay)
    assert email.recipient == message["To"] == "ada@example.com"
    assert message["From"] == "Snowdevil <shop@snowdevil.example>"
    assert "Hello Ada Lovelace," in text
    assert "2 × Trail Jacket (Blue / M)" in text.splitlines()
    assert "Still to pay: $75.50" in text.splitlines()
    assert PAY in text.splitlines()
    assert PAY in Links(body(message, "html")).found


async def test_a_repeated_mail_is_the_same_message(admin, relay, placed, send):
    await placed()
    number = new_id()
    for _ in range(2):
        offers_link(admin)
        await send(mails.send_payment_link, why="due", notice_id=number)
    first, second = relay.taken
    assert first == second
    message = parsed(first.content)
    assert message["Message-ID"] == f"<{number}@127.0.0.1>"
    assert message["Date"].datetime == created_at(number).replace(microsecond=0)


async def test_a_mail_is_in_the_shoppers_language_or_the_shops(
    admin, relay, database, shop, placed, send
):
    await placed(locale=None, currency="JPY")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET locale = 'de'")
    offers_link(admin)
    await send(mails.send_payment_link, why="due")
    _, message, text = only(relay)
    assert message["Subject"] == "Zahlung fällig: der Rest deiner Vorbestellung #1001"
    assert "Noch zu zahlen: 80\xa0¥" in text.splitlines()


@pytest.mark.parametrize(
    "facts",
    [
        {"collected_at": utc_now(), "state": "balance_collected"},
        {"cancelled_at": utc_now(), "state": "cancelled"},
        {"shop_cancelled_at": utc_now()},
    ],
)
async def test_who_has_nothing_to_pay_any_more_gets_no_link(admin, relay, placed, send, facts):
    await placed(**facts)
    await send(mails.send_payment_link, why="due")
    assert relay.taken == []
    assert admin.requests == []


@pytest.mark.parametrize(
    "fresh",
    [
        {"totalOutstandingSet": {"shopMoney": {"amount": "0.0"}}},
        {"cancelledAt": "2026-06-20T14:30:00Z", "cancelReason": "CUSTOMER"},
    ],
)
async def test_what_only_the_shop_knows_counts_as_well(admin, relay, placed, send, fresh):
    await placed()
    offers_link(admin, **fresh)
    await send(mails.send_payment_link, why="due")
    assert admin.names == ["OrderById"]
    assert relay.taken == []


async def test_an_order_that_the_shop_lost_or_that_is_none_gets_no_mail(admin, relay, placed, send):
    for job, more in ((mails.send_payment_link, {"why": "due"}), (mails.send_receipt, {})):
        await send(job, **more)
    await placed()
    admin.replies(answer({"order": None}))
    await send(mails.send_payment_link, why="due")
    assert relay.taken == []


async def test_without_a_payment_page_the_operator_is_told(admin, relay, placed, send):
    await placed()
    admin.replies(answer({"order": told()}))
    with pytest.raises(GiveUp, match="gives no payment page"):
        await send(mails.send_payment_link, why="asked")
    assert relay.taken == []


async def test_a_declined_shopper_is_told_why_and_when_it_is_tried_again(
    admin, relay, placed, paid, send
):
    await placed()
    again_at = utc_now() + timedelta(days=3)
    await paid(status="failed", error="Insufficient funds.", retry_at=again_at)
    offers_link(admin)
    await send(mails.send_payment_link, why="declined")
    _, message, text = only(relay)
    assert message["Subject"] == "Payment declined: preorder #1001"
    assert "there was not enough money available" in text
    assert f"{again_at:%B} {again_at.day}, {again_at.year}" in text
    assert "Insufficient funds." not in text


async def test_after_the_last_try_no_other_is_promised(admin, relay, placed, paid, send):
    await placed()
    await paid(status="failed", error="Your card has expired.", retry_at=None)
    offers_link(admin)
    await send(mails.send_payment_link, why="declined")
    _, _, text = only(relay)
    assert "the card that you left with us has expired" in text
    assert "We will not try again." in text


async def test_while_the_next_try_is_under_way_nobody_hears_of_the_last_one(
    admin, relay, placed, paid, send
):
    await placed()
    await paid(status="processing", error="Your card was declined.")
    await send(mails.send_payment_link, why="declined")
    assert relay.taken == []
    assert admin.requests == []


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("Your card was declined.", "declined"),
        ("The card has EXPIRED", "expired"),
        ("There is not enough money on the account", "funds"),
        ("", "declined"),
        (None, "declined"),
    ],
)
def test_a_providers_words_are_read_for_what_a_shopper_can_do(error, cause):
    assert cause_of(error) == cause


async def test_a_shopper_can_answer_the_shop_and_open_the_order(
    admin, relay, database, shop, placed, paid, send
):
    await placed()
    await paid(amount=20, kind="deposit", part="deposit", mode="checkout")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET contact_email = 'hello@snowdevil.example'")
        await db.execute(
            "UPDATE preorder_orders SET snapshot = snapshot || $1",
            {"status_url": "https://snowdevil.example/orders/abc"},
        )
    offers_link(admin)
    await send(mails.send_payment_link, why="asked")
    _, message, text = only(relay)
    assert message["Reply-To"] == "hello@snowdevil.example"
    assert "https://snowdevil.example/orders/abc" in text.splitlines()
    assert "Deposit received: $20.00" in text.splitlines()


async def test_the_merchant_does_not_answer_themselves(relay, database, shop, placed, send):
    await placed()
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET contact_email = 'hello@snowdevil.example'")
    await send(mails.tell_merchant_held_again)
    _, message, _ = only(relay)
    assert message["To"] == "owner@snowdevil.example"
    assert message["Reply-To"] is None
    assert message["Subject"].startswith("Held again: ")
