"""The `from` and `to` of a list are days in the shop's time zone, in v1 as in v2."""

import pytest

from openstoq.web.v1 import routes
from tests.factories.apps import client_of, make_app
from tests.factories.shops import set_zone
from tests.factories.waitlists import make_signup

NAMES = ["before", "first", "last", "after"]
# A zone, and the hours from noon of July 1 in UTC to the first moment of that day there.
ZONES = [
    ("America/New_York", -8),
    ("UTC", -12),
    ("Asia/Tokyo", -21),
    ("Pacific/Auckland", -24),
    ("Pacific/Kiritimati", -26),
]
every_zone = pytest.mark.parametrize(("zone", "hours"), ZONES)


@pytest.fixture
async def v1(runtime, key):
    app = make_app(runtime, routes=routes.routes(runtime))
    async with client_of(app, key, base="/api/v1/external") as opened:
        yield opened


async def sign_up(database, shop, hours):
    """One signup at each end of the first of July there, and one beyond each."""
    for name, seconds in zip(NAMES, (-1, 0, 86_399, 86_400), strict=True):
        at = hours * 3600 + seconds
        await make_signup(database, shop, f"{name}@example.com", seconds=at)


def names(listed, field):
    return {one[field].partition("@")[0] for one in listed}


@every_zone
async def test_signups_of_a_day(client, database, shop, zone, hours):
    await set_zone(database, shop, zone)
    await sign_up(database, shop, hours)

    async def found(**query):
        answer = await client.get("/back_in_stock/signups", params=query)
        assert answer.status_code == 200, answer.text
        return names(answer.json()["signups"], "contact")

    day = {"from": "2026-07-01", "to": "2026-07-01"}
    assert await found(**day) == {"first", "last"}
    assert await found(to="2026-06-30") == {"before"}
    assert await found(**{"from": "2026-07-02"}) == {"after"}
    times = {"from": "2026-07-01T00:00:00", "to": "2026-07-01T23:59:58"}
    assert await found(**times) == {"first"}


@every_zone
async def test_intents_of_a_day(v1, database, shop, zone, hours):
    await set_zone(database, shop, zone)
    await sign_up(database, shop, hours)
    day = {"start_date": "2026-07-01", "end_date": "2026-07-01"}
    answer = await v1.get("/intents", params=day)
    assert answer.status_code == 200, answer.text
    assert names(answer.json()["intents"], "email") == {"first", "last"}
