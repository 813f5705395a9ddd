"""Deliveries are worked off once each, whatever is in them."""

import asyncio
import json
from dataclasses import replace

import pytest

from openstoq.commerce.inbound import Inbound
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.errors import BadRequest
from openstoq.registry import SUBSCRIBERS
from openstoq.shops import store
from openstoq.shops.inbound_webhooks.jobs import News, NotHeard, work_off
from openstoq.shops.seal import Seal
from tests.factories.catalogs import (
    PRODUCT,
    VARIANT,
    level,
    record,
    save,
    seconds_after_noon,
    variant_row,
)
from tests.factories.deliveries import DOMAIN, deliver, make_delivery, row_of, take, waiting
from tests.factories.runtimes import KEY, make_runtime
from tests.factories.waitlists import rows, run_of, stock_becomes
from tests.facts.load import webhook_samples
from tests.shops.stock_news import LEVEL


async def load_shop(runtime, shop):
    async with runtime.database.transaction(shop.id) as db:
        return await store.load(db, shop.id)


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


async def test_a_product_that_names_a_variant_twice_is_noted_and_done_with(database, runtime, shop):
    await save(database, shop)
    told = {"id": PRODUCT, "title": "Renamed", "updated_at": "2026-07-01T12:00:05Z"}
    variants = [{"id": VARIANT, "title": "A"}, {"id": VARIANT, "title": "B"}]
    row = await deliver(runtime, shop, "products/update", told | {"variants": variants})
    assert f"variants must not have {VARIANT} twice" in row["error"]
    assert row["done_at"] is not None
    assert (await variant_row(database, shop))["title"] == "Blue / 154"
    row = await deliver(runtime, shop, "products/update", told | {"variants": variants[:1]})
    assert (row["error"], row["done_at"] is None) == (None, False)
    assert (await variant_row(database, shop))["title"] == "A"


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


async def test_every_sample_of_shopifys_is_worked_off(database, runtime, shop):
    wanted = {*ShopifyInbound().topics, "customers/data_request", "customers/redact"}
    seen = set()
    for topic, sample in sorted(webhook_samples().items()):
        if topic == "app/uninstalled":
            continue
        body = sample.replace(b"{shop}.myshopify.com", DOMAIN.encode())
        row = await deliver(runtime, shop, topic, body, webhook_id=topic)
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
        await store.save(
            db, shop.id, domain=DOMAIN, name="x", now=seconds_after_noon(0), access_token=token
        )
    await deliver(runtime, shop, "app/uninstalled", {}, triggered_at="2026-07-01T12:00:05Z")
    gone = await load_shop(runtime, shop)
    assert (gone.uninstalled_at, gone.sealed_access_token) == (seconds_after_noon(5), None)


async def test_uninstalling_before_a_reinstall_is_ignored(database, runtime, shop):
    async with database.transaction(shop.id) as db:
        token = Seal(KEY).close("shpat")
        await store.save(
            db, shop.id, domain=DOMAIN, name="x", now=seconds_after_noon(9), access_token=token
        )
    await deliver(runtime, shop, "app/uninstalled", {}, triggered_at="2026-07-01T12:00:05Z")
    here = await load_shop(runtime, shop)
    assert (here.uninstalled_at, here.sealed_access_token) == (None, token)


async def test_a_subscriber_that_fails_keeps_the_news_from_no_other(database, runtime, shop):
    """The others have heard at once; it alone hears again, until it can take the news in."""
    heard = []
    fails = [True]

    async def first(work, news):
        await mark(work, "first")

    async def poisoned(work, news):
        await mark(work, "poisoned")
        if fails:
            await work.db.execute("SELECT $1::text::jsonb", "{")

    async def last(work, news):
        await mark(work, "last")

    async def mark(work, word):
        work.enqueue(work_off, webhook_id=word)
        heard.append(word)

    own = replace(runtime, subscribers={News: (first, poisoned, last)})
    headers, body = make_delivery("inventory_levels/update", LEVEL, webhook_id="w1")
    await take(own, headers, body)
    with pytest.raises(NotHeard, match="InvalidTextRepresentationError"):
        await work_off.handler(run_of(own, shop), webhook_id="w1")
    row = await row_of(own, shop, "w1")
    assert row["done_at"] is None
    assert "InvalidTextRepresentationError" in row["error"]
    told = [one["webhook_id"] for one in await waiting(own, shop, work_off.name)]
    assert sorted(told) == ["first", "last", "w1"]
    fails.clear()
    heard.clear()
    await work_off.handler(run_of(own, shop), webhook_id="w1")
    row = await row_of(own, shop, "w1")
    assert (row["done_at"] is not None, row["error"]) == (True, None)
    assert heard == ["poisoned"]


@pytest.mark.parametrize(
    "updated_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "yesterday", {"a": 1}]
)
async def test_a_moment_beyond_all_calendars_is_noted_on_the_delivery(runtime, shop, updated_at):
    row = await deliver(
        runtime, shop, "inventory_levels/update", LEVEL | {"updated_at": updated_at}
    )
    assert row["done_at"] is not None
    assert "updated_at" in row["error"]


async def test_settings_that_cannot_be_read_stop_no_stock(database, runtime, shop):
    await save(database, shop)
    async with database.transaction(shop.id) as db:
        await db.execute(
            """
            INSERT INTO back_in_stock_settings
                (shop_id, channels, delivery, compliance, tagging, alerts, updated_at)
            VALUES ($1, '[]', '{"stock_threshold": "many"}', 'null', '{"new": 1}', '{}', now())
            """,
            shop.id,
        )
    row = await deliver(runtime, shop, "inventory_levels/update", LEVEL)
    assert (row["done_at"] is not None, row["error"]) == (True, None)
    assert (await variant_row(database, shop))["available"] == 3


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("customers/redact", {"shop_id": 9, "shop_domain": "other.myshopify.com", "customer": {}}),
        ("customers/redact", {"shop_id": 9, "customer": {}}),
        ("customers/data_request", {"shop_id": 7, "shop_domain": "other.myshopify.com"}),
        ("shop/redact", {"shop_id": 9, "shop_domain": "other.myshopify.com"}),
        ("app/uninstalled", {"id": 9, "myshopify_domain": "other.myshopify.com"}),
        ("app/uninstalled", {"id": 9}),
        ("shop/update", {"id": 7, "myshopify_domain": "Other.myshopify.com"}),
    ],
)
async def test_a_body_about_another_shop_commands_nothing(database, runtime, shop, topic, body):
    """The signature is right: it is the header that somebody has put before another's body."""
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET shopify_id = 7")
    headers, raw = make_delivery(topic, body)
    with pytest.raises(BadRequest, match="another shop than X-Shopify-Shop-Domain"):
        await take(runtime, headers, raw)
    assert await rows(database, shop, "webhook_deliveries", "webhook_id") == []
    own = {"shop_id": 7, "id": 7, "shop_domain": DOMAIN.upper(), "customer": {}}
    assert await take(runtime, *make_delivery(topic, own)) is True
