"""Deliveries are checked and stored once each, whatever they carry."""

import asyncio
from dataclasses import replace

import pytest

from openstoq.config import Security, Settings
from openstoq.errors import BadRequest, NotFound, Unauthorized
from openstoq.kernel.clock import utc_now
from openstoq.shops import store
from openstoq.shops.inbound_webhooks.jobs import work_off
from openstoq.shops.seal import Seal
from openstoq.web import inbound_webhooks
from tests.factories.apps import client_of, make_app
from tests.factories.catalogs import (
    seconds_after_noon,
)
from tests.factories.deliveries import DOMAIN, make_delivery, signature, take, waiting
from tests.factories.runtimes import KEY
from tests.factories.waitlists import rows, run_of
from tests.shops.stock_news import LEVEL


async def test_a_delivery_is_stored_with_its_job(database, runtime, shop):
    headers, body = make_delivery("inventory_levels/update", LEVEL)
    assert await take(runtime, headers, body) is True
    (row,) = await rows(database, shop, "webhook_deliveries", "webhook_id")
    assert (row["topic"], row["body"]) == ("inventory_levels/update", body)
    assert (row["event_id"], row["done_at"]) == ("one-action-of-the-merchant", None)
    assert row["triggered_at"] == seconds_after_noon(0.123)
    assert await waiting(runtime, shop, work_off.name) == [{"webhook_id": row["webhook_id"]}]


@pytest.mark.usefixtures("shop")
async def test_a_delivery_may_be_larger_than_other_bodies(runtime):
    app = make_app(runtime, routes=inbound_webhooks.routes(runtime))
    async with client_of(app, base="") as client:
        for size, status in ((1_500_000, 200), (8_388_609, 413)):
            headers, raw = make_delivery("orders/updated", {"note": "x" * (size - 11)})
            assert len(raw) == size
            answer = await client.post(inbound_webhooks.PATH, headers=headers, content=raw)
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


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Hmac_Sha256": None}, 401),
        ({"Hmac_Sha256": "x" * 44}, 401),
        ({"Topic": None}, 400),
        ({"domain": ""}, 400),
        ({"Shop_Domain": None}, 400),
        ({"domain": "shop.example"}, 400),
        ({"domain": "other.myshopify.com"}, 404),
    ],
)
async def test_what_cannot_be_a_delivery_is_refused_before_its_body_is_read(
    runtime, changes, status
):
    headers, _ = make_delivery("orders/updated", {}, **changes)

    app = make_app(runtime, routes=inbound_webhooks.routes(runtime))
    answers = []

    async def receive():
        raise AssertionError("its body was read")

    async def send(message):
        answers.append(message.get("status"))

    scope = {
        "type": "http",
        "method": "POST",
        "path": inbound_webhooks.PATH,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    assert answers[0] == status


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
