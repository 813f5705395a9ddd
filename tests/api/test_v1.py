"""API v1's intents over HTTP: its status codes, its bodies and every form of its paths."""

import copy

import pytest

from openstoq.web.v1 import routes as v1
from tests.factories.apps import client_of, make_app
from tests.factories.shops import make_key, make_shop

VARIANT, PRODUCT = 43900910010503, 7891234567890
FORM = {
    "intent": {
        "shopify_variant_id": VARIANT,
        "shopify_product_id": PRODUCT,
        "channel": "email",
        "quantity": 1,
        "source": "api",
    },
    "customer": {
        "email": "Shopper@Example.com",
        "name": "Alex Shopper",
        "accepts_marketing": True,
        "country": "us",
    },
}
# What the reference's example of an intent shows; the model lists a few more.
DOCUMENTED = {
    "id", "channel", "email", "phone", "quantity", "notified_at", "optin_confirmed", "source",
    "type", "sent_notifications_count", "created_at", "updated_at", "customer_id", "shop_id",
    "shopify_product_id", "shopify_variant_id", "accepts_marketing", "blocked_at",
    "unsubscribed_at", "intent_trigger_id", "product_variant_id", "shopify_inventory_item_id",
    "shopify_market_id", "customer_name", "contact", "customer_unsubscribed_at",
    "notifications_count",
}  # fmt: skip


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=v1.routes(runtime))


@pytest.fixture
async def api(app, key):
    async with client_of(app, key, base="/api/v1") as opened:
        yield opened


@pytest.fixture
def storefront(shop):
    return {"X-Shopify-Shop-Domain": shop.domain}


def form(**customer):
    changed = copy.deepcopy(FORM)
    changed["customer"] |= customer
    return changed


async def signed_up(api, storefront, email="shopper@example.com"):
    answer = await api.post("/intents.json", json=form(email=email), headers=storefront)
    assert answer.status_code == 201, answer.text
    return answer.json()["intents"][0]


@pytest.mark.parametrize("prefix", ["", "/external"])
@pytest.mark.parametrize("ending", ["", ".json"])
async def test_create_and_read_on_every_form_of_the_path(api, storefront, prefix, ending):
    created = await api.post(f"{prefix}/intents{ending}", json=FORM, headers=storefront)
    assert created.status_code == 201
    body = created.json()
    assert body["errors"] == []
    (intent,) = body["intents"]
    assert set(intent) == DOCUMENTED
    assert (intent["email"], intent["phone"]) == ("shopper@example.com", None)
    assert (intent["type"], intent["source"], intent["quantity"]) == ("restock", "api", 1)
    assert intent["accepts_marketing"] is True
    read = await api.get(f"{prefix}/intents/{intent['id']}{ending}")
    assert (read.status_code, read.json()) == (200, intent)


async def test_create_is_public_and_open_to_storefronts(app, storefront):
    async with client_of(app, base="/api/v1") as anybody:
        preflight = await anybody.options("/intents.json")
        created = await anybody.post("/intents.json", json=FORM, headers=storefront)
    assert preflight.status_code == 204
    assert "X-Shopify-Shop-Domain" in preflight.headers["access-control-allow-headers"]
    assert created.status_code == 201
    assert set(created.json()["intents"][0]) == DOCUMENTED
    assert created.headers["access-control-allow-origin"] == "*"
    assert created.headers["x-ratelimit-limit"] == "120"


@pytest.mark.parametrize("path", ["/intents", "/intents.json"])
async def test_405_names_every_method_of_the_path(api, path):
    answer = await api.patch(path, json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_large_body_is_refused_in_v1s_own_shape(app, storefront, key):
    large = b" " * 1_048_577
    async with client_of(app, base="/api/v1") as anybody:
        form = await anybody.post("/intents.json", content=large, headers=storefront)
    assert form.headers["access-control-allow-origin"] == "*"
    async with client_of(app, key, base="/api/v1") as api:
        keyed = await api.post("/intents/notify_intent", content=large)
    for answer in (form, keyed):
        assert answer.status_code == 413
        assert answer.json() == {
            "error": "the body is larger than 1048576 bytes; send less at once"
        }


@pytest.mark.parametrize("domain", [None, "", "nobody.myshopify.com", "x" * 2000])
async def test_a_shop_that_is_not_ours_is_401(app, shop, domain):
    headers = {} if domain is None else {"X-Shopify-Shop-Domain": domain}
    async with client_of(app, base="/api/v1") as anybody:
        answer = await anybody.post("/intents.json", json=FORM, headers=headers)
    assert answer.status_code == 401
    assert "X-Shopify-Shop-Domain" in answer.json()["error"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"{}", b'{"intent": {}}', b'{"intent": 1, "customer": {}}']
)
async def test_what_is_no_form_is_400(api, storefront, body):
    answer = await api.post("/intents.json", content=body, headers=storefront)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize(
    ("customer", "named"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": None}, "email"),
        ({"name": 5}, "customer.name"),
        ({"email": "a\x00b@example.com"}, "customer.email"),
    ],
)
async def test_a_filled_form_with_problems_is_200_with_errors(api, storefront, customer, named):
    answer = await api.post("/intents.json", json=form(**customer), headers=storefront)
    assert answer.status_code == 200
    assert list(answer.json()) == ["errors"]
    assert any(named in error for error in answer.json()["errors"])
    assert (await api.get("/intents")).json()["meta"]["total_count"] == 0


async def test_the_same_contact_waits_once(api, storefront):
    await signed_up(api, storefront)
    again = await api.post("/intents.json", json=FORM, headers=storefront)
    assert (again.status_code, len(again.json()["errors"])) == (200, 1)


async def test_an_address_has_points_of_its_own(app, api, storefront):
    async with client_of(app, base="/api/v1") as anybody:
        answers = [
            await anybody.post("/intents.json", json=form(email="nobody"), headers=storefront)
            for _ in range(61)
        ]
    assert {answer.status_code for answer in answers[:60]} == {200}
    assert answers[60].status_code == 429
    assert answers[60].json()["error"] == "Rate limit exceeded"
    assert (await api.get("/intents")).status_code == 200


async def test_list_filters_and_pages(api, storefront):
    first = await signed_up(api, storefront, "ana@example.com")
    second = await signed_up(api, storefront, "ben@example.com")
    whole = (await api.get("/intents")).json()
    assert [intent["id"] for intent in whole["intents"]] == [second["id"], first["id"]]
    assert whole["meta"] == {"total_count": 2, "page": 1, "per_page": 25, "total_pages": 1}
    found = (await api.get("/intents", params={"email": "ana@", "notified": "false"})).json()
    assert [intent["id"] for intent in found["intents"]] == [first["id"]]
    assert (await api.get("/intents", params={"per_page": 501})).status_code == 400
    assert (await api.get("/intents", params={"shopify_variant_id": 1})).json()["intents"] == []


@pytest.mark.parametrize("path", ["/intents", "/intents/products_in_demand"])
async def test_a_moment_outside_the_calendar_is_400(api, path):
    for name, sent in (
        ("start_date", "0001-01-01T00:00:00+14:00"),
        ("end_date", "9999-12-31T23:59:59-14:00"),
    ):
        answer = await api.get(path, params={name: sent})
        assert (answer.status_code, answer.json()) == (
            400,
            {"error": f"{name} must lie in the years 1 to 9999, counted in UTC"},
        )


async def test_an_international_address_is_found_as_it_was_sent(api, storefront):
    await signed_up(api, storefront, "idn@bücher.example")
    (found,) = (await api.get("/intents", params={"email": "idn@bücher.example"})).json()["intents"]
    assert found["email"] == "idn@xn--bcher-kva.example"


async def test_products_in_demand(api, storefront):
    await signed_up(api, storefront)
    answer = await api.get("/intents/products_in_demand")
    (demand,) = answer.json()["product_variants_in_demand"]
    assert (demand["shopify_variant_id"], demand["total"], demand["pending"]) == (VARIANT, 1, 1)
    assert answer.json()["has_next_page"] is False
    wrong = await api.get("/intents/products_in_demand", params={"sort_by": "size"})
    assert (wrong.status_code, list(wrong.json())) == (400, ["error"])


async def test_notify_once_then_only_when_asked_to_resend(api, storefront):
    intent = await signed_up(api, storefront)
    told = await api.post("/intents/notify_intent", json={"id": intent["id"]})
    assert (told.status_code, told.json()) == (200, {"success": True, "intent_id": intent["id"]})
    again = await api.post("/intents/notify_intent", json={"id": intent["id"]})
    assert (again.status_code, list(again.json())) == (422, ["error"])
    unknown = await api.post("/intents/notify_intent", json={"id": "nobody"})
    assert unknown.status_code == 404


async def test_bulk_notify_names_each_failure(api, storefront):
    ids = [(await signed_up(api, storefront, f"{name}@example.com"))["id"] for name in "ab"]
    whole = await api.post("/intents/bulk_notify_intent", json={"intent_ids": ids[:1]})
    assert (whole.status_code, whole.json()) == (200, {"success": ids[:1], "failed": []})
    part = await api.post("/intents/bulk_notify_intent", json={"intent_ids": [*ids, "x"]})
    assert (part.status_code, part.json()["success"]) == (207, ids[1:])
    assert [failure["intent_id"] for failure in part.json()["failed"]] == [ids[0], "x"]


async def test_bulk_destroy_is_all_or_nothing(api, storefront):
    ids = [(await signed_up(api, storefront, f"{name}@example.com"))["id"] for name in "ab"]
    await api.post("/intents/notify_intent", json={"id": ids[0]})
    request = {"method": "DELETE", "url": "/intents/bulk_destroy"}
    refused = await api.request(**request, json={"intent_ids": ids})
    assert (refused.status_code, refused.json()["sent_intent_ids"]) == (422, ids[:1])
    assert (await api.get("/intents")).json()["meta"]["total_count"] == 2
    done = await api.request(**request, json={"intent_ids": ids[1:]})
    assert (done.status_code, done.json()) == (200, {"success": True, "deleted_count": 1})
    assert (await api.request(**request, json={"intent_ids": ids[1:]})).status_code == 404
    assert (await api.request(**request, json={})).status_code == 400


async def test_transfer(api, storefront):
    await signed_up(api, storefront)
    body = {
        "from_shopify_variant_id": VARIANT,
        "from_shopify_product_id": PRODUCT,
        "to_shopify_variant_id": VARIANT + 1,
        "to_shopify_product_id": PRODUCT,
    }
    done = await api.post("/intents/transfer_signups", json=body)
    assert (done.status_code, done.json()["transferred_count"]) == (200, 1)
    assert (await api.get("/intents")).json()["intents"][0]["shopify_variant_id"] == VARIANT + 1
    wrong = await api.post("/intents/transfer_signups", json=body | {"intent_type": "some"})
    assert (wrong.status_code, list(wrong.json())) == (400, ["error"])


async def test_another_shops_key_sees_nothing(api, app, storefront, database):
    intent = await signed_up(api, storefront)
    other = await make_key(database, await make_shop(database, "other.myshopify.com"))
    async with client_of(app, other, base="/api/v1") as stranger:
        ids = {"intent_ids": [intent["id"]]}
        answers = {
            "read": await stranger.get(f"/intents/{intent['id']}"),
            "notify": await stranger.post("/intents/notify_intent", json={"id": intent["id"]}),
            "destroy": await stranger.request("DELETE", "/intents/bulk_destroy", json=ids),
        }
        assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
            answers, 404
        )
        assert (await stranger.get("/intents")).json()["intents"] == []
        assert (await stranger.get("/intents/products_in_demand")).json()[
            "product_variants_in_demand"
        ] == []
        told = await stranger.post("/intents/bulk_notify_intent", json=ids)
        assert (told.status_code, told.json()["success"]) == (207, [])
    assert (await api.get(f"/intents/{intent['id']}")).json() == intent


async def test_every_operation_but_create_needs_a_key(app):
    async with client_of(app, base="/api/v1") as anybody:
        for method, path in [
            ("GET", "/intents"),
            ("GET", "/intents/x"),
            ("GET", "/intents/products_in_demand"),
            ("DELETE", "/intents/bulk_destroy"),
            ("POST", "/intents/notify_intent"),
            ("POST", "/intents/bulk_notify_intent"),
            ("POST", "/intents/transfer_signups"),
        ]:
            answer = await anybody.request(method, path)
            assert (answer.status_code, list(answer.json())) == (401, ["error"]), path


@pytest.mark.parametrize(
    "token", ["eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", "shopper", "", "x" * 4000]
)
async def test_a_bearer_token_that_is_no_key_is_a_strangers(app, storefront, token):
    """A headless shop sends the token of its own customer with every request."""
    headers = {"Authorization": f"Bearer {token}"}
    async with client_of(app, base="") as browser:
        answer = await browser.post(
            "/api/v1/intents", json=form(), headers={**storefront, **headers}
        )
        assert answer.status_code == 201
        assert (await browser.get("/api/v1/intents", headers=headers)).status_code == 401


async def test_what_looks_like_a_key_has_to_be_one(app, storefront):
    unknown = "stoq_api_key_" + "a" * 32
    async with client_of(app, base="") as browser:
        for headers in (
            {"Authorization": f"Bearer {unknown}"},
            {"X-Auth-Token": unknown},
            {"X-Auth-Token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"},
        ):
            answer = await browser.post(
                "/api/v1/intents", json=form(), headers={**storefront, **headers}
            )
            assert answer.status_code == 401
