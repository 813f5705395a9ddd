"""A shop that strangers sign up at, and what its rows say of them."""

import hashlib
import hmac
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from openstoq.commerce.inbound import Inbound
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import Limits, Security, Settings, Shopify
from openstoq.jobs.queue import waiting_arguments
from openstoq.registry import SUBSCRIBERS
from openstoq.web import inbound_webhooks
from openstoq.web.storefront import carts, links, offers
from openstoq.web.v1 import routes as v1
from tests.factories.apps import client_of, make_app
from tests.factories.catalogs import PRODUCT, VARIANT, product, save, variant
from tests.factories.deliveries import SECRET
from tests.factories.runtimes import KEY, make_runtime
from tests.factories.waitlists import rows

ASK = "back_in_stock.mails.send_optin_request"


ADA = "ada@example.com"


# What is another's for every sign-up: its id, which stands for the customer too, and its time.
OWN = {"id", "customer_id", "created_at", "updated_at", "email", "contact"}


def runtime_of(database, **limits):
    settings = Settings(
        security=Security(key=KEY),
        shopify=Shopify(client_secret=SecretStr(SECRET)),
        limits=Limits(**limits),
    )
    return make_runtime(
        database, settings=settings, ports={Inbound: ShopifyInbound()}, subscribers=SUBSCRIBERS
    )


def app_of(runtime):
    faces = (v1, offers, carts, links, inbound_webhooks)
    return make_app(runtime, routes=[one for face in faces for one in face.routes(runtime)])


@pytest.fixture
def runtime(database):
    return runtime_of(database)


@pytest.fixture
def app(runtime):
    return app_of(runtime)


@pytest.fixture
async def stranger(app, shop, database):
    await save(database, shop, product(variant(), variant(VARIANT + 1)))
    async with client_of(app, base="") as opened:
        opened.headers["X-Shopify-Shop-Domain"] = shop.domain
        yield opened


@pytest.fixture
async def merchant(app, key, shop):
    async with client_of(app, key, base="") as opened:
        yield opened


def form(email=ADA, *, number=VARIANT, market=None, **customer):
    intent = {
        "shopify_variant_id": number,
        "shopify_product_id": PRODUCT,
        "shopify_market_id": market,
        "channel": "email",
        "source": "api",
    }
    return {"intent": intent, "customer": {"email": email, **customer}}


async def signed_up(client, *arguments, headers=None, query="", **fields):
    answer = await client.post(
        f"/api/v1/intents{query}", json=form(*arguments, **fields), headers=headers
    )
    assert answer.status_code == 201, answer.text
    (intent,) = answer.json()["intents"]
    return intent


async def customer_of(database, shop, email=ADA):
    (row,) = [one for one in await rows(database, shop, "customers") if one["email"] == email]
    return row


async def asked_of(database, shop):
    async with database.transaction(shop.id) as db:
        return await waiting_arguments(db, shop.id, ASK)


# What Shopify has signed


def signed(shop, runtime, /, secret=SECRET, **changes):
    query = {
        "shop": shop.domain,
        "logged_in_customer_id": "66",
        "path_prefix": "/apps/stock",
        "timestamp": str(int(runtime.clock().timestamp())),
    } | changes
    message = "".join(sorted(f"{name}={value}" for name, value in query.items()))
    signature = hmac.digest(secret.encode(), message.encode(), hashlib.sha256).hex()
    return "?" + urlencode(query | {"signature": signature})
