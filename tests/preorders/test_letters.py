"""Mails about orders: to whom, with what in them, once under one Message-ID, or not at all."""

from datetime import timedelta
from decimal import Decimal

import pytest
import structlog

from commerce.order_answers import ORDER
from commerce.order_answers import order as told
from commerce.server import answer, serving
from factories.clients import patient_client
from factories.orders import make_line, make_order, make_payment
from factories.relays import Relay
from factories.runtimes import KEY, make_runtime
from messaging.reading import Links, body, parsed
from openstoq.commerce.port import ShopConnector
from openstoq.commerce.shopify.adapter import ShopifyConnector
from openstoq.config import Mail, Security, Settings
from openstoq.jobs.job import GiveUp, Retry
from openstoq.jobs.work import Run
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import created_at, new_id
from openstoq.messaging.port import Delivery, EmailTransport, Outcome
from openstoq.preorders.orders import mails
from openstoq.preorders.orders.mails import cause_of
from openstoq.shops import store
from openstoq.shops.seal import Seal

DOMAIN = "snowdevil.myshopify.com"
PAY = "https://shop.example/pay/fresh?key=1"
UPDATE = {"subject": "On its way", "header": "Good news", "description": "Next week.\nPromised."}


@pytest.fixture
async def admin():
    async with serving() as admin:
        yield admin


@pytest.fixture
def relay():
    return Relay()


@pytest.fixture
async def runtime(database, relay):
    async with patient_client() as http:
        ports = {ShopConnector: ShopifyConnector(http), EmailTransport: relay}
        settings = Settings(security=Security(key=KEY), mail=Mail(sender="shop@snowdevil.example"))
        yield make_runtime(database, ports=ports, settings=settings)


@pytest.fixture
async def shop(database, admin):
    shop_id = new_id()
    async with database.transaction(shop_id) as db:
        await store.save(
            db,
            shop_id,
            domain=DOMAIN,
            name="Snowdevil",
            now=utc_now(),
            api_url=admin.url,
            access_token=Seal(KEY).close("shpat_test"),
        )
        await db.execute("UPDATE shops SET email = 'owner@snowdevil.example'")
        return await store.load(db, shop_id)


@pytest.fixture
async def placed(database, shop):
    """Add the order that is written about, with two units in it, and return our id of it."""

    async def place(**facts):
        async with database.transaction(shop.id) as db:
            number = await make_order(db, shop.id, ORDER, **{"name": "#1001"} | facts)
            await make_line(db, shop.id, ORDER)
            return number

    return place


@pytest.fixture
async def paid(database, shop):
    async def pay(**facts):
        async with database.transaction(shop.id) as db:
            return await make_payment(db, shop.id, ORDER, **facts)

    return pay


@pytest.fixture
def send(runtime, shop):
    """Run one of the jobs that send mails."""

    async def send(job, **arguments):
        run = Run(runtime=runtime, shop_id=shop.id, request_id="test", attempt=1)
        sent = {"order_id": ORDER, "notice_id": new_id()} | arguments
        await job.handler(run, **job.arguments(sent))

    return send


def offers_link(admin, **more):
    collection = {"additionalPaymentCollectionUrl": PAY, "vaultedPaymentMethods": []}
    admin.replies(answer({"order": told(paymentCollectionDetails=collection, **more)}))


def only(relay):
    (email,) = relay.taken
    message = parsed(email.content)
    return email, message, body(message, "plain")


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
    assert message["Subject"] == "Der Rest deiner Vorbestellung #1001 ist fällig"
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
    assert message["Subject"] == "Your payment for preorder #1001 did not go through"
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


async def test_a_receipt_adds_up_what_came_of_the_balance(relay, placed, paid, send):
    await placed(collected_at=utc_now())
    await paid(amount=Decimal("30.25"))
    await paid(amount=Decimal("49.75"), mode="link")
    await paid(amount=Decimal(80), status="failed")
    await paid(amount=Decimal(20), kind="deposit", part="deposit", mode="checkout")
    await send(mails.send_receipt)
    _, message, text = only(relay)
    assert message["Subject"] == "We received your payment for preorder #1001"
    assert "Paid: $80.00" in text.splitlines()


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
    assert message["Subject"] == "Your preorder #1001 was cancelled"
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
    assert message["Subject"] == "We had to cancel your preorder #1001"
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
    assert message["Subject"] == "The balance of order #1001 could not be collected"
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
