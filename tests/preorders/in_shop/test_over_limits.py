"""Orders that went over a limit: held, cancelled or accepted, and the variant stops selling."""

import asyncio

import pytest

from openstoq.preorders.orders.jobs import read_order
from tests.factories.sandboxed import all_jobs_done, run, variant_in_shop

OVER = "preorder-over-limit"


async def limit(market, offer, **limits):
    answer = await market.client.patch(f"{offer}/limits", json=limits)
    assert answer.status_code == 202, answer.text
    await all_jobs_done(market.database)


async def count(market, variant):
    return (await market.client.get(f"/preorders/product_variants/{variant}")).json()[
        "preorder_count"
    ]


async def test_over_the_total_is_held_and_tagged(market, site, offer, plans, variants):
    await limit(market, offer, total={"max": 3})
    first = await market.place((variants[0], plans["full"], 2))
    second = await market.place((variants[1], plans["full"], 2))
    told = await market.read(second)
    assert told["exceeded"] == ["the offer sells at most 3 units"]
    assert (told["state"], told["all_held"]) == ("placed", True)
    assert OVER in (await market.in_shop(second))["tags"]
    assert (await market.read(first))["exceeded"] == []
    assert (await count(market, variants[0]), await count(market, variants[1])) == (2, 0)
    third = await market.place((variants[0], plans["full"], 1))
    assert (await market.read(third))["exceeded"] == []
    for variant in variants[:3]:
        assert (await variant_in_shop(site, variant))[1] == "DENY", "nothing is left to sell"
    await market.ask(third, "cancel")
    for variant in variants[:3]:
        assert (await variant_in_shop(site, variant))[1] == "CONTINUE", "one unit is free again"


async def test_over_the_total_is_cancelled_and_paid_back(market, offer, plans, variants):
    await limit(market, offer, total={"max": 1}, on_exceed="cancel")
    order = await market.place((variants[0], plans["partial"], 2))
    await market.tell(order)
    told = await market.read(order)
    assert (told["state"], told["cancel_reason"]) == ("cancelled", "over the limit of the preorder")
    shown = await market.in_shop(order)
    assert shown["cancelled_at"]
    assert shown["refunded"] == shown["received"]
    assert market.relay.recipients == ["ada@example.com"]
    assert await count(market, variants[0]) == 0


async def test_over_the_total_is_accepted_and_noted(market, offer, plans, variants):
    await limit(market, offer, total={"max": 1}, on_exceed="accept")
    order = await market.place((variants[0], plans["full"], 2))
    told = await market.read(order)
    assert told["exceeded"] == ["the offer sells at most 1 units"]
    assert OVER not in (await market.in_shop(order))["tags"]
    assert await count(market, variants[0]) == 2


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"per_order": {"min": 3}}, "at least 3"),
        ({"per_order": {"max": 1}}, "at most 1"),
        ({"per_customer": {"max": 3}}, "a customer"),
    ],
)
async def test_limits_of_orders_and_customers(market, offer, plans, variants, limits, said):
    await market.place((variants[0], plans["full"], 2))
    await limit(market, offer, **limits)
    order = await market.place((variants[1], plans["full"], 2))
    assert said in (await market.read(order))["exceeded"][0]


async def test_a_variant_at_its_most_stops_selling(market, site, offer, plans, variants):
    answer = await market.client.patch(
        f"{offer}/products/variants/{variants[0]}", json={"max_count": 2}
    )
    assert answer.status_code == 202
    order = await market.place((variants[0], plans["full"], 2))
    metafields, policy = await variant_in_shop(site, variants[0])
    assert (policy, metafields["preorder_count"]) == ("DENY", "2")
    assert (await variant_in_shop(site, variants[1]))[1] == "CONTINUE"
    await market.ask(order, "cancel")
    metafields, policy = await variant_in_shop(site, variants[0])
    assert (policy, metafields["preorder_count"]) == ("CONTINUE", "0")


async def test_an_order_that_shrinks_into_its_limit_counts(market, offer, plans, variants):
    await limit(market, offer, total={"max": 2})
    order = await market.place((variants[0], plans["full"], 3))
    assert await count(market, variants[0]) == 0
    await market.happen(order, "edit", lines=[{"id": order["lines"][0]["id"], "quantity": 2}])
    assert (await market.read(order))["exceeded"] == []
    assert await count(market, variants[0]) == 2
    assert OVER not in (await market.in_shop(order))["tags"]


async def test_a_line_over_its_limit_that_is_taken_off_is_over_none(market, offer, plans, variants):
    answer = await market.client.patch(
        f"{offer}/products/variants/{variants[0]}", json={"max_count": 1}
    )
    assert answer.status_code == 202
    order = await market.place((variants[0], plans["full"], 2), (variants[1], plans["full"], 1))
    assert OVER in (await market.in_shop(order))["tags"]
    await market.happen(order, "edit", lines=[{"id": order["lines"][0]["id"], "quantity": 0}])
    told = await market.read(order)
    assert (told["exceeded"], told["state"]) == ([], "placed")
    assert OVER not in told["tags"]


async def test_fifty_buyers_of_the_last_ten(market, site, offer, plans, variants):
    await limit(market, offer, total={"max": 10})
    orders = [await market.buy((variants[0], plans["full"], 1)) for _ in range(50)]
    await asyncio.gather(
        *(run(market.runtime, market.shop, read_order, order_id=one["id"]) for one in orders)
    )
    await all_jobs_done(market.database)
    told = [await market.read(one) for one in orders]
    assert sum(not one["exceeded"] for one in told) == 10
    assert await count(market, variants[0]) == 10
    assert (await variant_in_shop(site, variants[0]))[1] == "DENY"
