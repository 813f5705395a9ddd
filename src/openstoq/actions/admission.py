"""Admission: whose key a request carries, and whether its shop has points left."""

from hashlib import sha256

from openstoq.actions.context import Caller, actor_of_key
from openstoq.errors import TooManyRequests, Unauthorized
from openstoq.jobs.work import Runtime
from openstoq.shops import store
from openstoq.shops.keys import is_key
from openstoq.shops.model import WINDOW_SECONDS, Points

MISSING = "send your API key in the X-Auth-Token header"
UNKNOWN = "the API key is malformed, unknown, expired or revoked; make one with `openstoq shop key`"


class PointsSpent(TooManyRequests):
    """The documented 429, which faces answer with a body of its own."""

    def __init__(self, points: Points) -> None:
        super().__init__(
            f"You have exceeded the rate limit of {points.limit} points per {WINDOW_SECONDS} "
            f"seconds. Try again in {points.retry_after} seconds."
        )
        self.points = points

    @property
    def body(self) -> dict[str, object]:
        """The documented body: `error`, not `errors`."""
        return {
            "error": "Rate limit exceeded",
            "retry_after": self.points.retry_after,
            "message": self.messages[0],
        }


async def admit(runtime: Runtime, key: str | None, *, cost: int) -> Caller:
    """Admit the holder of an API key; raise Unauthorized or PointsSpent."""
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
    return Caller(shop=shop, actor=actor_of_key(key_id), points=points)


async def admit_storefront(
    runtime: Runtime, domain: str | None, *, address: str, cost: int
) -> Caller:
    """Admit a shopper's browser, which names the shop and has points of its own address.

    Raises Unauthorized when there is no such installed shop, or PointsSpent.
    """
    # An address is personal data, so only a digest of it stands in the table of points.
    domain = (domain or "").lower()
    bucket = sha256(f"{domain}/{address}".encode()).hexdigest()
    found = await store.admit_address(
        runtime.database,
        domain,
        bucket,
        cost=cost,
        limit=runtime.settings.limits.address_points,
    )
    if found is None:
        raise Unauthorized("name an installed shop in the X-Shopify-Shop-Domain header")
    shop, points = found
    if not points.allowed:
        raise PointsSpent(points)
    return Caller(shop=shop, actor="storefront", points=points)
