"""API v2 through HTTP: keys, points, routing, bodies and dry runs."""

import asyncio

import httpx
import pytest

from openstoq.actions.help import BASE_PATH
from openstoq.kernel.clock import utc_now
from openstoq.shops import store
from tests.factories.apps import client_of
from tests.factories.patience import until
from tests.factories.shops import make_key, make_shop

SETTINGS = "/back_in_stock/settings"
DELIVERY = f"{SETTINGS}/delivery"


async def audit_rows(database, shop):
    async with database.transaction(shop.id) as db:
        return await db.fetch("SELECT action, request_id, arguments FROM audit_log ORDER BY id")


async def test_a_read_answers_bare_with_points_and_a_request_id(client):
    answer = await client.get(SETTINGS)
    assert answer.status_code == 200
    assert answer.json()["delivery"]["stock_threshold"] == 1
    assert answer.headers["X-RateLimit-Limit"] == "360"
    assert answer.headers["X-RateLimit-Remaining"] == "359"
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"] == "application/json"


async def test_a_write_answers_202_costs_two_and_leaves_an_audit_row(client, database, shop):
    answer = await client.patch(
        DELIVERY, json={"stock_threshold": 3}, headers={"X-Request-Id": "mine-1"}
    )
    assert (answer.status_code, answer.json()["stock_threshold"]) == (202, 3)
    assert answer.headers["X-RateLimit-Remaining"] == "358"
    assert answer.headers["X-Request-Id"] == "mine-1"
    assert (await client.get(DELIVERY)).json()["stock_threshold"] == 3
    (row,) = await audit_rows(database, shop)
    assert row["request_id"] == "mine-1"


@pytest.mark.parametrize("given", ["a b", "x" * 129, "é", '{"a":1}'])
async def test_a_strange_request_id_is_replaced(client, given):
    answer = await client.get(SETTINGS, headers={"X-Request-Id": given.encode()})
    assert answer.status_code == 200
    assert len(answer.headers["X-Request-Id"]) == 36


async def test_a_bearer_token_is_a_key_too(app, key):
    async with client_of(app) as client:
        for scheme in ("Bearer", "bearer"):
            answer = await client.get(SETTINGS, headers={"Authorization": f"{scheme} {key}"})
            assert answer.status_code == 200
        refused = await client.get(SETTINGS, headers={"Authorization": f"Basic {key}"})
        assert refused.status_code == 401


async def test_an_unknown_action_is_named_and_costs_what_its_method_costs(client):
    answer = await client.post("/preorders/offers/nope", json={})
    assert answer.status_code == 404
    assert answer.json() == {"errors": ["No v2 action registered for POST /preorders/offers/nope"]}
    assert answer.headers["X-RateLimit-Remaining"] == "358"
    assert (await client.put(SETTINGS, json={})).json() == {
        "errors": [f"No v2 action registered for PUT {SETTINGS}"]
    }
    assert (await client.get("/")).status_code == 404


async def test_a_trailing_slash_is_the_same_path(client):
    assert (await client.get(f"{SETTINGS}/")).status_code == 200
    assert (await client.patch(f"{DELIVERY}/", json={})).status_code == 202


async def test_head_answers_as_get_without_a_body(client):
    got, head = await client.get(SETTINGS), await client.head(SETTINGS)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert head.headers["X-RateLimit-Remaining"] == "358"


async def test_options_tells_the_methods_of_a_path(app):
    async with client_of(app) as client:
        answer = await client.options(DELIVERY)
        assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, PATCH, HEAD, OPTIONS")
        assert (await client.options("/nope")).status_code == 404


async def test_the_points_run_out_with_the_documented_answer(client, database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 3")
    assert (await client.patch(DELIVERY, json={})).status_code == 202
    refused = await client.patch(DELIVERY, json={"stock_threshold": 9})
    assert refused.status_code == 429
    wait = int(refused.headers["Retry-After"])
    assert 1 <= wait <= 60
    assert refused.headers["X-RateLimit-Remaining"] == "1"
    assert refused.json() == {
        "error": "Rate limit exceeded",
        "retry_after": wait,
        "message": "You have exceeded the rate limit of 3 points per 60 seconds. "
        f"Try again in {wait} seconds.",
    }
    # One point is left, so a read still goes through and finds nothing changed.
    assert (await client.get(DELIVERY)).json()["stock_threshold"] == 1


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain"])
async def test_a_json_object_is_read_whatever_it_is_called(client, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await client.patch(DELIVERY, content=b'{"stock_threshold": 4}', headers=headers)
    assert (answer.status_code, answer.json()["stock_threshold"]) == (202, 4)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"stock_threshold=4", "application/x-www-form-urlencoded"),
        (b"stock_threshold: 4", "text/plain"),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--',
            "multipart/form-data",
        ),
        (b"stock_threshold=4", "application/json"),
        (b"[1]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'"\\ud800"', "application/json"),
        (b'{"stock_threshold": 4', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"a":' * 100_000, "application/json"),
        (b"NaN", "application/json"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_a_body_that_is_no_json_object_is_400(client, body, content_type):
    answer = await client.patch(DELIVERY, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    (sentence,) = answer.json()["errors"]
    assert "JSON" in sentence
    assert (await client.get(DELIVERY)).json()["stock_threshold"] == 1


async def test_every_problem_is_named_at_once(client):
    answer = await client.patch(
        SETTINGS,
        json={
            "delivery": {"stock_threshold": "many", "batching": {"mode": "odd"}},
            "channels": {"fax": {}},
            "nope": 1,
        },
    )
    assert answer.status_code == 422
    named = " ".join(answer.json()["errors"])
    for path in ("delivery.stock_threshold", "delivery.batching.mode", "channels.fax", "nope"):
        assert path in named


async def test_the_last_of_duplicate_keys_counts(client):
    answer = await client.patch(DELIVERY, content=b'{"stock_threshold": 4, "stock_threshold": 5}')
    assert answer.json()["stock_threshold"] == 5


async def test_a_dry_run_answers_the_same_and_changes_nothing(client, database, shop):
    path = f"{DELIVERY}?dry_run=true"
    answer = await client.patch(path, json={"stock_threshold": 4})
    assert answer.status_code == 202
    assert answer.json()["stock_threshold"] == 4
    assert answer.json()["effects"] == []
    assert (await client.patch(path, json={"stock_threshold": 0})).status_code == 422
    assert (await client.get(DELIVERY)).json()["stock_threshold"] == 1
    assert await audit_rows(database, shop) == []


async def test_an_idempotency_key_replays_and_refuses_another_request(client, database, shop):
    headers = {"Idempotency-Key": "order-1"}
    first = await client.patch(DELIVERY, json={"stock_threshold": 4}, headers=headers)
    assert "Idempotent-Replayed" not in first.headers
    await client.patch(DELIVERY, json={"stock_threshold": 5})
    again = await client.patch(DELIVERY, json={"stock_threshold": 4}, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (await client.get(DELIVERY)).json()["stock_threshold"] == 5
    other = await client.patch(DELIVERY, json={"stock_threshold": 6}, headers=headers)
    assert (other.status_code, len(other.json()["errors"])) == (422, 1)
    assert len(await audit_rows(database, shop)) == 2


@pytest.mark.parametrize("given", ["", "x" * 256])
async def test_an_idempotency_key_has_a_reasonable_length(client, given):
    answer = await client.patch(DELIVERY, json={}, headers={"Idempotency-Key": given})
    assert answer.status_code == 422


async def test_a_second_request_with_a_running_key_is_409(client, database, shop):
    headers = {"Idempotency-Key": "order-2"}
    async with database.transaction(shop.id) as db:
        # The shop's settings are held, so the first request waits, and its key with it.
        await db.execute(
            "INSERT INTO back_in_stock_settings (shop_id, channels, delivery, compliance, tagging,"
            " alerts, updated_at) VALUES ($1, '{}', '{}', '{}', '{}', '{}', now())",
            shop.id,
        )
        first = asyncio.create_task(
            client.patch(DELIVERY, json={"stock_threshold": 4}, headers=headers)
        )
        await until(lambda: _waits_for_a_lock(database))
        second = await client.patch(DELIVERY, json={"stock_threshold": 4}, headers=headers)
        assert second.status_code == 409
        assert "still running" in second.json()["errors"][0]
    assert (await first).status_code == 202
    third = await client.patch(DELIVERY, json={"stock_threshold": 4}, headers=headers)
    assert third.headers["Idempotent-Replayed"] == "true"


async def _waits_for_a_lock(database) -> bool:
    row = await database.call(
        "SELECT count(*) AS n FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return row["n"] > 0


async def test_keys_of_each_kind_that_admit_nobody(app, database, shop, key):
    async with database.transaction(shop.id) as db:
        (kept,) = await store.keys(db, shop.id)
        await store.revoke_key(db, shop.id, kept.id, utc_now())
    strange = [key, "stoq_api_key_" + "a" * 32, "stoq_api_key_short", "x" * 5000, "é", "", " "]
    async with client_of(app) as client:
        for one in strange:
            answer = await client.get(SETTINGS, headers={"X-Auth-Token": one.encode()})
            assert answer.status_code == 401
            assert len(answer.json()["errors"]) == 1
            assert answer.headers["X-Request-Id"]
            assert "X-RateLimit-Limit" not in answer.headers


async def test_the_settings_of_one_shop_are_not_anothers(app, client, database):
    other = await make_key(database, await make_shop(database, "other.myshopify.com"))
    await client.patch(DELIVERY, json={"stock_threshold": 7})
    async with client_of(app, other) as stranger:
        assert (await stranger.get(DELIVERY)).json()["stock_threshold"] == 1


async def test_paths_that_nothing_can_have_are_404(client):
    for path in (
        "/back_in_stock/%00",
        "/back_in_stock/%FF",
        "/back_in_stock/" + "x" * 20_000,
        "/back_in_stock/settings%2Fdelivery",
        "//",
    ):
        answer = await client.get(httpx.URL(f"http://shop.test{BASE_PATH}{path}"))
        assert answer.status_code == 404, path
        assert answer.json()["errors"]


async def test_paths_outside_the_api_are_404_in_the_envelope(app):
    async with client_of(app, base="") as client:
        for path in ("/", "/nope", "/llms.txt", "/api/v2", "/api/v2/externally"):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert answer.json()["errors"]
            assert answer.headers["X-Request-Id"]
        refused = await client.post("/healthz")
        assert refused.status_code == 405
        assert refused.headers["Allow"]
        assert refused.json()["errors"]


MANY = {
    "unknown": {str(number): 0 for number in range(15_000)},
    "long": {str(number) + "x" * 5_000: 0 for number in range(150)},
    "one long": {"x" * 900_000: 0},
}


@pytest.mark.parametrize("body", MANY.values(), ids=MANY)
async def test_a_request_is_told_of_its_first_problems(client, body):
    answer = await client.patch(DELIVERY, json=body)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) <= 101
    assert len(answer.content) < 60_000


async def test_how_many_more_problems_there_are_is_said(client):
    body = {str(number): 0 for number in range(250)}
    answer = await client.patch(DELIVERY, json=body)
    assert answer.json()["errors"][99:] == ["99 is not a known field", "and 150 more problems"]


@pytest.mark.parametrize("text", ['{"a":0,%s}', '[{"a":%s}]', '{"a":{%s}}'])
async def test_a_body_of_more_names_than_any_request_has_is_not_read(client, text):
    names = ",".join(f'"{number}":0' for number in range(90_000))
    answer = await client.patch(DELIVERY, content=text.replace("%s", names))
    assert answer.status_code == 400
    assert "send less at once" in answer.json()["errors"][0]
