"""The offers of a variant: in the order in which they apply, and by what they are now."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from tests.factories.apps import client_of, make_app
from tests.factories.runtimes import make_runtime

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
WINDOWS = {
    "paused": None,
    "always": None,
    "ended": (-3, -1),
    "upcoming": (1, 3),
    "active": (-1, 1),
    "elsewhere": None,
}


@pytest.fixture
def now():
    return [NOON]


@pytest.fixture
async def at_noon(database, key, now):
    async with client_of(make_app(make_runtime(database, clock=lambda: now[0])), key) as opened:
        yield opened


@pytest.fixture
async def selling(at_noon, database, shop, catalogue, now):
    """The ids by name of offers that all sell the first variant, each enabled after the last."""
    ids = {}
    for minutes, (name, window) in enumerate(WINDOWS.items()):
        now[0] = NOON + timedelta(minutes=minutes)
        made = (await at_noon.post("/preorders/offers", json={"name": name})).json()
        at, ids[name] = f"/preorders/offers/{made['id']}", made["id"]
        async with database.transaction(shop.id) as db:
            offer = await store.load(db, shop.id, UUID(made["id"]), lock=True)
            await resolve.attach(db, shop.id, offer, catalogue[:1], now[0])
        if window is not None:
            start, end = ((NOON + timedelta(hours=hours)).isoformat() for hours in window)
            await at_noon.post(f"{at}/schedule", json={"start": start, "end": end})
        if name != "paused":
            assert (await at_noon.post(f"{at}/enable", json={})).status_code == 202
    await at_noon.post(f"{at}/markets/set_markets", json={"market_ids": [7]})
    return ids


async def names(client, variant, **query):
    answer = await client.get(f"/preorders/product_variants/{variant}/offers", params=query)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["offers"]]


async def test_offers_are_listed_in_the_order_in_which_they_apply(at_noon, selling, catalogue, now):
    expected = ["elsewhere", "active", "always", "upcoming", "ended", "paused"]
    assert await names(at_noon, catalogue[0]) == expected
    context = (await at_noon.get(f"/preorders/product_variants/{catalogue[0]}")).json()
    assert [one["name"] for one in context["offers"]] == expected
    now[0] = NOON + timedelta(hours=2)
    later = ["elsewhere", "upcoming", "always", "active", "ended", "paused"]
    assert await names(at_noon, catalogue[0]) == later


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("enabled", ["elsewhere", "active", "always", "upcoming", "ended"]),
        ("disabled", ["paused"]),
        ("discarded", []),
        ("always", ["elsewhere", "always", "paused"]),
        ("upcoming", ["upcoming"]),
        ("active", ["active"]),
        ("ended", ["ended"]),
    ],
)
async def test_offers_are_filtered_by_what_they_are_now(
    at_noon, selling, catalogue, state, expected
):
    assert await names(at_noon, catalogue[0], state=state) == expected


async def test_an_unknown_state_is_refused(at_noon, selling, catalogue):
    at = f"/preorders/product_variants/{catalogue[0]}/offers"
    answer = await at_noon.get(at, params={"state": "paused"})
    assert answer.status_code == 422
