"""Tests of alerts in a shop: the fixtures of a running sandbox and a worker, and its waitlist."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from openstoq.commerce.shopify.subscriptions import TOPICS
from openstoq.messaging.port import EmailTransport
from openstoq.web import inbound_webhooks
from tests.factories import sandboxed
from tests.factories.apps import make_app, serving
from tests.factories.sandboxed import all_jobs_done, at_once, client, shop, site, worker

__all__ = ["at_once", "client", "shop", "site", "unsigned", "worker"]

unsigned = sandboxed.runtime


@pytest.fixture
def runtime(unsigned):
    """A runtime that knows the secret with which the sandbox signs its webhooks."""
    secret = SecretStr("sandbox-client-secret")
    shopify = unsigned.settings.shopify.model_copy(update={"client_secret": secret})
    settings = unsigned.settings.model_copy(update={"shopify": shopify})
    return replace(unsigned, settings=settings)


@pytest.fixture
async def webhooks(site, runtime, worker):
    """The shop's webhooks arrive at an application of ours."""
    async with serving(make_app(runtime, routes=inbound_webhooks.routes(runtime))) as url:
        topics = [one.upper().replace("/", "_") for one in TOPICS]
        await site.subscribe(f"{url}/webhooks/shopify", *topics)
        yield
        await site.idle()


class Tote:
    """The shop's canvas tote: one variant, sold out at both locations, and who waits for it."""

    def __init__(self, site, client, database, relay, product):
        self.site, self.client, self.database, self.relay = site, client, database, relay
        self.product, self.variant = product["id"], product["variants"][0]["id"]
        self.sku = product["variants"][0]["sku"]
        self.locations = [one["location_id"] for one in product["variants"][0]["stock"]]

    async def sign_up(self, email, **changes):
        body = {"channel": "email", "email": email, "shopify_variant_id": self.variant} | changes
        return await self.client.post("/back_in_stock/signups", json=body)

    async def waits(self, email, **changes):
        answer = await self.sign_up(email, **changes)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    async def change(self, **facts):
        """Change the product in the shop, and wait until we have done all that follows."""
        await self.site.control("PATCH", f"products/{self.product}", facts)
        await self.done()

    async def stock(self, available, *, location=0, variant=None):
        row = {
            "variant_id": variant or self.variant,
            "available": available,
            "location_id": self.locations[location],
        }
        await self.site.control("POST", "stock", row)
        await self.done()

    async def done(self):
        await self.site.idle()
        await all_jobs_done(self.database)

    @property
    def told(self):
        return self.relay.recipients


@pytest.fixture
async def tote(site, client, webhooks, runtime, database):
    products = (await site.control("GET", "products"))["products"]
    (found,) = [one for one in products if one["handle"] == "canvas-tote"]
    return Tote(site, client, database, runtime.ports.get(EmailTransport), found)
