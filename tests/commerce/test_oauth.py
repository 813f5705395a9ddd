"""Installing the app: where the merchant is sent, who sends them back, and the token."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.responses import JSONResponse, Response

from commerce.server import DOMAIN
from openstoq.commerce.port import AccessDenied, CommerceUnavailable
from openstoq.commerce.shopify import oauth
from openstoq.commerce.shopify.oauth import AppIdentity, Callback
from openstoq.errors import BadRequest, Unauthorized

APP = AppIdentity("client", "hush-hush-hush")
STATE = "nonce123"
GIVEN = {
    "code": "0907a61c0c8d55e99db179b68161bc00",
    "host": "YWRtaW4=",
    "shop": DOMAIN,
    "state": STATE,
    "timestamp": "1337178173",
}


def signed(given, secret=APP.client_secret):
    message = "&".join(f"{name}={value}" for name, value in sorted(given.items()))
    code = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return urlencode(given | {"hmac": code})


def test_the_merchant_is_sent_to_their_own_admin():
    where = oauth.authorize_url(
        DOMAIN,
        APP,
        scopes=["read_products", "read_inventory"],
        redirect_uri="https://stoq.example/auth/callback",
        state=STATE,
    )
    parts = urlsplit(where)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", DOMAIN, "/admin/oauth/authorize")
    assert parse_qs(parts.query) == {
        "client_id": ["client"],
        "scope": ["read_products,read_inventory"],
        "redirect_uri": ["https://stoq.example/auth/callback"],
        "state": [STATE],
    }
    with pytest.raises(ValueError, match="permanent domain"):
        oauth.authorize_url("evil.example", APP, scopes=[], redirect_uri="", state=STATE)


def test_a_genuine_callback_is_read():
    got = oauth.read_callback(signed(GIVEN), [APP.client_secret], state=STATE)
    assert got == Callback(DOMAIN, GIVEN["code"])
    old = oauth.read_callback(signed(GIVEN, "old"), [APP.client_secret, "old"], state=STATE)
    assert old == got
    assert GIVEN["code"] not in repr(got)


def test_values_cannot_be_moved_from_one_parameter_to_another():
    blurred = signed({"a": "1&b=2"} | GIVEN)
    with pytest.raises(Unauthorized):
        oauth.read_callback(blurred, [APP.client_secret], state=STATE)


@pytest.mark.parametrize(
    "query",
    [
        signed(GIVEN, "other"),
        signed(GIVEN, ""),
        signed(GIVEN) + "&extra=1",
        signed(GIVEN).replace("0907", "0908"),
        urlencode(GIVEN | {"hmac": "é"}),
    ],
)
def test_a_forged_callback_is_refused(query):
    with pytest.raises(Unauthorized, match="signature"):
        oauth.read_callback(query, [APP.client_secret, ""], state=STATE)


@pytest.mark.parametrize("state", ["other", "", "é"])
def test_a_callback_that_nobody_here_began_is_refused(state):
    with pytest.raises(Unauthorized, match="start it again"):
        oauth.read_callback(signed(GIVEN), [APP.client_secret], state=state)


def test_every_missing_parameter_is_named():
    with pytest.raises(BadRequest) as caught:
        oauth.read_callback("shop=&timestamp=1", [APP.client_secret], state=STATE)
    assert caught.value.messages == [
        f"The parameter {name} is missing." for name in ("code", "hmac", "shop", "state")
    ]


@pytest.mark.parametrize(
    "shop", ["evil.example", "a.myshopify.com.evil.example", "a.myshopify.com/x"]
)
def test_even_a_signed_callback_leads_to_no_other_domain(shop):
    with pytest.raises(BadRequest, match="myshopify"):
        oauth.read_callback(signed(GIVEN | {"shop": shop}), [APP.client_secret], state=STATE)


async def test_a_code_is_exchanged_for_a_token(http, admin):
    admin.replies(
        JSONResponse({"access_token": "shpat_x", "scope": "read_products, read_inventory"})
    )
    grant = await oauth.exchange_code(http, Callback(DOMAIN, "c0de"), APP, api_url=admin.url)
    assert (grant.access_token, grant.expires_at, grant.refresh_token) == ("shpat_x", None, None)
    assert grant.scopes == ("read_products", "read_inventory")
    assert "shpat_x" not in repr(grant)
    assert admin.paths == [f"/shops/{DOMAIN}/admin/oauth/access_token"]
    assert parse_qs(admin.bodies[0].decode()) == {
        "client_id": ["client"],
        "client_secret": ["hush-hush-hush"],
        "code": ["c0de"],
    }


async def test_an_expiring_token_comes_with_the_means_to_renew_it(http, admin):
    admin.replies(
        JSONResponse({"access_token": "a", "scope": "", "expires_in": 3600, "refresh_token": "r"}),
        JSONResponse({"access_token": "b", "scope": "", "expires_in": 3600, "refresh_token": "s"}),
    )
    callback = Callback(DOMAIN, "c0de")
    first = await oauth.exchange_code(http, callback, APP, expiring=True, api_url=admin.url)
    assert parse_qs(admin.bodies[0].decode())["expiring"] == ["1"]
    assert first.expires_at - datetime.now(UTC) > timedelta(minutes=50)
    second = await oauth.refresh(http, DOMAIN, APP, first.refresh_token, api_url=admin.url)
    assert (second.access_token, second.refresh_token) == ("b", "s")
    assert parse_qs(admin.bodies[1].decode())["grant_type"] == ["refresh_token"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (JSONResponse({"error": "invalid_request"}, 400), AccessDenied),
        (Response(status_code=401), AccessDenied),
        (Response(status_code=503), CommerceUnavailable),
        (Response(status_code=429), CommerceUnavailable),
        (Response("<html>"), CommerceUnavailable),
        (JSONResponse({"scope": "read_products"}), CommerceUnavailable),
        (JSONResponse({"access_token": "x", "expires_in": "soon"}), CommerceUnavailable),
    ],
)
async def test_no_token_is_told_without_the_secret(http, admin, reply, expected):
    admin.replies(reply)
    with pytest.raises(expected, match=DOMAIN) as caught:
        await oauth.exchange_code(http, Callback(DOMAIN, "c0de"), APP, api_url=admin.url)
    assert APP.client_secret not in repr(caught.value)


async def test_a_shop_that_cannot_be_reached_gives_no_token(http, dead_port):
    url = f"http://127.0.0.1:{dead_port}"
    with pytest.raises(CommerceUnavailable, match="cannot be reached") as caught:
        await oauth.exchange_code(http, Callback(DOMAIN, "c0de"), APP, api_url=url)
    assert caught.value.__context__ is None
    assert APP.client_secret not in repr(APP)
