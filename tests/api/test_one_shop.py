"""Keys of idempotency belong to one caller, and a request names one shop."""

from urllib.parse import urlencode
from uuid import UUID

import pytest

from openstoq.back_in_stock.notifications.links import CONFIRM, link
from tests.api.stranger_shop import ADA, app, asked_of, form, merchant, runtime, signed_up, stranger
from tests.factories.apps import client_of
from tests.factories.fixtures import key, shop
from tests.factories.shops import make_key, make_shop
from tests.factories.waitlists import rows, set_settings

__all__ = ["app", "key", "merchant", "runtime", "shop", "stranger"]

# Keys of idempotency, and names of shops


async def test_a_strangers_idempotency_key_is_its_own(database, shop, stranger, merchant, app):
    once = {"Idempotency-Key": "order-1"}
    strangers = await signed_up(stranger, headers=once, name="Eve")
    mine = await signed_up(merchant, "bob@example.com", headers=once, name="Bob")
    assert mine["customer_name"] == "Bob"
    again = await merchant.post(
        "/api/v1/intents", json=form("bob@example.com", name="Bob"), headers=once
    )
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["intents"] == [mine]
    # The same request of the same stranger is answered again; another's is not.
    repeated = await stranger.post("/api/v1/intents", json=form(name="Eve"), headers=once)
    assert repeated.json()["intents"] == [strangers]
    other = await signed_up(stranger, "carl@example.com", headers=once)
    assert other["contact"] == "carl@example.com"
    async with client_of(app, base="") as elsewhere:
        elsewhere._transport.client = ("192.0.2.77", 1)
        elsewhere.headers["X-Shopify-Shop-Domain"] = shop.domain
        answer = await elsewhere.post("/api/v1/intents", json=form(name="Eve"), headers=once)
    assert "already signed up" in answer.text
    assert "idempotent-replayed" not in answer.headers


async def test_a_key_of_idempotency_belongs_to_a_key_and_a_face(database, shop, merchant, app):
    once = {"Idempotency-Key": "order-1"}
    path = "/api/v2/external/back_in_stock/signups"
    body = {"channel": "email", "shopify_variant_id": 1, "shopify_product_id": 2, "email": ADA}
    first = await merchant.post(path, json=body, headers=once)
    assert first.status_code == 202
    assert (await merchant.post(path, json=body | {"quantity": 2}, headers=once)).status_code == 422
    async with client_of(app, await make_key(database, shop), base="") as colleague:
        theirs = await colleague.post(path, json=body | {"email": "b@example.com"}, headers=once)
    assert (theirs.status_code, theirs.json()["contact"]) == (202, "b@example.com")
    await signed_up(merchant, "c@example.com", number=1, headers=once)


OTHERS = [
    "other.myshopify.com", " Other.MyShopify.com ", "https://other.myshopify.com/", "other.myshopify.com.",
    "http://other.myshopify.com:443/admin?x=1", "//other.myshopify.com", "a:b@other.myshopify.com/x",
]  # fmt: skip


PLACES = [
    "query", "shop", "shop_domain", "shopDomain", "myshopify-domain", "domain", "shopUrl", "nested",
    "list", "intent", "customer",
]  # fmt: skip


def naming(body, where, domain):
    """Have a body or a query name a shop; return the query."""
    if where == "nested":
        body["shop"] = {"myshopify_domain": domain, "name": "x"}
    elif where == "list":
        body["shop"] = [domain]
    elif where in body:
        body[where]["shop_domain"] = domain
    elif where != "query":
        body[where] = domain
    return f"?{urlencode({'shop': domain})}" if where == "query" else ""


@pytest.mark.parametrize("where", PLACES)
async def test_a_request_names_one_shop(database, shop, stranger, merchant, where):
    await make_shop(database, "other.myshopify.com")
    for client in (stranger, merchant):
        for domain, status in [*((one, 400) for one in OTHERS), (shop.domain.upper(), 201),
                               (f"https://{shop.domain}/admin", 201), ("www.brand.com", 201)]:  # fmt: skip
            before = await rows(database, shop, "signups")
            body = form(f"{len(before)}@example.com")
            query = naming(body, where, domain)
            answer = await client.post(f"/api/v1/intents{query}", json=body)
            assert answer.status_code == status, (domain, answer.text)
            made = len(await rows(database, shop, "signups")) - len(before)
            assert made == (status == 201)


async def test_a_shops_name_or_own_address_names_no_other(stranger):
    for n, said in enumerate(("Snowdevil", "snowdevil.example", {"name": "x"}, None, 7)):
        body = form(f"{n}@example.com") | {"shop": said}
        assert (await stranger.post("/api/v1/intents", json=body)).status_code == 201, said


async def test_a_keys_shop_is_the_headers(database, shop, merchant):
    await make_shop(database, "other.myshopify.com")
    other = {"X-Shopify-Shop-Domain": "other.myshopify.com"}
    answer = await merchant.post("/api/v1/intents", json=form(), headers=other)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "the request names two shops; name one, in X-Shopify-Shop-Domain"},
    )
    assert await rows(database, shop, "signups") == []
    # What is no domain of Shopify's cannot be compared.
    for said in ("www.brand.com", shop.domain.upper(), "", "x" * 1000):
        await signed_up(
            merchant, f"{len(said)}@example.com", headers={"X-Shopify-Shop-Domain": said}
        )


V2 = "/api/v2/external"


CALLED = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/intents", None),
        ("GET", "/api/v1/external/preorders.json", None),
        ("POST", "/api/v1/intents/bulk_notify_intent", {"intent_ids": []}),
        ("GET", f"{V2}/back_in_stock/signups", None),
        ("GET", f"{V2}/help", None),
        ("POST", f"{V2}/back_in_stock/signups", {}),
        ("POST", "/mcp", CALLED),
        ("POST", f"{V2}/mcp", CALLED),
    ],
)
async def test_every_face_with_a_key_takes_one_shop(database, merchant, method, path, body):
    async def ask(header=None, query="", **more):
        headers = {"X-Shopify-Shop-Domain": header} if header else {}
        sent = {} if body is None else {"json": body | more}
        return await merchant.request(method, path + query, headers=headers, **sent)

    def is_refused(answer):
        return answer.status_code == 400 and "names two shops" in answer.text

    for other in OTHERS[:3]:
        assert is_refused(await ask(header=other.strip()))
        assert is_refused(await ask(query="?" + urlencode({"shop": other})))
    if "/v1/" in path and body is not None:
        assert is_refused(await ask(shop_domain="other.myshopify.com"))
    for header in (None, "www.brand.com", "snowdevil.myshopify.com"):
        assert not is_refused(await ask(header=header))


async def test_a_storefronts_query_and_header_name_one_shop(database, shop, stranger):
    await make_shop(database, "other.myshopify.com")
    for path in ("/api/storefront/preorders", "/api/storefront/preorders/check"):
        asked = {"url": path, "params": {"shop": "other.myshopify.com"}}
        if path.endswith("check"):
            answer = await stranger.post(
                **asked, json={"lines": [{"variant_id": 1, "quantity": 1}]}
            )
        else:
            asked["params"]["variant_id"] = "1"
            answer = await stranger.get(**asked)
        assert answer.status_code == 400, answer.text
        assert "names two shops" in answer.text


# Asking to confirm


async def test_where_everybody_is_asked_a_stranger_is_told_so(database, shop, stranger, runtime):
    await set_settings(database, shop, {"compliance": {"optin_required": True}})
    intent = await signed_up(stranger)
    assert intent["optin_confirmed"] is False
    assert await asked_of(database, shop) == [{"signup_id": intent["id"]}]
    assert (
        await stranger.post(link(runtime, CONFIRM, shop.id, UUID(intent["id"])))
    ).status_code == 200
