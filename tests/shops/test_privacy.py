"""What Shopify asks for in the name of a customer: to be told, and to be forgotten."""

import pytest
from structlog.testing import capture_logs

from openstoq.back_in_stock.privacy import store as privacy
from openstoq.shops import store
from tests.factories.catalogs import (
    PRODUCT,
    VARIANT,
    save,
    seconds_after_noon,
)
from tests.factories.deliveries import DOMAIN, deliver, waiting
from tests.factories.waitlists import make_signup, rows, stock_becomes


def about(**customer):
    return {"shop_id": 1, "shop_domain": DOMAIN, "customer": {"id": 77} | customer}


async def test_a_customer_is_forgotten_with_all_that_was_sent(database, runtime, shop):
    await save(database, shop)
    await stock_becomes(runtime, shop, 0, -60)
    await make_signup(database, shop, "ada@example.com")
    await make_signup(database, shop, "14155552671", channel="sms")
    await make_signup(database, shop, "token", channel="push")
    kept = await make_signup(database, shop, "bob@example.com")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE customers SET shopify_id = 77 WHERE push_token = 'token'")
        await db.execute("UPDATE shops SET country = 'US'")
    await stock_becomes(runtime, shop, 5, 0)
    body = about(email="Ada@Example.com", phone="(415) 555-2671")
    await deliver(runtime, shop, "customers/redact", body)
    assert [row["id"] for row in await rows(database, shop, "signups")] == [kept]
    assert len(await rows(database, shop, "customers")) == 1
    (request,) = await rows(database, shop, "privacy_requests")
    assert request["outcome"] == {"customers_deleted": 3}
    assert request["completed_at"] is not None


@pytest.mark.parametrize("customer", [{}, {"email": None, "phone": ""}, {"phone": "12"}])
async def test_a_request_that_names_nobody_forgets_nobody(database, runtime, shop, customer):
    await save(database, shop)
    await make_signup(database, shop, "14155552612", channel="sms")
    await deliver(runtime, shop, "customers/redact", about(**customer))
    assert len(await rows(database, shop, "customers")) == 1


BRITISH, AMERICAN = "+442075551234", "+12075551234"


@pytest.mark.parametrize(
    ("phone", "shops", "customers", "gone"),
    [
        ("+44 20 7555 1234", None, None, {BRITISH}),
        ("0044 20 7555 1234", "US", None, {BRITISH}),
        ("020 7555 1234", "GB", None, {BRITISH}),
        ("020 7555 1234", "US", "GB", {BRITISH}),
        ("207-555-1234", "US", None, {AMERICAN}),
        # A number without a country is nobody's, nor is the end of one.
        ("207-555-1234", None, None, set()),
        ("020 7555 1234", "DE", None, set()),
        ("75551234", "GB", None, set()),
        ("call me", "GB", None, set()),
    ],
)
async def test_a_phone_number_is_that_of_one_customer(
    database, runtime, shop, phone, shops, customers, gone
):
    await save(database, shop)
    numbers = {BRITISH, AMERICAN}
    for number in sorted(numbers):
        await make_signup(database, shop, number, channel="sms")
    await make_signup(database, shop, "token", channel="push")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET country = $1", shops)
        await db.execute(
            "UPDATE customers SET shopify_id = 77, country = $1 WHERE push_token = 'token'",
            customers,
        )
    await deliver(runtime, shop, "customers/redact", about(phone=phone))
    left = {row["contact"] for row in await rows(database, shop, "signups")}
    assert left == numbers - gone


async def test_a_number_that_cannot_be_read_is_logged_without_itself(runtime, shop):
    with capture_logs() as lines:
        await deliver(runtime, shop, "customers/redact", about(phone="207-555-1234"))
    assert [line["event"] for line in lines].count("privacy.phone_unreadable") == 1
    told = str(lines).replace(str(shop.id), "")
    assert not any(number in told for number in ("207-555-1234", "2075551234", "5551234"))


@pytest.mark.parametrize("email", ["ada@bücher.example", "Ada@xn--bcher-kva.EXAMPLE"])
async def test_an_international_address_is_one_in_either_form(database, runtime, shop, email):
    await save(database, shop)
    await make_signup(database, shop, "Ada@Bücher.example")
    kept = await make_signup(database, shop, "ada@buecher.example")
    await deliver(runtime, shop, "customers/redact", about(email=email))
    assert [row["id"] for row in await rows(database, shop, "signups")] == [kept]


async def test_what_is_stored_of_a_customer_goes_to_the_merchant(database, runtime, shop):
    await save(database, shop)
    await make_signup(database, shop)
    await deliver(runtime, shop, "customers/data_request", about(email="ada@example.com"))
    (asked,) = await waiting(runtime, shop, "back_in_stock.privacy.send_customer_data")
    (customer,) = await rows(database, shop, "customers")
    (request,) = await rows(database, shop, "privacy_requests")
    assert asked == {
        "request_id": str(request["id"]),
        "customer_ids": [str(customer["id"])],
        "shopify_customer_id": 77,
    }
    assert len(await rows(database, shop, "signups")) == 1


async def test_an_uninstalled_shop_is_forgotten_whole(database, runtime, shop):
    await save(database, shop)
    await stock_becomes(runtime, shop, 0, -60)
    signup_id = await make_signup(database, shop)
    await stock_becomes(runtime, shop, 5, 0)
    async with database.transaction(shop.id) as db:
        await db.execute(
            """
            INSERT INTO notifications (shop_id, id, wave_id, signup_id, channel, contact,
                variant_id, product_id, status, next_attempt_at, created_at)
            SELECT shop_id, id, id, $2, 'email', 'ada@example.com', $3, $4, 'queued', $5, $5
            FROM waves WHERE shop_id = $1
            """,
            shop.id,
            signup_id,
            VARIANT,
            PRODUCT,
            seconds_after_noon(0),
        )
        await store.mark_uninstalled(db, shop.id, shop.installed_at)
    await deliver(runtime, shop, "shop/redact", {"shop_id": 1, "shop_domain": DOMAIN})
    assert await store.shop_of_domain(database, DOMAIN) is None
    async with database.transaction(shop.id) as db:
        tables = await db.fetch(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'shop_id'"
        )
        for (table,) in tables:
            assert await db.fetchval(f"SELECT count(*) FROM {table}") == 0, table  # noqa: S608 - from the schema


async def test_an_installed_shop_is_not_forgotten(database, runtime, shop):
    await save(database, shop)
    await deliver(runtime, shop, "shop/redact", {"shop_id": 1, "shop_domain": DOMAIN})
    assert len(await rows(database, shop, "products")) == 1


@pytest.mark.parametrize(
    ("known", "is_kept"),
    [
        (None, False),
        ("unsubscribed_at = now()", True),
        ("shopify_id = 5", True),
        ("accepts_marketing = true", True),
        ("accepts_marketing = false", True),
        ("vouched = true", True),
    ],
)
async def test_a_contact_of_whom_more_is_known_stays(database, runtime, shop, known, is_kept):
    """Whoever was logged in typed it in: theirs is the sign-up, not the contact."""
    await save(database, shop)
    await make_signup(database, shop, "bob@example.com", vouched=False, shopify_customer_id=77)
    if known:
        async with database.transaction(shop.id) as db:
            await db.execute(f"UPDATE customers SET {known}")  # noqa: S608 - a test's own words
    await deliver(runtime, shop, "customers/redact", about(email="ada@example.com"))
    assert await rows(database, shop, "signups") == []
    assert bool(await rows(database, shop, "customers")) is is_kept


async def test_a_contact_that_a_key_signed_up_once_stays(database, runtime, shop):
    await save(database, shop)
    earlier = await make_signup(database, shop, "bob@example.com")
    await make_signup(
        database, shop, "bob@example.com", variant_id=VARIANT + 1, vouched=False,
        shopify_customer_id=77,
    )  # fmt: skip
    async with database.transaction(shop.id) as db:
        await db.execute("DELETE FROM signups WHERE id = $1", earlier)
    await deliver(runtime, shop, "customers/redact", about(email="ada@example.com"))
    assert await rows(database, shop, "signups") == []
    assert len(await rows(database, shop, "customers")) == 1


async def test_everything_of_a_customer_is_told(database, runtime, shop):
    """Every column of a table that holds something of a shopper."""
    await save(database, shop)
    await make_signup(database, shop, "a.da+x@gmail.com", name="Ada", shopify_customer_id=77)
    async with database.transaction(shop.id) as db:
        (customer,) = await db.fetch("SELECT * FROM customers")
        told = await privacy.export(db, shop.id, [customer["id"]], shopify_id=77)
    for table in ("customers", "signups"):
        (row,) = await rows(database, shop, table)
        assert set(told[table][0]) == set(row.keys()) - {"shop_id"}
    assert told["signups"][0]["mailbox"] == "ada@gmail.com"
