"""/help of API v2: whole, by prefix, at a level, and at an action's own address."""

from openstoq.actions.help import BASE_PATH
from openstoq.registry import ACTIONS
from tests.factories.apps import client_of

SETTINGS = "/back_in_stock/settings"
DELIVERY = f"{SETTINGS}/delivery"


def named(answer):
    return [entry["name"] for entry in answer.json()["actions"]]


async def test_help_whole_by_prefix_and_at_a_level(client):
    whole = (await client.get("/help")).json()
    assert (whole["version"], whole["base_path"]) == ("v2", BASE_PATH)
    by_prefix = (await client.get("/help", params={"prefix": DELIVERY})).json()
    at_level = await client.get(f"{DELIVERY}/help")
    assert [entry["name"] for entry in by_prefix["actions"]] == [
        "back_in_stock.settings.delivery.read",
        "back_in_stock.settings.delivery.update",
    ]
    assert at_level.json() == by_prefix
    assert at_level.headers["X-RateLimit-Remaining"] == "357"
    assert (await client.get("/help?prfix=x")).status_code == 422
    absolute = await client.get("/help", params={"prefix": BASE_PATH + DELIVERY})
    assert absolute.json() == by_prefix


async def test_help_at_a_literal_address_lists_that_action(client):
    for at in ("bulk_release", "bulk_cancel", "jobs"):
        assert named(await client.get(f"/preorders/orders/{at}/help")) == [f"preorders.orders.{at}"]
        by_prefix = await client.get("/help", params={"prefix": f"/preorders/orders/{at}"})
        assert named(by_prefix) == [f"preorders.orders.{at}"]
    job = await client.get("/preorders/orders/jobs/bulk_orders_release_1/help")
    assert named(job) == ["preorders.orders.jobs"]
    release = await client.get("/preorders/orders/1001/release/help")
    assert named(release) == ["preorders.orders.release"]
    transfer = await client.get("/back_in_stock/signups/transfer/help")
    assert named(transfer) == ["back_in_stock.signups.transfer"]
    assert named(await client.get("/preorders/orders/bulk_release/nope/help")) == []


async def test_help_at_every_actions_own_address_has_that_action(client, database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")
    for action in ACTIONS:
        path = action.path.replace("{", ":").replace("}", "")
        for address in (path, action.path.replace("{", "").replace("}", "")):
            found = named(await client.get(f"{address}/help"))
            assert action.name in found
            if action.method == "POST" and not action.path.endswith("}"):
                siblings = [one.name for one in ACTIONS if one.path.startswith(f"{action.path}/")]
                same = [one.name for one in ACTIONS if one.path == action.path]
                assert sorted(found) == sorted({*siblings, *same})


async def test_help_needs_a_key(app):
    async with client_of(app) as client:
        assert (await client.get("/help")).status_code == 401
        assert (await client.get(f"{DELIVERY}/help")).status_code == 401
