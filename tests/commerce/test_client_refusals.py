"""What will not pass is told at once, and the token is kept to the shop."""

import logging

import pytest
from starlette.responses import JSONResponse, Response

from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnavailable,
    ShopCredentials,
)
from openstoq.commerce.shopify import client as client_module
from openstoq.commerce.shopify.answers import TooExpensive
from openstoq.commerce.shopify.client import address
from tests.commerce.server import DOMAIN, SHOP, TOKEN, answer, coded

DENIED = {
    "message": "Access denied for heldByApp field.",
    "extensions": {"code": "ACCESS_DENIED", "requiredAccess": "`read_apps` access scope."},
    "path": ["webhookSubscriptionCreate", "webhookSubscription", "name"],
}


async def test_an_answer_that_never_ends_is_cut_off(client, admin, monkeypatch):
    monkeypatch.setattr(client_module, "MOST_BYTES", 1000)
    admin.replies(Response(b" " * 1001))
    with pytest.raises(TooExpensive):
        await client.execute("ShopFacts")


async def test_denied_access_names_the_scope(client, admin):
    admin.replies(answer({"shop": None}, [DENIED]))
    with pytest.raises(AccessDenied, match="heldByApp") as caught:
        await client.execute("ShopFacts")
    assert caught.value.scopes == ("read_apps",)


async def test_what_a_mutation_did_has_blocks_beside_its_errors(client, admin):
    done = {"webhookSubscriptionCreate": {"webhookSubscription": {"id": "x"}, "userErrors": []}}
    admin.replies(answer(done, [DENIED, coded("INTERNAL_SERVER_ERROR")]))
    got = await client.execute("WebhookSubscriptionCreate", topic="SHOP_UPDATE")
    assert got.payload("webhookSubscriptionCreate").inside("webhookSubscription").text("id") == "x"
    assert [error.code for error in got.errors] == ["ACCESS_DENIED", "INTERNAL_SERVER_ERROR"]
    assert len(admin.requests) == 1


async def test_a_read_with_a_hole_is_not_taken_for_the_whole(client, admin):
    admin.replies(answer(SHOP, [DENIED]))
    got = await client.execute("ShopFacts")
    with pytest.raises(AccessDenied):
        got.whole()
    assert got.whole(optional=frozenset({"name"})).has("shop")


@pytest.mark.parametrize(
    ("reply", "expected", "sentence"),
    [
        (JSONResponse({"errors": "[API] Invalid API key"}, 401), AccessDenied, "Invalid API key"),
        (JSONResponse({"errors": "Forbidden"}, 403), AccessDenied, "Install the app again"),
        (JSONResponse({"errors": "Unavailable Shop"}, 402), CommerceUnavailable, "closed"),
        (JSONResponse({"errors": "Not Found"}, 404), CommerceRefused, "No shop answers as"),
        (Response("", 302, {"Location": "https://example.com"}), CommerceRefused, "HTTP 302"),
        (JSONResponse({"errors": {"query": "Required"}}, 400), CommerceRefused, "query: Required"),
        (
            JSONResponse({"errors": [coded("SHOP_INACTIVE", "The store is inactive.")]}),
            CommerceUnavailable,
            "inactive",
        ),
        (
            JSONResponse({"errors": [coded("MAX_COST_EXCEEDED", "Query cost is 1723.")]}),
            TooExpensive,
            "1723",
        ),
        (JSONResponse({"errors": [coded("undefinedField")]}), CommerceRefused, "It went wrong"),
        (JSONResponse({"errors": [coded("NEW_CODE_OF_2027")]}), CommerceRefused, "It went wrong"),
    ],
)
async def test_what_will_not_pass_is_told_at_once(client, admin, reply, expected, sentence):
    admin.replies(reply)
    with pytest.raises(expected, match=sentence):
        await client.execute("ShopFacts")
    assert len(admin.requests) == 1


async def test_the_token_is_in_no_log_and_no_error(client, admin, caplog):
    caplog.set_level(logging.DEBUG)
    admin.replies(*[Response(status_code=500)] * 3, Response("{"))
    with pytest.raises(CommerceUnavailable) as caught:
        await client.execute("ShopFacts")
    error: BaseException | None = caught.value
    assert error.__context__ is None
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(caught.value)
    assert TOKEN not in repr(ShopCredentials(DOMAIN, TOKEN))
    assert admin.headers[0]["x-shopify-access-token"] == TOKEN


async def test_cookies_are_not_kept(client, http, admin):
    with_cookie = answer(SHOP)
    with_cookie.set_cookie("_shopify_essential", "x")
    admin.replies(with_cookie, answer(SHOP))
    await client.execute("ShopFacts")
    await client.execute("ShopFacts")
    assert "cookie" not in admin.headers[1]


@pytest.mark.parametrize(
    "domain",
    [
        "example.com",
        "snowdevil.myshopify.com.example.com",
        "snowdevil.myshopify.com\n",
        "snowdevil.myshopify.com/x",
        "-x.myshopify.com",
        "Snowdevil.myshopify.com",
        "a@b.myshopify.com",
        "",
    ],
)
def test_the_token_is_sent_to_no_other_domain(domain):
    with pytest.raises(ValueError, match="permanent domain"):
        address(domain)
    with pytest.raises(ValueError, match="permanent domain"):
        address(domain, "http://127.0.0.1:1/")


def test_only_an_explicit_address_may_be_plain_http():
    assert address(DOMAIN) == f"https://{DOMAIN}"
    assert address(DOMAIN, "http://127.0.0.1:1/shops/x/") == "http://127.0.0.1:1/shops/x"
    for wrong in ("ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://x/?a=b", ""):
        with pytest.raises(ValueError, match="not an address"):
            address(DOMAIN, wrong)
