"""Deliveries are checked, stored once each and worked off, whatever they carry."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from factories.apps import client_of, make_app
from factories.catalogs import (
    ITEM,
    LOCATION,
    PRODUCT,
    VARIANT,
    at,
    level,
    record,
    save,
    variant_row,
)
from factories.deliveries import DOMAIN, SECRET, make_delivery, signature
from factories.runtimes import KEY, make_runtime
from factories.waitlists import make_signup, rows, run_of, stock_becomes
from openstoq.actions.records import audit_row
from openstoq.catalogue import SUBSCRIBERS
from openstoq.commerce.inbound import Inbound
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import Security, Settings, Shopify
from openstoq.errors import BadRequest, NotFound, Unauthorized
from openstoq.jobs.queue import waiting_arguments
from openstoq.kernel.clock import utc_now
from openstoq.shops import housekeeping, store
from openstoq.shops.housekeeping import tidy
from openstoq.shops.seal import Seal
from openstoq.shops.webhooks import receive, work_off
from openstoq.web import webhooks

SAMPLES = (
    Path(__file__).resolve().parents[2] / ".." / "shared" / "shopify" / "webhooks" / "payloads"
)
LEVEL = {
    "inventory_item_id": ITEM,
    "location_id": LOCATION,
    "available": 3,
    "updated_at": "2026-07-01T08:00:00-04:00",
}


@pytest.fixture
def runtime(database):
    settings = Settings(
        security=Security(key=KEY),
        shopify=Shopify(
            client_secret=SecretStr(SECRET), previous_client_secret=SecretStr("the one before")
        ),
    )
    ports = {Inbound: ShopifyInbound()}
    return make_runtime(database, ports=ports, settings=settings, subscribers=SUBSCRIBERS)


async def take(runtime, headers, body):
    return await receive(runtime, headers, body, request_id="test")


async def deliver(runtime, shop, topic, body, **changes):
    """Take a delivery and work it off; return its row."""
    headers, raw = make_delivery(topic, body, **changes)
    assert await take(runtime, headers, raw) is True
    webhook_id = headers["X-Shopify-Webhook-Id"]
    await work_off.handler(run_of(runtime, shop), webhook_id=webhook_id)
    return await row_of(runtime, shop, webhook_id)


async def row_of(runtime, shop, webhook_id):
    async with runtime.database.transaction(shop.id) as db:
        return await db.fetchrow(
            "SELECT * FROM webhook_deliveries WHERE shop_id = $1 AND webhook_id = $2",
            shop.id,
            webhook_id,
        )


async def waiting(runtime, shop, job):
    async with runtime.database.transaction(shop.id) as db:
        return await waiting_arguments(db, shop.id, job)


async def load_shop(runtime, shop):
    async with runtime.database.transaction(shop.id) as db:
        return await store.load(db, shop.id)


async def test_a_delivery_is_stored_with_its_job(database, runtime, shop):
    headers, body = make_delivery("inventory_levels/update", LEVEL)
    assert await take(runtime, headers, body) is True
    (row,) = await rows(database, shop, "webhook_deliveries", "webhook_id")
    assert (row["topic"], row["body"]) == ("inventory_levels/update", body)
    assert (row["event_id"], row["done_at"]) == ("one-action-of-the-merchant", None)
    assert row["triggered_at"] == at(0.123)
    assert await waiting(runtime, shop, work_off.name) == [{"webhook_id": row["webhook_id"]}]


@pytest.mark.usefixtures("shop")
async def test_a_delivery_may_be_larger_than_other_bodies(runtime):
    app = make_app(runtime, routes=webhooks.routes(runtime))
    async with client_of(app, base="") as client:
        for size, status in ((1_500_000, 200), (8_388_609, 413)):
            headers, raw = make_delivery("orders/updated", {"note": "x" * (size - 11)})
            assert len(raw) == size
            answer = await client.post(webhooks.PATH, headers=headers, content=raw)
            assert answer.status_code == status, answer.text


async def test_a_repeated_delivery_is_taken_once(database, runtime, shop):
    headers, body = make_delivery("inventory_levels/update", LEVEL)
    taken = await asyncio.gather(*(take(runtime, headers, body) for _ in range(5)))
    assert sorted(taken) == [False] * 4 + [True]
    assert len(await waiting(runtime, shop, work_off.name)) == 1
    await work_off.handler(run_of(runtime, shop), webhook_id=headers["X-Shopify-Webhook-Id"])
    assert await take(runtime, headers, body) is False


async def test_one_action_may_cause_many_deliveries(database, runtime, shop):
    for _ in range(3):
        assert await take(runtime, *make_delivery("inventory_levels/update", LEVEL))
    assert len(await rows(database, shop, "webhook_deliveries", "webhook_id")) == 3


async def test_names_of_headers_may_be_written_in_any_case(runtime, shop):
    headers, body = make_delivery("inventory_levels/update", LEVEL)
    assert await take(runtime, {name.lower(): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "another secret"},
        {"Hmac_Sha256": None},
        {"Hmac_Sha256": ""},
        {"Hmac_Sha256": "x"},
        {"Hmac_Sha256": "é"},
        {"Hmac_Sha256": signature(b"another body")},
        {"secret": ""},
        {"secret": "another secret", "domain": "unknown.myshopify.com"},
    ],
)
async def test_a_bad_signature_is_refused(database, runtime, shop, changes):
    headers, body = make_delivery("inventory_levels/update", LEVEL, **changes)
    with pytest.raises(Unauthorized):
        await take(runtime, headers, body)
    assert await rows(database, shop, "webhook_deliveries", "webhook_id") == []


async def test_the_secret_before_a_rotation_still_signs(runtime, shop):
    assert await take(runtime, *make_delivery("app/uninstalled", {}, secret="the one before"))


async def test_a_shop_of_its_own_app_has_its_own_secret(database, runtime, shop):
    async with database.transaction(shop.id) as db:
        sealed = Seal(KEY).close("its own")
        await store.save(db, shop.id, domain=DOMAIN, name="x", now=utc_now(), client_secret=sealed)
    assert await take(runtime, *make_delivery("app/uninstalled", {}, secret="its own"))
    with pytest.raises(Unauthorized):
        await take(runtime, *make_delivery("app/uninstalled", {}))


async def test_an_unknown_shop_is_not_found(runtime, shop):
    with pytest.raises(NotFound):
        await take(runtime, *make_delivery("app/uninstalled", {}, domain="other.myshopify.com"))


async def test_without_a_secret_an_unknown_shop_is_not_found_either(runtime, shop):
    bare = replace(runtime, settings=Settings(security=Security(key=KEY)))
    with pytest.raises(NotFound):
        await take(bare, *make_delivery("app/uninstalled", {}, domain="other.myshopify.com"))
    with pytest.raises(Unauthorized):
        await take(bare, *make_delivery("app/uninstalled", {}))


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (b"{", {}),
        (b"", {}),
        (b'{"a": "\xff"}', {}),
        ({}, {"Webhook_Id": None}),
        ({}, {"Topic": None}),
        ({}, {"Webhook_Id": "x" * 300}),
        ({}, {"triggered_at": "yesterday"}),
    ],
)
async def test_what_is_no_delivery_is_refused(database, runtime, shop, body, changes):
    with pytest.raises(BadRequest):
        await take(runtime, *make_delivery("inventory_levels/update", body, **changes))
    assert await rows(database, shop, "webhook_deliveries", "webhook_id") == []


@pytest.mark.parametrize(
    "body",
    [
        {}, [], None, "x", 5, {"inventory_item_id": "x"}, LEVEL | {"inventory_item_id": -1},
        LEVEL | {"inventory_item_id": 2**70}, LEVEL | {"available": "many"},
        LEVEL | {"available": 10**12}, LEVEL | {"available": 1.5}, LEVEL | {"available": {}},
        LEVEL | {"updated_at": "soon"}, LEVEL | {"location_id": [1]},
    ],
)  # fmt: skip
async def test_a_malformed_body_is_noted_and_done_with(runtime, shop, body):
    row = await deliver(runtime, shop, "inventory_levels/update", json.dumps(body).encode())
    assert row["done_at"] is not None
    assert row["error"]


async def test_a_nul_character_does_not_keep_a_product_out(database, runtime, shop):
    body = b'{"id": 1, "title": "Snow\\u0000board", "handle": "snowboard", "variants": []}'
    row = await deliver(runtime, shop, "products/update", body)
    assert (row["error"], row["done_at"] is None) == (None, False)
    assert [row["title"] for row in await rows(database, shop, "products")] == ["Snowboard"]


async def test_a_topic_that_says_nothing_to_us_is_done_with(runtime, shop):
    row = await deliver(runtime, shop, "orders/create", {"id": 1})
    assert (row["error"], row["done_at"] is None) == (None, False)


async def test_stock_is_taken_in_once(database, runtime, shop):
    await save(database, shop)
    await deliver(runtime, shop, "inventory_levels/update", LEVEL, webhook_id="one")
    assert (await variant_row(database, shop))["available"] == 3
    await record(database, shop, level(9, told_at=5), seconds=5)
    await work_off.handler(run_of(runtime, shop), webhook_id="one")
    assert (await variant_row(database, shop))["available"] == 9


async def test_stock_told_in_disorder_ends_at_the_newest(database, runtime, shop):
    await save(database, shop)
    told = [LEVEL | {"available": n, "updated_at": f"2026-07-01T12:00:0{n}Z"} for n in (3, 1, 4, 2)]
    for body in told:
        seconds = body["available"]
        await deliver(
            runtime, shop, "inventory_levels/update", body,
            triggered_at=f"2026-07-01T12:00:0{seconds}.5Z",
        )  # fmt: skip
    assert (await variant_row(database, shop))["available"] == 4


async def test_a_delivery_is_worked_off_by_one_of_two_racing_jobs(database, runtime, shop):
    await save(database, shop)
    await stock_becomes(runtime, shop, 0, -60)
    headers, body = make_delivery("inventory_levels/update", LEVEL, webhook_id="one")
    await take(runtime, headers, body)
    await asyncio.gather(
        *(work_off.handler(run_of(runtime, shop), webhook_id="one") for _ in range(4))
    )
    assert len(await rows(database, shop, "waves")) == 1


async def test_a_job_that_fails_leaves_nothing_half_done(database, shop, runtime):
    async def fail(_, __):
        raise OSError("in the middle")

    await save(database, shop)
    failing = make_runtime(
        database,
        ports={Inbound: ShopifyInbound()},
        settings=runtime.settings,
        subscribers={event: (*heard, fail) for event, heard in SUBSCRIBERS.items()},
    )
    with pytest.raises(OSError, match="in the middle"):
        await deliver(failing, shop, "inventory_levels/update", LEVEL, webhook_id="one")
    assert (await variant_row(database, shop))["available"] is None
    assert (await row_of(runtime, shop, "one"))["done_at"] is None
    await work_off.handler(run_of(runtime, shop), webhook_id="one")
    assert (await variant_row(database, shop))["available"] == 3


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of Shopify's samples is not here")
async def test_every_sample_of_shopifys_is_worked_off(database, runtime, shop):
    wanted = {*ShopifyInbound().topics, "customers/data_request", "customers/redact"}
    seen = set()
    for sample in sorted(SAMPLES.glob("*.json")):
        topic = sample.stem.replace("__", "/")
        if topic == "app/uninstalled":
            continue
        row = await deliver(runtime, shop, topic, sample.read_bytes(), webhook_id=topic)
        assert (row["error"], row["done_at"] is None) == (None, False), topic
        seen.add(topic)
    # Shopify shows no sample of these: they look like what it shows of updates, and a bare id.
    assert wanted - seen == {
        "app/uninstalled",
        "locations/activate",
        "locations/deactivate",
        "locations/delete",
        "markets/create",
        "markets/delete",
    }
    assert await rows(database, shop, "products") != []


async def test_uninstalling_ends_the_shops_token(database, runtime, shop):
    async with database.transaction(shop.id) as db:
        token = Seal(KEY).close("shpat")
        await store.save(db, shop.id, domain=DOMAIN, name="x", now=at(0), access_token=token)
    await deliver(runtime, shop, "app/uninstalled", {}, triggered_at="2026-07-01T12:00:05Z")
    gone = await load_shop(runtime, shop)
    assert (gone.uninstalled_at, gone.sealed_access_token) == (at(5), None)


async def test_uninstalling_before_a_reinstall_is_ignored(database, runtime, shop):
    async with database.transaction(shop.id) as db:
        token = Seal(KEY).close("shpat")
        await store.save(db, shop.id, domain=DOMAIN, name="x", now=at(9), access_token=token)
    await deliver(runtime, shop, "app/uninstalled", {}, triggered_at="2026-07-01T12:00:05Z")
    here = await load_shop(runtime, shop)
    assert (here.uninstalled_at, here.sealed_access_token) == (None, token)


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
            at(0),
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


async def test_housekeeping_empties_old_bodies_and_forgets_older_deliveries(runtime, shop):
    for age in (1, 8, 31):
        await deliver(runtime, shop, "orders/create", {"id": age}, webhook_id=f"{age}")
    headers, body = make_delivery("orders/create", {}, webhook_id="not done")
    await take(runtime, headers, body)
    async with runtime.database.transaction(shop.id) as db:
        for age in ("1", "8", "31"):
            await db.execute(
                "UPDATE webhook_deliveries SET received_at = now() - $2::interval, "
                "done_at = now() - $2::interval WHERE webhook_id = $1",
                age,
                timedelta(days=int(age)),
            )
    await tidy.handler(run_of(runtime, shop))
    found = {
        age: row and row["body"] is not None
        for age in ("1", "8", "31", "not done")
        for row in [await row_of(runtime, shop, age)]
    }
    assert found == {"1": True, "8": False, "31": None, "not done": True}


async def test_housekeeping_goes_on_until_nothing_is_left(runtime, shop, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for number in range(5):
        await deliver(runtime, shop, "orders/create", {"id": number}, webhook_id=f"{number}")
    async with runtime.database.transaction(shop.id) as db:
        await db.execute("UPDATE webhook_deliveries SET received_at = now() - interval '31 days'")
        await store.mark_uninstalled(db, shop.id, shop.installed_at)
    assert tidy.uninstalled
    await tidy.handler(run_of(runtime, shop))
    assert await rows(runtime.database, shop, "webhook_deliveries", "webhook_id") == []


async def test_housekeeping_forgets_old_audit_rows(runtime, shop):
    async with runtime.database.transaction(shop.id) as db:
        for days in (399, 401):
            row = audit_row(
                shop.id,
                at=runtime.clock() - timedelta(days=days),
                actor="system",
                action="test",
                target=str(days),
                request_id="test",
                arguments={},
            )
            await db.execute(row.text, *row.parameters)
    await tidy.handler(run_of(runtime, shop))
    async with runtime.database.transaction(shop.id) as db:
        kept = await db.fetch("SELECT target FROM audit_log")
    assert [row["target"] for row in kept] == ["399"]
