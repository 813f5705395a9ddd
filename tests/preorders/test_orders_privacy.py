"""What is stored of a customer's preorders is told to the merchant, and forgotten when asked."""

import dataclasses
from email import message_from_bytes, policy

import orjson
import pytest

from openstoq.commerce.inbound import CustomerRedacted, DataRequested, PrivacyRequest
from openstoq.kernel.clock import utc_now
from openstoq.messaging.port import EmailTransport
from openstoq.preorders.orders.privacy import jobs as order_privacy
from openstoq.preorders.orders.privacy.jobs import send_customer_orders
from openstoq.shops.inbound_webhooks.jobs import News
from tests.factories.orders import make_line, make_order, make_payment
from tests.factories.relays import Relay
from tests.factories.runtimes import make_runtime
from tests.factories.waitlists import run_of

ADA = PrivacyRequest(
    shop_id=1,
    shop_domain="snowdevil.myshopify.com",
    customer_id=501,
    email="ada@example.com",
    phone=None,
    order_ids=(),
)


@pytest.fixture
def relay():
    return Relay()


@pytest.fixture
async def runtime(database, relay):
    return make_runtime(database, ports={EmailTransport: relay})


@pytest.fixture
async def orders(database, shop):
    async with database.transaction(shop.id) as db:
        await make_order(db, shop.id, 1001)
        await make_line(db, shop.id, 1001)
        await make_payment(db, shop.id, 1001)
        await make_order(db, shop.id, 1002, customer_id=None, email="ADA@example.com")
        await make_order(db, shop.id, 1003, customer_id=7, email="bob@example.com")
        await db.execute("UPDATE shops SET email = 'merchant@example.com'")


async def told(runtime, shop, change):
    async with runtime.work(shop.id, request_id="test") as work:
        await order_privacy.on_news(work, News(change, utc_now()))
        return [effect.arguments for effect in work.effects]


@pytest.mark.usefixtures("orders")
async def test_the_merchant_gets_a_customers_orders(runtime, shop, relay):
    (arguments,) = await told(runtime, shop, DataRequested(ADA))
    assert arguments["order_ids"] == [1001, 1002]
    await send_customer_orders.handler(run_of(runtime, shop), **arguments)
    (email,) = relay.taken
    assert email.recipient == "merchant@example.com"
    message = message_from_bytes(email.content, policy=policy.default)
    (attachment,) = message.iter_attachments()
    data = orjson.loads(attachment.get_content())
    assert [one["order_id"] for one in data["orders"]] == [1001, 1002]
    assert [one["title"] for one in data["lines"]] == ["Trail Jacket"]
    assert [one["amount"] for one in data["payments"]] == [80]
    assert b"bob@" not in email.content


@pytest.mark.usefixtures("orders")
async def test_a_customer_without_preorders_is_no_mail(runtime, shop):
    nobody = dataclasses.replace(ADA, customer_id=9, email="nobody@example.com")
    assert await told(runtime, shop, DataRequested(nobody)) == []


@pytest.mark.parametrize("email", ["Eva@Bücher.example", "eva@xn--bcher-kva.example"])
async def test_an_international_address_is_one_in_either_form(runtime, database, shop, email):
    async with database.transaction(shop.id) as db:
        await make_order(db, shop.id, 1, customer_id=None, email="eva@bücher.example")
        await make_order(db, shop.id, 2, customer_id=None, email="eva@xn--bcher-kva.example")
        await make_order(db, shop.id, 3, customer_id=None, email="eva@buecher.example")
    eva = dataclasses.replace(ADA, customer_id=9, email=email)
    (arguments,) = await told(runtime, shop, DataRequested(eva))
    assert arguments["order_ids"] == [1, 2]


@pytest.mark.usefixtures("orders")
async def test_a_customer_is_forgotten_and_the_books_stay(runtime, database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE preorder_orders SET cancel_reason = 'Ada Lovelace moved away'")
        await db.execute("UPDATE preorder_payments SET note = 'Ada called'")
        before = await db.fetch("SELECT * FROM preorder_orders ORDER BY order_id")
    await told(runtime, shop, CustomerRedacted(ADA))
    async with database.transaction(shop.id) as db:
        rows = await db.fetch("SELECT * FROM preorder_orders ORDER BY order_id")
        (payment,) = await db.fetch("SELECT note, amount FROM preorder_payments")
    assert (payment["note"], payment["amount"]) == (None, 80)
    gone = ("customer_id", "customer_name", "email", "phone", "locale", "cancel_reason")
    for row in rows[:2]:
        assert [row[name] for name in gone] == [None] * len(gone)
        assert "Ada" not in str(dict(row))
        assert (row["total"], row["country"]) == (100, "DE")
    assert dict(rows[2]) == dict(before[2])
