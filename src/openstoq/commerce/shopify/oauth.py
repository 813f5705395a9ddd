"""Install the app in a shop: the authorization-code flow and the tokens it ends with."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import httpx

from openstoq.commerce.port import AccessDenied, CommerceUnavailable
from openstoq.commerce.shopify.client import SHOP_DOMAIN, address
from openstoq.commerce.shopify.fields import body_fields
from openstoq.errors import BadRequest, Unauthorized
from openstoq.kernel.clock import utc_now

_RETRY_AFTER = 30.0


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """The app as Shopify knows it."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Callback:
    """A merchant who agreed: exchange `code` for a token of `domain`."""

    domain: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """An offline token. One that expires comes with a `refresh_token` for the next."""

    access_token: str = field(repr=False)
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    refresh_token: str | None = field(default=None, repr=False)


def authorize_url(
    domain: str,
    app: AppIdentity,
    *,
    scopes: Iterable[str],
    redirect_uri: str,
    state: str,
    api_url: str | None = None,
) -> str:
    """Return where to send the merchant; `state` must be random and kept in their session.

    Raises ValueError unless `domain` is a myshopify domain.
    """
    asked = {
        "client_id": app.client_id,
        "scope": ",".join(scopes),
        "redirect_uri": redirect_uri,
        "state": state,
    }
    return f"{address(domain, api_url)}/admin/oauth/authorize?{urlencode(asked)}"


def read_callback(query: str, secrets: Sequence[str], *, state: str) -> Callback:
    """Read the query string with which Shopify sends the merchant back.

    Raises BadRequest naming every missing parameter, or Unauthorized if it was not Shopify that
    sent them, or not in answer to the `state` that we sent.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    missing = [name for name in ("code", "hmac", "shop", "state") if not given.get(name)]
    if missing:
        raise BadRequest(*(f"The parameter {name} is missing." for name in missing))
    if not _is_signed(pairs, given["hmac"], secrets):
        raise Unauthorized("The signature is wrong; start the installation again.")
    if not state or not hmac.compare_digest(given["state"].encode(), state.encode()):
        raise Unauthorized("The installation was not started here; start it again.")
    if not SHOP_DOMAIN.fullmatch(given["shop"]):
        raise BadRequest("The parameter shop must be a myshopify.com domain.")
    return Callback(given["shop"], given["code"])


async def exchange_code(
    http: httpx.AsyncClient,
    callback: Callback,
    app: AppIdentity,
    *,
    expiring: bool = False,
    api_url: str | None = None,
) -> Grant:
    """Exchange the merchant's code for an offline token. Raises a CommerceError.

    A code works once. Public apps must ask for `expiring` tokens; custom apps need not.
    """
    asked = {"code": callback.code} | ({"expiring": "1"} if expiring else {})
    return await _token(http, callback.domain, app, asked, api_url)


async def refresh(
    http: httpx.AsyncClient,
    domain: str,
    app: AppIdentity,
    refresh_token: str,
    *,
    api_url: str | None = None,
) -> Grant:
    """Exchange the refresh token for the next pair of tokens. Raises a CommerceError."""
    asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return await _token(http, domain, app, asked, api_url)


async def _token(
    http: httpx.AsyncClient,
    domain: str,
    app: AppIdentity,
    asked: dict[str, str],
    api_url: str | None,
) -> Grant:
    url = f"{address(domain, api_url)}/admin/oauth/access_token"
    form = {"client_id": app.client_id, "client_secret": app.client_secret} | asked
    # The errors of the connection carry the request, and with it the secret: words only.
    failed = ""
    try:
        response = await http.post(url, data=form, headers={"Accept": "application/json"})
    except httpx.RequestError as error:
        failed = type(error).__name__
    if failed:
        raise CommerceUnavailable(
            f"{domain} cannot be reached for a token ({failed}).", retry_after=_RETRY_AFTER
        )
    if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise CommerceUnavailable(
            f"{domain} gives no token now (HTTP {response.status_code}).", retry_after=_RETRY_AFTER
        )
    if not response.is_success:
        raise AccessDenied(
            f"{domain} gives no token (HTTP {response.status_code}). Check the app's client id "
            "and secret, and start the installation again."
        )
    try:
        return _grant(response.content)
    except ValueError as error:
        raise CommerceUnavailable(
            f"{domain} answers with no token that can be read: {error}", retry_after=_RETRY_AFTER
        ) from None


def _grant(body: bytes) -> Grant:
    told = body_fields(body)
    token = told.text("access_token")
    if not token:
        raise ValueError("access_token must be there")
    lifetime = told.count("expires_in")
    return Grant(
        token,
        tuple(scope.strip() for scope in told.text("scope").split(",") if scope.strip()),
        utc_now() + timedelta(seconds=lifetime) if lifetime else None,
        told.text_or_none("refresh_token"),
    )


def _is_signed(pairs: list[tuple[str, str]], signature: str, secrets: Sequence[str]) -> bool:
    # Shopify signs the decoded pairs in order, in which only what would blur them is escaped.
    parts = sorted(
        f"{_escaped(name).replace('=', '%3D')}={_escaped(value)}"
        for name, value in pairs
        if name != "hmac"
    )
    message = "&".join(parts).encode()
    genuine = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        genuine |= hmac.compare_digest(expected.encode(), signature.encode()) and bool(secret)
    return genuine


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")
