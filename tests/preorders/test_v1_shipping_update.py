"""API v1's send_shipping_update: its documented bodies and answers, and one job for each order."""

import httpx
import pytest

from openstoq.jobs.queue import waiting_arguments
from openstoq.kernel.ids import new_id
from openstoq.web.v1.shipping_updates import LONGEST_DESCRIPTION, MOST_ORDERS
from tests.factories.apps import client_of
from tests.factories.orders import make_order
from tests.factories.shops import make_key, make_shop

JOB = "preorders.mails.send_shipping_update"
PATH = "/preorders/send_shipping_update"
DOCUMENTED = {
    "subject": "Your preorder has shipped",
    "header": "Good news!",
    "description": "Your Summer Preorder items are on the way and should arrive within "
    "5–7 business days.",
}
ORDERS = [5012345678901, 5012345678902]


@pytest.fixture
async def orders(database, shop):
    async with database.transaction(shop.id) as db:
        return [str(await make_order(db, shop.id, number)) for number in ORDERS]


@pytest.fixture
def queued(database, shop):
    async def queued():
        async with database.transaction(None) as db:
            return await waiting_arguments(db, shop.id, JOB)

    return queued


async def test_the_documented_request_has_the_documented_answer(v1, orders, queued):
    answer = await v1.post(PATH, json=DOCUMENTED | {"shopify_order_ids": ORDERS})
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "message": "Shipping updates queued",
        "orders_count": 2,
    }
    jobs = sorted(await queued(), key=lambda job: job["order_id"])
    assert [job.pop("order_id") for job in jobs] == ORDERS
    assert len({job.pop("notice_id") for job in jobs}) == 2
    assert jobs == [DOCUMENTED, DOCUMENTED]


async def test_orders_are_named_by_our_ids_as_well(v1, orders, queued):
    answer = await v1.post(PATH, json=DOCUMENTED | {"order_ids": [orders[1]]})
    assert answer.json()["orders_count"] == 1
    assert [job["order_id"] for job in await queued()] == [ORDERS[1]]


@pytest.mark.parametrize("base", ["/api/v1", "/api/v1/external"])
@pytest.mark.parametrize("ending", ["", ".json"])
async def test_every_form_of_the_path_is_answered(v1_app, key, orders, base, ending):
    async with client_of(v1_app, key, base=base) as client:
        answer = await client.post(PATH + ending, json=DOCUMENTED | {"order_ids": orders})
    assert answer.json()["orders_count"] == 2


async def test_ids_that_name_no_preorder_are_passed_over_and_repeated_ones_count_once(
    v1, orders, queued
):
    numbers = [ORDERS[0], 1, f"gid://shopify/Order/{ORDERS[0]}", str(ORDERS[1])]
    answer = await v1.post(PATH, json=DOCUMENTED | {"shopify_order_ids": numbers})
    assert answer.json()["orders_count"] == 2
    assert sorted(job["order_id"] for job in await queued()) == ORDERS


@pytest.mark.parametrize("ids", [{"order_ids": [str(new_id())]}, {"shopify_order_ids": [1, 2]}])
async def test_without_any_order_it_is_404(v1, orders, queued, ids):
    answer = await v1.post(PATH, json=DOCUMENTED | ids)
    assert (answer.status_code, answer.json()) == (404, {"error": "No valid orders found"})
    assert await queued() == []


async def test_another_shops_orders_are_none(database, v1_app, orders, queued):
    other = await make_shop(database, "other.myshopify.com")
    async with client_of(v1_app, await make_key(database, other), base="/api/v1") as client:
        for ids in ({"order_ids": orders}, {"shopify_order_ids": ORDERS}):
            answer = await client.post(PATH, json=DOCUMENTED | ids)
            assert answer.status_code == 404
    assert await queued() == []


async def test_without_a_key_it_is_401(v1_app, orders, queued):
    async with client_of(v1_app, base="/api/v1/external") as client:
        answer = await client.post(PATH, json=DOCUMENTED | {"order_ids": orders})
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}
    assert await queued() == []


BREAKS = ["Shipped\r\nBcc: eve@example.com", "Shipped\n", "Ship\x00ped", "Ship\u2028ped", "\x85"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "order_ids or shopify_order_ids is required"),
        ({"order_ids": []}, "order_ids or shopify_order_ids is required"),
        (
            {"order_ids": [str(new_id())], "shopify_order_ids": ORDERS},
            "Provide either order_ids or shopify_order_ids, not both",
        ),
        ({"order_ids": ["7"]}, "order_ids.0 must be a UUID"),
        ({"order_ids": "7"}, "order_ids must be a list"),
        ({"shopify_order_ids": ["x"]}, "shopify_order_ids.0 must be a Shopify id"),
        ({"shopify_order_ids": list(range(1, MOST_ORDERS + 2))}, "at most 1000 entries"),
        ({"subject": None}, "subject must be a string"),
        ({"subject": " "}, "subject must not be blank"),
        ({"header": ""}, "header must not be blank"),
        ({"description": "\r\n"}, "description must not be blank"),
        ({"subject": "x" * 256}, "subject must be at most 255 characters long"),
        ({"header": "x" * 256}, "header must be at most 255 characters long"),
        (
            {"description": "x" * (LONGEST_DESCRIPTION + 1)},
            "description must be at most 5000 characters long",
        ),
        *[({"subject": subject}, "subject must") for subject in BREAKS],
    ],
)
async def test_what_does_not_fit_is_400_and_queues_nothing(v1, orders, queued, changes, said):
    ids = {} if any("ids" in name for name in changes) or not changes else {"order_ids": orders}
    answer = await v1.post(PATH, json=DOCUMENTED | ids | changes)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert said in answer.json()["error"]
    assert await queued() == []


@pytest.mark.parametrize("name", ["subject", "header", "description"])
async def test_each_text_is_required(v1: httpx.AsyncClient, orders, queued, name):
    sent = {"order_ids": orders} | {key: DOCUMENTED[key] for key in DOCUMENTED if key != name}
    answer = await v1.post(PATH, json=sent)
    assert (answer.status_code, answer.json()) == (400, {"error": f"{name} is required"})
    assert await queued() == []


async def test_lines_of_a_description_and_unknown_fields_are_taken(v1, orders, queued):
    sent = {"order_ids": orders[:1], "description": "One\r\ntwo", "unknown": 1}
    answer = await v1.post(PATH, json=DOCUMENTED | sent)
    assert answer.status_code == 200
    assert [job["description"] for job in await queued()] == ["One\r\ntwo"]


async def test_a_repeated_request_with_its_key_sends_once(v1, orders, queued):
    sent = DOCUMENTED | {"order_ids": orders}
    answers = [
        await v1.post(PATH, json=sent, headers={"Idempotency-Key": "update-1"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert len(await queued()) == 2


async def test_a_thousand_orders_are_queued_in_one_request(database, shop, v1, queued):
    numbers = list(range(1, MOST_ORDERS + 1))
    async with database.transaction(shop.id) as db:
        await make_order(db, shop.id, 1)
        await db.execute(
            """
            INSERT INTO preorder_orders
            SELECT (jsonb_populate_record(o, jsonb_build_object(
                'order_id', n, 'id', gen_random_uuid()))).*
            FROM preorder_orders o, unnest($1::bigint[]) n WHERE n > 1
            """,
            numbers,
        )
    answer = await v1.post(PATH, json=DOCUMENTED | {"shopify_order_ids": numbers})
    assert answer.json()["orders_count"] == MOST_ORDERS
    assert sorted(job["order_id"] for job in await queued()) == numbers
