"""A storefront that asks about carts, and the offers that it sells."""

import pytest

from openstoq.config import Limits, Security, Settings
from openstoq.web.storefront import carts
from tests.factories.apps import client_of, make_app
from tests.factories.runtimes import make_runtime
from tests.factories.shop_orders import sell

AT = "/api/storefront/preorders/check"


PLAN, OTHERS_PLAN = 900, 901


@pytest.fixture
def runtime(database):
    """A runtime whose shops and shoppers may ask often."""
    limits = Limits(points=100_000, address_points=100_000)
    return make_runtime(database, settings=Settings(security=Security(key="k" * 32), limits=limits))


@pytest.fixture
async def shopper(runtime, shop):
    app = make_app(runtime, routes=carts.routes(runtime))
    async with client_of(app, base="") as opened:
        opened.headers["X-Shopify-Shop-Domain"] = shop.domain
        yield opened


@pytest.fixture
def offered(client, database, shop, catalogue):
    """Make an offer that sells all of the catalogue, its documents as told."""

    async def offered(plan=PLAN, **documents):
        return await sell(client, database, shop, catalogue, plan, **documents)

    return offered


def wants(variant, quantity=1, plan=PLAN, **more):
    return {"variant_id": variant, "quantity": quantity, "selling_plan_id": plan, **more}


async def asked(shopper, *lines, **more):
    answer = await shopper.post(AT, json={"lines": lines, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    told = answer.json()
    assert told["acceptable"] == (told["problems"] == [])
    return told["problems"]


async def codes(shopper, *lines, **more):
    """What is wrong with a cart: code, variant and line of each problem."""
    problems = await asked(shopper, *lines, **more)
    return [(one["code"], one["variant_id"], one["line"]) for one in problems]
