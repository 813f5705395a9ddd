"""How much strangers can set off, one by one and all together."""

import httpx

from tests.api.stranger_shop import (
    app,
    app_of,
    form,
    merchant,
    runtime,
    runtime_of,
    signed,
    signed_up,
)
from tests.factories.apps import client_of
from tests.factories.deliveries import make_delivery
from tests.factories.fixtures import key, shop
from tests.factories.shops import make_shop

__all__ = ["app", "key", "merchant", "runtime", "shop"]

# How much they can set off


async def test_addresses_of_one_64_are_one_client(database, shop):
    app = app_of(runtime_of(database, address_points=10))
    statuses = []
    for n in range(8):
        app_address = (f"2001:db8:1:2:{n:x}::{n + 1:x}", 1234)
        statuses.append(await _status_from(app, shop, app_address))
    assert statuses == [200] * 5 + [429] * 3
    assert await _status_from(app, shop, ("2001:db8:1:3::1", 1)) == 200
    four = [
        await _status_from(app, shop, (one, 1)) for one in ("192.0.2.9", "::ffff:192.0.2.9") * 3
    ]
    assert four == [200] * 5 + [429]


async def _status_from(app, shop, address):
    transport = httpx.ASGITransport(app, client=address)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        answer = await client.post(
            "/api/v1/intents.json",
            json=form("nobody"),
            headers={"X-Shopify-Shop-Domain": shop.domain},
        )
    return answer.status_code


async def test_all_strangers_of_a_shop_have_an_end_and_nobody_else_has_it(database, shop, key):
    runtime = runtime_of(database, signup_points=20)
    app = app_of(runtime)
    statuses = [await _status_from(app, shop, (f"192.0.2.{n}", 1)) for n in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    other = await make_shop(database, "other.myshopify.com")
    assert await _status_from(app, other, ("192.0.2.1", 1)) == 200
    async with client_of(app, key, base="") as merchant:
        await signed_up(merchant, number=1)
    headers, body = make_delivery("app/scopes_update", {"id": 1})
    async with client_of(app, base="") as shopify:
        assert (await shopify.post("/webhooks/shopify", content=body, headers=headers)).is_success
        cart = {"lines": [{"variant_id": 1, "quantity": 1}]}
        asked = await shopify.post(f"/api/storefront/preorders/check?shop={shop.domain}", json=cart)
        assert asked.status_code == 200, asked.text


async def test_a_visitor_whose_request_is_forwarded_cannot_spend_what_is_for_all(database, shop):
    runtime = runtime_of(database, signup_points=30, address_points=10)
    async with client_of(app_of(runtime), base="") as shopify:

        async def statuses(addresses, customer=""):
            return [
                (
                    await shopify.post(
                        "/api/v1/intents" + signed(shop, runtime, logged_in_customer_id=customer),
                        json=form("nobody"),
                        headers={"X-Forwarded-For": address} if address else {},
                    )
                ).status_code
                for address in addresses
            ]

        # The way from the platform to us adds its own.
        assert await statuses(["192.0.2.1, 198.51.100.1"] * 7) == [200] * 5 + [429] * 2
        assert await statuses([f"2001:db8::{n:x}" for n in range(7)]) == [200] * 5 + [429] * 2
        # Who is logged in is counted as the customer, from whatever address.
        assert await statuses(["192.0.2.1", "192.0.2.2"], "66") == [200] * 2
        assert await statuses([f"192.0.2.{n}" for n in range(9)], "66") == [200] * 3 + [429] * 6
        # And all together have an end, those with no address too.
        assert await statuses([None]) == [429]


async def test_one_address_cannot_spend_what_is_for_all(database, shop):
    app = app_of(runtime_of(database, signup_points=20, address_points=10))
    for _ in range(30):
        await _status_from(app, shop, ("192.0.2.1", 1))
    assert await _status_from(app, shop, ("192.0.2.2", 1)) == 200
