"""Bulk jobs over orders: each alone, each failure named, cut short and gone on with."""

import pytest

from openstoq.jobs import bulk
from openstoq.kernel.clock import utc_now
from openstoq.preorders.orders.actions.bulk import run_bulk
from tests.factories.sandboxed import all_jobs_done

ORDERS = "/preorders/orders"


async def submitted(market, action, **body):
    answer = await market.client.post(f"{ORDERS}/{action}", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def ended(market, job):
    await all_jobs_done(market.database)
    path = job["status_url"].removeprefix("/api/v2/external")
    return (await market.client.get(path)).json()


async def test_each_order_is_released_or_named_with_its_reason(market, plans, variants):
    paid = await market.place((variants[0], plans["full"], 1))
    owing = await market.place((variants[0], plans["partial"], 1))
    job = await submitted(
        market, "bulk_release", order_ids=[paid["id"], str(owing["id"]), 77, "nonsense"]
    )
    assert job["job_id"].startswith("bulk_orders_release_")
    assert job["order_count"] == 4
    told = await ended(market, job)
    assert (told["status"], told["progress"], told["processed"]) == ("completed", 100, 4)
    failed = {one["id"]: one["error"] for one in told["failed"]}
    assert set(failed) == {str(owing["id"]), "77", "nonsense"}
    assert "force: true" in failed[str(owing["id"])]
    assert "no preorder" in failed["77"]
    assert await market.state(paid) == "released"
    assert await market.state(owing) == "awaiting_balance"


async def test_many_are_cancelled_and_paid_back(market, plans, variants):
    orders = [await market.place((variants[0], plans["partial"], 1)) for _ in range(3)]
    job = await submitted(
        market,
        "bulk_cancel",
        order_ids=[one["id"] for one in orders],
        refund_deposit=True,
        notify_customer=True,
        reason="inventory",
    )
    assert (await ended(market, job))["failed"] == []
    for order in orders:
        shown = await market.in_shop(order)
        assert shown["refunded"] == shown["received"]
        assert await market.state(order) == "cancelled"
    assert len(market.relay.recipients) == 3


async def test_links_are_mailed_to_those_who_owe(market, plans, variants):
    owing = await market.place((variants[0], plans["partial"], 1))
    paid = await market.place((variants[0], plans["full"], 1))
    job = await submitted(
        market, "bulk_send_payment_collection_url", order_ids=[owing["id"], paid["id"]]
    )
    assert [one["id"] for one in (await ended(market, job))["failed"]] == [str(paid["id"])]
    assert market.relay.recipients == ["ada@example.com"]


async def test_tags_are_added_and_taken_off(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1))
    job = await submitted(
        market, "bulk_set_tags", order_ids=[order["id"]], tags=["wave-1"], remove_tags=["Preorder"]
    )
    assert (await ended(market, job))["failed"] == []
    assert (await market.in_shop(order))["tags"] == ["wave-1"]
    answer = await market.client.post(f"{ORDERS}/bulk_set_tags", json={"order_ids": [order["id"]]})
    assert answer.status_code == 422


async def test_two_jobs_at_once_leave_each_other_alone(market, plans, variants):
    orders = [await market.place((variants[0], plans["full"], 1)) for _ in range(6)]
    ids = [one["id"] for one in orders]
    released = await submitted(market, "bulk_release", order_ids=ids)
    tagged = await submitted(market, "bulk_set_tags", order_ids=ids[::-1], tags=["wave-2"])
    assert (await ended(market, released))["failed"] == []
    assert (await ended(market, tagged))["failed"] == []
    for order in orders:
        assert await market.state(order) == "released"
        assert "wave-2" in (await market.in_shop(order))["tags"]


async def test_a_job_that_was_cut_short_goes_on_and_repeats_nothing(market, plans, variants):
    orders = [await market.place((variants[0], plans["partial"], 1)) for _ in range(3)]
    arguments = {
        "task": "send_payment_collection_url",
        "order_ids": [str(one["id"]) for one in orders],
    }
    async with market.database.transaction(market.shop.id) as db:
        job_id = await bulk.begin(
            db, market.shop.id, "orders_x", total=3, arguments=arguments, now=utc_now()
        )
        # Its worker was killed after the second order.
        await bulk.advance(db, market.shop.id, job_id, 2, {})
    await market.run(run_bulk, job_id=job_id)
    assert len(market.relay.recipients) == 1
    await market.run(run_bulk, job_id=job_id)
    assert len(market.relay.recipients) == 1


async def test_no_more_than_a_thousand(market, client):
    answer = await client.post(f"{ORDERS}/bulk_release", json={"order_ids": list(range(1, 1002))})
    assert answer.status_code == 422
    assert "1000" in answer.json()["errors"][0]
    answer = await client.post(f"{ORDERS}/bulk_release", json={"order_ids": []})
    assert answer.status_code == 422
    answer = await client.get(f"{ORDERS}/jobs/bulk_orders_release_0000000000000000")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"order_ids": ["1" * 65]}, "order_ids.0 must be at most 64 characters long"),
        (
            {"order_ids": [7, True]},
            "order_ids.1 must be an order's Shopify id or",
        ),
        ({"order_ids": [7], "tag_with": 5}, "tag_with must be a tag, or a list of tags"),
        ({"order_ids": [7], "tag_with": ""}, "tag_with.0 must be at least 1 characters long"),
        ({"order_ids": [7], "tag_with": ["x", 5]}, "tag_with.1 must be a string"),
    ],
)
async def test_a_wrong_value_is_one_sentence(client, sent, problem):
    answer = await client.post(f"{ORDERS}/bulk_release", json=sent)
    assert answer.status_code == 422
    (told,) = answer.json()["errors"]
    assert told.startswith(problem)
