"""Admission: find the shop that a request is for, and spend the caller's rate points."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from openstoq.actions.action import WRITE_COST
from openstoq.actions.context import Caller, actor_of_key
from openstoq.commerce.inbound import Inbound
from openstoq.errors import BadRequest, TooManyRequests, Unauthorized
from openstoq.jobs.work import Runtime
from openstoq.kernel.addresses import client_of
from openstoq.shops import store
from openstoq.shops.connection import webhook_secrets
from openstoq.shops.keys import is_key
from openstoq.shops.model import WINDOW_SECONDS, Points, Shop

TWO_SHOPS = "the request names two shops; name one, in X-Shopify-Shop-Domain"
MISSING = "send your API key in the X-Auth-Token header"
UNKNOWN = "the API key is malformed, unknown, expired or revoked; make one with `openstoq shop key`"

LONGEST_DOMAIN = 255
# Matches a myshopify.com domain, alone or in a URL such as https://brand.myshopify.com/admin.
_SHOP = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,20}:)?(?://)?(?:[^/@\s]{0,255}@)?"
    r"([a-z0-9][a-z0-9-]{0,99}\.myshopify\.com)\.?(?::\d*)?(?:[/?#].*)?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
# The maximum age of a signature. It is made for one request, which arrives within seconds.
LONGEST_FORWARDED = timedelta(minutes=5)


class PointsSpent(TooManyRequests):
    """The documented 429 for spent rate points, whose body differs from that of other problems."""

    def __init__(self, points: Points) -> None:
        super().__init__(
            f"You have exceeded the rate limit of {points.limit} points per {WINDOW_SECONDS} "
            f"seconds. Try again in {points.retry_after} seconds."
        )
        self.points = points

    @property
    def body(self) -> dict[str, object]:
        """The documented response body, which has the key `error` instead of the usual `errors`."""
        return {
            "error": "Rate limit exceeded",
            "retry_after": self.points.retry_after,
            "message": self.messages[0],
        }


async def admit(
    runtime: Runtime, key: str | None, *, cost: int, named: Iterable[object] = ()
) -> Caller:
    """Admit the holder of an API key, and spend `cost` of the shop's rate points.

    A request may name its shop as well as send a key; `named` contains all such names. Raises
    BadRequest if one of them is the name of a different shop. Raises Unauthorized if the key is
    missing or not valid, and PointsSpent if too few points are left.
    """
    if not key:
        raise Unauthorized(MISSING)
    if not is_key(key):
        raise Unauthorized(UNKNOWN)
    found = await store.admit_key(
        runtime.database, key, cost=cost, default_points=runtime.settings.limits.points
    )
    if found is None:
        raise Unauthorized(UNKNOWN)
    shop, key_id, points = found
    if not points.allowed:
        raise PointsSpent(points)
    check_shop(shop, named)
    return Caller(shop=shop, actor=actor_of_key(key_id), points=points)


def check_shop(shop: Shop, named: Iterable[object]) -> None:
    """Raise BadRequest if any value is the myshopify.com domain of a different shop.

    Any other value, such as a shop's display name or custom domain, is ignored, because it cannot
    be compared.
    """
    for value in named:
        found = _SHOP.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is not None and found[1].lower() != shop.domain:
            raise BadRequest(TWO_SHOPS)


async def admit_storefront(
    runtime: Runtime, domain: str | None, *, address: str, cost: int
) -> Caller:
    """Admit a shopper's browser, and spend `cost` of the rate points of its network address.

    Raises Unauthorized when no installed shop has `domain`, and PointsSpent when too few points are
    left.
    """
    domain, bucket = _named(domain), _bucket(domain, client_of(address))
    found = await store.admit_address(
        runtime.database,
        domain,
        bucket,
        cost=cost,
        limit=runtime.settings.limits.address_points,
    )
    return _stranger(found, bucket)


async def admit_signup(runtime: Runtime, domain: str | None, *, address: str) -> Caller:
    """Admit a stranger's sign-up, and spend rate points on it.

    The points are taken twice: from those of the stranger's network address, and from those that
    all strangers of the shop share. Raises PointsSpent when either has too few left, and
    Unauthorized when no installed shop has `domain`.
    """
    return await _admit_signup(runtime, _named(domain), _bucket(domain, client_of(address)))


async def admit_forwarded(
    runtime: Runtime, query: Sequence[tuple[str, str]], *, visitor: str | None
) -> Caller:
    """Admit a sign-up that the shop's platform has forwarded and signed.

    The signature proves the shop and the customer who was logged in. It does not prove who entered
    the other values, such as the contact. `visitor` is the visitor's address as the platform
    reports it. Raises Unauthorized when the signature is wrong or too old, or no installed shop is
    named, and PointsSpent when too few points are left.
    """
    domain = _named(next((value for name, value in query if name == "shop"), ""))
    shop = await store.shop_of_domain(runtime.database, domain)
    forwarded = runtime.ports.get(Inbound).forwarded(query, webhook_secrets(runtime, shop))
    if forwarded is None:
        raise Unauthorized("the signature is not one of this app's")
    if abs(runtime.clock() - forwarded.signed_at) > LONGEST_FORWARDED:
        raise Unauthorized("the signature is too old, or the server's clock is wrong")
    # The request comes from an address of the platform, so points are counted by customer, or by
    # the address that the platform reports for a visitor who is not logged in. The signature does
    # not cover that address: to a visitor who forges it, only the limit of all strangers applies.
    who = forwarded.customer_id
    client = f"customer {who}" if who is not None or not visitor else client_of(visitor)
    # Visitors with neither a customer id nor an address share one bucket. Its limit is therefore
    # that of all strangers.
    is_nobody = who is None and not visitor
    caller = await _admit_signup(
        runtime,
        domain,
        _bucket(domain, client),
        limit=runtime.settings.limits.signup_points if is_nobody else None,
    )
    return replace(caller, customer_id=who)


async def _admit_signup(
    runtime: Runtime, domain: str, bucket: str, *, limit: int | None = None
) -> Caller:
    limits = runtime.settings.limits
    found = await store.admit_stranger(
        runtime.database,
        domain,
        bucket,
        cost=WRITE_COST,
        limit=limit if limit is not None else limits.address_points,
        shop_limit=limits.signup_points,
    )
    return _stranger(found, bucket)


def _named(domain: str | None) -> str:
    """Return the domain in lower case, or an empty string if it cannot be a domain."""
    named = (domain or "").strip().lower()
    return named if len(named) <= LONGEST_DOMAIN and named.isprintable() else ""


def _bucket(domain: str | None, client: str) -> str:
    # An address is personal data, so only a digest of it is stored with the points.
    return sha256(f"{_named(domain)}/{client}".encode()).hexdigest()


def _stranger(found: tuple[Shop, Points] | None, bucket: str) -> Caller:
    if found is None:
        raise Unauthorized("name an installed shop in the X-Shopify-Shop-Domain header")
    shop, points = found
    if not points.allowed:
        raise PointsSpent(points)
    return Caller(shop=shop, actor="storefront", points=points, bucket=bucket)
