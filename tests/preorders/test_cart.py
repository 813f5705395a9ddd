"""What a storefront is told of a cart before checkout, without a key."""

from uuid import uuid4

import pytest

from openstoq.kernel.clock import utc_now
from openstoq.preorders.cart.texts import SENTENCES
from openstoq.preorders.orders.intake import take_in
from tests.factories.shop_orders import bought, line
from tests.preorders.carts import (
    AT,
    OTHERS_PLAN,
    PLAN,
    asked,
    codes,
    offered,
    runtime,
    shopper,
    wants,
)

__all__ = ["offered", "runtime", "shopper"]

MARKET = 5


@pytest.fixture
def placed(runtime, shop):
    """Take in an order of (variant, units), as the shop would tell of it."""
    numbers = iter(range(1, 1000))

    async def placed(*units, plan=PLAN, **facts):
        number = next(numbers)
        lines = [
            line(1000 * number + place, variant, quantity, plan_id=plan)
            for place, (variant, quantity) in enumerate(units)
        ]
        async with runtime.work(shop.id, request_id="test") as work:
            return await take_in.take_in(work, bought(number, *lines, **facts), read_at=utc_now())

    return placed


async def test_a_cart_that_keeps_to_everything_is_acceptable(shopper, offered, catalogue):
    await offered(limits={"per_order": {"min": 2, "max": 4}, "total": {"max": 9}})
    assert await asked(shopper, wants(catalogue[0], 2), wants(catalogue[1], 2)) == []


async def test_an_order_has_a_least_and_a_most(shopper, offered, catalogue):
    offer_id = await offered(limits={"per_order": {"min": 3, "max": 5}})
    assert await asked(shopper, wants(catalogue[0], 1), wants(catalogue[1], 1)) == [
        {
            "code": "below_minimum",
            "message": "Please order at least 3.",
            "offer_id": str(offer_id),
            "variant_id": None,
            "line": 0,
        }
    ]
    (problem,) = await asked(shopper, wants(catalogue[0], 3), wants(catalogue[1], 3))
    assert (problem["code"], problem["variant_id"]) == ("above_maximum", None)
    assert problem["message"] == "You can order at most 5."


async def test_what_somebody_ordered_before_is_nobodys_to_learn(
    shopper, offered, placed, catalogue
):
    await offered(limits={"per_customer": {"max": 3}})
    await placed((catalogue[0], 3), email="ada@example.com")
    ada = {"id": 100_001, "email": "ada@example.com"}
    for customer in (ada, {"email": "eve@example.com"}, None):
        assert await codes(shopper, wants(catalogue[0], 3), customer=customer) == []
        assert await codes(shopper, wants(catalogue[0], 4), customer=customer) == [
            ("customer_limit", None, 0)
        ]
    order = await placed((catalogue[0], 1), email="ADA@example.com")
    assert order.decisions.exceeded == ["a customer may have at most 3 units"]


async def test_sold_out_is_one_answer_whatever_is_spent(
    client, shopper, offered, placed, catalogue
):
    variant = catalogue[0]
    told = set()
    for place, (of_variant, of_offer) in enumerate(
        (
            ({"max_count": 0}, {}),
            ({"max_count": 1}, {}),
            ({"market_overrides": {str(MARKET): {"max_count": 1}}}, {}),
            ({}, {"limits": {"total": {"max": 1}}}),
        )
    ):
        offer_id = await offered(PLAN + place, **of_offer)
        at = f"/preorders/offers/{offer_id}/products/variants/{variant}"
        if of_variant:
            answer = await client.patch(at, json=of_variant)
            assert answer.status_code == 202, answer.text
        wanted = wants(variant, 2, PLAN + place)
        (problem,) = await asked(shopper, wanted, market_id=MARKET)
        assert problem.pop("offer_id") == str(offer_id)
        told.add(tuple(problem.items()))
    assert told == {
        (
            ("code", "sold_out"),
            ("message", SENTENCES["en"]["sold_out"]),
            ("variant_id", variant),
            ("line", 0),
        )
    }


async def test_units_that_were_taken_are_not_sold_again(shopper, offered, placed, catalogue):
    await offered(limits={"total": {"max": 5}})
    await placed((catalogue[0], 3))
    assert await codes(shopper, wants(catalogue[1], 2)) == []
    assert await codes(shopper, wants(catalogue[1], 3)) == [("sold_out", catalogue[1], 0)]


async def test_which_lines_are_sold_out_does_not_tell_how_many_are_left(
    client, shopper, offered, catalogue
):
    first, second, third = catalogue
    offer_id = await offered(limits={"total": {"max": 20}})
    at = f"/preorders/offers/{offer_id}/products/variants/{first}"
    assert (await client.patch(at, json={"max_count": 4})).status_code == 202
    # Lines of one unit each: the variant has four, and yet none of them is left standing.
    assert await codes(shopper, *(wants(first) for _ in range(5)), wants(second)) == [
        ("sold_out", first, index) for index in range(5)
    ]
    # The offer has room for either, but not for both.
    assert await codes(shopper, wants(second, 15), wants(third, 15)) == [
        ("sold_out", second, 0),
        ("sold_out", third, 1),
    ]
    # What is sold out by itself takes nothing from the others.
    assert await codes(shopper, wants(first, 5), wants(second, 20)) == [("sold_out", first, 0)]


async def test_whoever_asks_for_too_much_is_not_told_whether_there_is_as_much(
    shopper, offered, placed, catalogue
):
    await offered(limits={"per_order": {"max": 3}, "total": {"max": 4}})
    await placed((catalogue[0], 3))
    assert await codes(shopper, wants(catalogue[0], 4)) == [("above_maximum", None, 0)]
    assert await codes(shopper, wants(catalogue[0], 3)) == [("sold_out", catalogue[0], 0)]


async def test_a_mixed_cart_is_refused_in_the_offers_words(client, shopper, offered, catalogue):
    offer_id = await offered(
        checkout={"mixed_cart": {"allowed": False, "error_message": "Buy {{ discount }} alone"}}
    )
    at = f"/preorders/offers/{offer_id}"
    body = {"type": "percentage", "value": 10}
    assert (await client.post(f"{at}/payments/set_discount", json=body)).status_code == 202
    path = "checkout.mixed_cart.error_message"
    french = {"locale": "fr", "translations": {path: "Achetez à part"}}
    answer = await client.post(f"{at}/translations/set_many", json=french)
    assert answer.status_code == 202
    other = {"variant_id": 4711, "quantity": 1}
    assert await asked(shopper, other, wants(catalogue[0]), wants(catalogue[1])) == [
        {
            "code": "mixed_cart",
            "message": "Buy 10% alone",
            "offer_id": str(offer_id),
            "variant_id": None,
            "line": 1,
        }
    ]
    (problem,) = await asked(shopper, wants(catalogue[0]), other, locale="fr-CA")
    assert problem["message"] == "Achetez à part"
    assert await asked(shopper, wants(catalogue[0]), wants(catalogue[1])) == []
    await client.patch(f"{at}/checkout", json={"mixed_cart": {"error_message": None}})
    (problem,) = await asked(shopper, wants(catalogue[0]), other, locale="de")
    assert problem["message"] == SENTENCES["de"]["mixed_cart"]


async def test_two_offers_are_no_mixed_cart_and_another_apps_plan_is(shopper, offered, catalogue):
    alone = {"checkout": {"mixed_cart": {"allowed": False}}}
    await offered(**alone)
    await offered(OTHERS_PLAN)
    assert await codes(shopper, wants(catalogue[0]), wants(catalogue[1], 1, OTHERS_PLAN)) == []
    assert await codes(shopper, wants(catalogue[0]), wants(4711, 1, 31337)) == [
        ("mixed_cart", None, 0)
    ]
    assert await codes(shopper, wants(4711, 1, 31337)) == []


async def test_terms_are_accepted_for_all_offers_or_for_some(shopper, offered, catalogue):
    terms = {"checkout": {"terms": {"enabled": True}}}
    first, second = await offered(**terms), await offered(OTHERS_PLAN, **terms)
    lines = [wants(catalogue[0]), wants(catalogue[1], 1, OTHERS_PLAN)]
    assert await codes(shopper, *lines) == [
        ("terms_not_accepted", None, 0),
        ("terms_not_accepted", None, 1),
    ]
    assert await codes(shopper, *lines, terms_accepted=True) == []
    (problem,) = await asked(shopper, *lines, terms_accepted=[str(first)])
    assert problem["offer_id"] == str(second)
    assert await codes(shopper, *lines, terms_accepted=[str(first), str(second)]) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/disable", {}),
        ("/discard", {}),
        ("/schedule", {"start": "2999-01-01T00:00:00Z"}),
        ("/schedule", {"end": "2001-01-01T00:00:00Z"}),
        ("/markets/set_markets", {"market_ids": [MARKET]}),
    ],
)
async def test_an_offer_that_does_not_sell_now_is_not_available(
    client, shopper, offered, catalogue, path, body
):
    offer_id = await offered(limits={"per_order": {"min": 5}})
    answer = await client.post(f"/preorders/offers/{offer_id}{path}", json=body)
    assert answer.status_code == 202, answer.text
    assert await codes(shopper, wants(catalogue[0]), market_id=6) == [
        ("not_available", catalogue[0], 0)
    ]


async def test_what_no_offer_sells_is_not_available(client, shopper, offered, catalogue):
    detached, offer_id = await offered(OTHERS_PLAN), await offered()
    at = f"/preorders/offers/{detached}/advanced/detach_from_shopify_selling_plan"
    assert (await client.post(at, json={})).status_code == 202
    unplanned = {"variant_id": catalogue[0], "quantity": 1, "offer_id": str(detached)}
    assert await codes(shopper, unplanned) == []
    unknown = [
        wants(4711),
        {**unplanned, "variant_id": 4711},
        {**unplanned, "offer_id": str(uuid4())},
        # An offer with selling plans sells nothing without one, nor by somebody else's.
        {**unplanned, "offer_id": str(offer_id)},
        wants(catalogue[0], 1, 31337, offer_id=str(offer_id)),
    ]
    for one in unknown:
        assert await codes(shopper, one) == [("not_available", one["variant_id"], 0)]


async def test_limits_of_a_market_are_those_of_its_countries(
    client, database, shop, shopper, offered, catalogue
):
    offer_id = await offered()
    at = f"/preorders/offers/{offer_id}/products/variants/{catalogue[0]}"
    overrides = {"market_overrides": {str(MARKET): {"max_count": 1}}}
    assert (await client.patch(at, json=overrides)).status_code == 202
    async with database.transaction(shop.id) as db:
        await db.execute(
            "INSERT INTO markets VALUES ($1, $2, 'Europe', true, '{DE,FR}')", shop.id, MARKET
        )
    wanted, sold_out = wants(catalogue[0], 2), [("sold_out", catalogue[0], 0)]
    assert await codes(shopper, wanted, country="de") == sold_out
    assert await codes(shopper, wanted, market_id=f"gid://shopify/Market/{MARKET}") == sold_out
    assert await codes(shopper, wanted, country="US") == []
    assert await codes(shopper, wanted) == []
    scope = f"/preorders/offers/{offer_id}/markets/set_markets"
    assert (await client.post(scope, json={"market_ids": [MARKET]})).status_code == 202
    assert await codes(shopper, wants(catalogue[0]), country="FR") == []
    assert await codes(shopper, wants(catalogue[0])) == [("not_available", catalogue[0], 0)]


async def test_no_answer_has_a_number_that_only_the_merchant_knows(
    client, shopper, offered, placed, catalogue
):
    offer_id = await offered(limits={"total": {"max": 4321}})
    at = f"/preorders/offers/{offer_id}/products/variants/{catalogue[0]}"
    assert (await client.patch(at, json={"max_count": 1234})).status_code == 202
    await placed((catalogue[0], 777))
    for quantity in (1, 1_000_000):
        answer = await shopper.post(AT, json={"lines": [wants(catalogue[0], quantity)]})
        secrets = ("4321", "1234", "777", str(1234 - 777), str(4321 - 777))
        told = answer.text.replace(str(offer_id), "")
        assert not any(secret in told for secret in secrets)
