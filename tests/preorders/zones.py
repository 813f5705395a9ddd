"""A shop in a time zone, whose clock a test sets."""

from datetime import UTC, datetime

from tests.factories.apps import client_of, make_app
from tests.factories.runtimes import make_runtime

NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"
AUCKLAND, KIRITIMATI = "Pacific/Auckland", "Pacific/Kiritimati"


class Clock:
    """The clock of a runtime; it stands still until it is set."""

    def __init__(self, now="2027-01-01T00:00:00Z"):
        self.set(now)

    def set(self, now):
        self.now = datetime.fromisoformat(now).astimezone(UTC)

    def __call__(self):
        return self.now


async def move(database, shop, zone):
    """Have a shop be in another time zone, as if that had been read from Shopify."""
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET timezone = $1", zone)


def zoned_runtime(database, clock):
    return make_runtime(database, clock=clock)


def caller(runtime, key, *, base="/api/v2/external", routes=()):
    return client_of(make_app(runtime, routes=routes), key, base=base)
