"""What a cart is told in which words, and who may ask how much."""

from dataclasses import replace
from uuid import uuid4

import pytest

from openstoq.config import Limits, Security, Settings
from openstoq.kernel.clock import utc_now
from openstoq.preorders.cart.check import check
from openstoq.preorders.cart.rules import Cart, CartLine
from openstoq.preorders.cart.texts import SENTENCES
from openstoq.web.storefront import carts
from tests.factories.apps import client_of, make_app
from tests.factories.runtimes import make_runtime
from tests.factories.shop_orders import sell
from tests.factories.shops import make_key, make_shop
from tests.preorders.carts import AT, PLAN, asked, codes, offered, runtime, shopper, wants

__all__ = ["offered", "runtime", "shopper"]


async def test_messages_are_in_the_language_asked_for(shopper, offered, catalogue):
    await offered(limits={"per_order": {"max": 1}})
    for locale, language in (("de-AT", "de"), ("es", "es"), ("fr", "fr"), ("ja", "en")):
        (problem,) = await asked(shopper, wants(catalogue[0], 2), locale=locale)
        assert problem["message"] == SENTENCES[language]["above_maximum"].format(number=1)
    assert len({frozenset(sentences) for sentences in SENTENCES.values()}) == 1


async def test_the_offers_of_another_shop_are_unknown(database, runtime, shop, shopper):
    stranger = await make_shop(database, domain="northwind.myshopify.com")
    key = await make_key(database, stranger)
    async with client_of(make_app(runtime), key) as theirs:
        offer_id = await sell(theirs, database, stranger, [11], PLAN)
    assert await codes(shopper, wants(11)) == []
    named = {"variant_id": 11, "quantity": 1, "offer_id": str(offer_id)}
    assert await codes(shopper, named) == [("not_available", 11, 0)]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "lines is required"),
        ({"lines": []}, "lines must have at least 1 entries"),
        ({"lines": [{"variant_id": 1, "quantity": 1}] * 251}, "lines must have at most 250"),
        ({"lines": [{"variant_id": 1, "quantity": 0}]}, "lines.0.quantity must be at least 1"),
        ({"lines": [{"variant_id": 1, "quantity": "2"}]}, "lines.0.quantity must be an integer"),
        ({"lines": [{"variant_id": "x", "quantity": 1}]}, "lines.0.variant_id must be a Shopify"),
        ({"lines": [wants(1, 1, None, offer_id="x")]}, "lines.0.offer_id must be a UUID"),
        ({"lines": [wants(1)], "country": "Germany"}, "country must be the two letters"),
        ({"lines": [wants(1)], "locale": "x" * 256}, "locale must be at most 255"),
        ({"lines": [wants(1)], "locale": "\x00"}, "locale must not contain control characters"),
        ({"lines": [wants(1)], "terms_accepted": "yes"}, "terms_accepted"),
        ({"lines": [wants(1)], "coupon": "TEN"}, "coupon is not a known field"),
    ],
)
async def test_what_is_wrong_with_a_question_is_said(shopper, body, sentence):
    answer = await shopper.post(AT, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0].startswith(sentence)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_who_may_ask(database, shop, catalogue):
    settings = Settings(security=Security(key="k" * 32), limits=Limits(address_points=3))
    runtime = make_runtime(database, settings=settings)
    body = {"lines": [wants(catalogue[0])]}
    async with client_of(make_app(runtime, routes=carts.routes(runtime)), base="") as anybody:
        preflight = await anybody.options(AT)
        assert preflight.status_code == 204
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
        assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
        assert (await anybody.post(AT, json=body)).status_code == 401
        assert (await anybody.post(AT, content="[]")).status_code == 401
        at = f"{AT}?shop={shop.domain}"
        assert (await anybody.post(at, json=body)).status_code == 200
        assert (await anybody.post(at, json=body)).status_code == 429


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, db):
        self._db, self.queries = db, 0

    async def fetch(self, query, *arguments):
        self.queries += 1
        return await self._db.fetch(query, *arguments)


async def test_it_asks_the_database_as_often_for_many_lines_as_for_one(
    database, shop, offered, catalogue
):
    await offered(limits={"per_customer": {"max": 1000}, "total": {"max": 1000}})
    one = Cart(lines=[CartLine(variant_id=catalogue[0], quantity=1, plan_id=PLAN)])
    queries = []
    for cart in (one, replace(one, lines=one.lines * 250)):
        async with database.transaction(shop.id) as db:
            counting = Counting(db)
            assert await check(counting, shop.id, cart, utc_now()) == []
            queries.append(counting.queries)
    assert queries == [5, 5]


async def test_a_shop_is_asked_for_before_a_cart_is_read(shopper):
    """Whoever names no shop is told so, whatever the body is: reading it costs more."""
    nobody = {"X-Shopify-Shop-Domain": ""}
    for body in (b"{", b"{}", b'{"lines": 1}', b'{"x": "' + b"x" * 200_000 + b'"}'):
        assert (await shopper.post(AT, content=body, headers=nobody)).status_code == 401


async def test_a_cart_is_of_so_many_bytes(shopper):
    longest = {
        "variant_id": "gid://shopify/ProductVariant/" + "9" * 18,
        "quantity": 1_000_000,
        "selling_plan_id": "gid://shopify/SellingPlan/" + "9" * 18,
        "offer_id": str(uuid4()),
    }
    assert (await shopper.post(AT, json={"lines": [longest] * 250})).status_code == 200
    assert (await shopper.post(AT, json={"lines": [], "x": "x" * 66_000})).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        {str(number): 0 for number in range(5_000)},
        {"lines": [{str(number): 0 for number in range(5_000)}]},
        {"lines": [{}] * 250, "terms_accepted": ["x"] * 250},
        {"lines": 0, "x" * 60_000: 0},
    ],
)
async def test_an_answer_is_not_larger_than_what_can_be_read(shopper, body):
    answer = await shopper.post(AT, json=body)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) <= 101
    assert len(answer.content) < 20_000
