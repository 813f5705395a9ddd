"""An offer from its making to its discarding, through the v2 API."""

from datetime import UTC, datetime, timedelta

import pytest

from openstoq.jobs.queue import waiting_arguments
from tests.factories.apps import client_of, make_app
from tests.factories.runtimes import make_runtime

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
OFFERS = "/preorders/offers"


async def posted(client, at, body=None):
    answer = await client.post(at, json=body or {})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def read(client, at):
    answer = await client.get(at)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def at(offer_id):
    return f"{OFFERS}/{offer_id}"


async def test_a_new_offer_has_the_dashboards_defaults(client):
    made = await posted(client, OFFERS)
    assert (made["name"], made["status"], made["enabled"]) == ("Preorder", "disabled", False)
    assert made["products"] == {
        "source": "custom",
        "variant_count": 0,
        "all": None,
        "collection": None,
        "custom": {},
        "sync": {"state": "pending", "error": None, "warning": None},
    }
    assert made["schedule"] == {"start": None, "end": None, "state": "always"}
    assert made["payments"]["mode"] == "full"
    assert made["shipping"]["delivery"]["type"] == "asap"
    assert made["widget"]["badge"]["text"] == made["widget"]["button"]["text"] == "Preorder"
    assert await read(client, f"{OFFERS}/{made['id']}") == made


async def test_top_level_names_are_updated_and_nothing_else(client, at):
    before = await read(client, at)
    answer = await client.patch(at, json={"name": "Summer", "internal_name": "S1"})
    assert answer.status_code == 202
    after = await read(client, at)
    passing = ("updated_at", "sync")
    expected = before | {"name": "Summer", "internal_name": "S1"}
    assert {k: v for k, v in after.items() if k not in passing} == {
        k: v for k, v in expected.items() if k not in passing
    }


async def test_the_list_filters_by_status_and_pages_newest_first(client):
    ids = [(await posted(client, OFFERS, {"name": f"No {n}"}))["id"] for n in range(4)]
    await posted(client, f"{OFFERS}/{ids[0]}/enable")
    await posted(client, f"{OFFERS}/{ids[1]}/discard")
    listed = {
        status: [one["id"] for one in (await read(client, f"{OFFERS}{query}"))["offers"]]
        for status, query in (
            ("", ""),
            ("enabled", "?status=enabled"),
            ("disabled", "?status=disabled"),
            ("discarded", "?status=discarded"),
        )
    }
    assert listed[""] == [ids[3], ids[2], ids[0]]
    assert listed["enabled"] == [ids[0]]
    assert listed["disabled"] == [ids[3], ids[2]]
    assert listed["discarded"] == [ids[1]]
    second = await read(client, f"{OFFERS}?page=2&per_page=2")
    assert [one["id"] for one in second["offers"]] == [ids[0]]
    assert (await client.get(f"{OFFERS}?status=paused")).status_code == 422


async def test_enable_and_disable_say_so_and_are_idempotent(client, at):
    for action, flag in (("enable", True), ("enable", True), ("disable", False)):
        assert (await posted(client, f"{at}/{action}"))["enabled"] is flag
        assert (await read(client, at))["enabled"] is flag
    answer = await client.post(f"{at}/enable", json={"variant_ids": [1]})
    assert answer.status_code == 422


async def test_discard_keeps_everything_and_restore_brings_it_back_disabled(client, at):
    await posted(client, f"{at}/widget/set_badge_text", {"text": "Kept"})
    await posted(client, f"{at}/enable")
    gone = await posted(client, f"{at}/discard")
    assert (gone["status"], gone["enabled"]) == ("discarded", False)
    assert gone["discarded_at"] is not None
    back = await posted(client, f"{at}/restore")
    assert (back["status"], back["discarded_at"]) == ("disabled", None)
    assert back["widget"]["badge"]["text"] == "Kept"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"name": "No"}),
        ("PATCH", "/widget", {"badge": {"enabled": False}}),
        ("POST", "/enable", {}),
        ("POST", "/disable", {}),
        ("POST", "/schedule", {"start": "2026-05-01T12:00:00Z"}),
        ("POST", "/unschedule", {}),
        ("POST", "/widget/set_badge_text", {"text": "No"}),
        ("POST", "/products/add_variants", {"variant_ids": [11]}),
        ("POST", "/translations/clear_locale", {"locale": "fr"}),
    ],
)
async def test_a_discarded_offer_is_changed_by_nothing(client, at, method, path, body):
    await posted(client, f"{at}/discard")
    before = await read(client, at)
    assert (await client.request(method, f"{at}{path}", json=body)).status_code == 409
    assert await read(client, at) == before


async def test_the_schedule_is_read_live_and_never_enables(database, key):
    now = [NOON]
    runtime = make_runtime(database, clock=lambda: now[0])
    async with client_of(make_app(runtime), key) as client:
        at = f"{OFFERS}/{(await posted(client, OFFERS))['id']}"
        window = {
            "start": (NOON + timedelta(hours=1)).isoformat(),
            "end": (NOON + timedelta(hours=2)).isoformat(),
        }
        await posted(client, f"{at}/schedule", window)
        states = []
        for hours in (0, 1, 1.5, 2):
            now[0] = NOON + timedelta(hours=hours)
            found = await read(client, at)
            states.append(found["schedule"]["state"])
            assert found["enabled"] is False
        assert states == ["upcoming", "active", "active", "ended"]
        cleared = await posted(client, f"{at}/unschedule")
        assert cleared["schedule"] == {"start": None, "end": None, "state": "always"}
        backwards = {"start": window["end"], "end": window["start"]}
        for wrong in ({}, backwards):
            assert (await client.post(f"{at}/schedule", json=wrong)).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "change", "asks"),
    [
        ("PATCH", "limits", {"total": {"max": 3}}, True),
        ("PATCH", "widget", {"button": {"text": "Reserve"}}, True),
        ("POST", "payments/set_mode", {"mode": "partial"}, False),
    ],
)
async def test_a_change_without_a_part_in_plans_asks_for_the_storefront_at_once(
    client, database, shop, at, method, path, change, asks
):
    """One with a part in them waits until Shopify has its plans, or shoppers see no such plan."""
    answer = await client.request(method, f"{at}/{path}", json=change)
    assert answer.status_code == 202, answer.text
    async with database.transaction(shop.id) as db:
        waiting = await waiting_arguments(db, shop.id, "preorders.storefront.sync_storefront")
    assert bool(waiting) is asks
