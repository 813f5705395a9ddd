"""/help of API v2: whole, by prefix, at a level, and at an action's own address."""

import pytest
from pydantic import BaseModel

from openstoq.actions.action import ActionSet
from openstoq.actions.help import BASE_PATH
from openstoq.registry import ACTIONS
from tests.factories.apps import client_of, make_app

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


@pytest.mark.parametrize(
    "path", ["/help", f"{DELIVERY}/help", f"/help?prefix={DELIVERY}", "/no/help"]
)
async def test_help_is_compressed_and_has_a_tag(client, path):
    whole = await client.get(path, headers={"Accept-Encoding": "identity"})
    compressed = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in whole.headers
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert compressed.content == whole.content
    tag = whole.headers["ETag"]
    assert compressed.headers["ETag"] == tag
    assert whole.headers["Cache-Control"] == "private, no-cache"
    again = await client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-RateLimit-Remaining"] == "357"
    head = await client.head(path, headers={"Accept-Encoding": "identity"})
    assert int(head.headers["Content-Length"]) == len(whole.content)


async def test_a_tag_admits_nobody(app, client):
    tag = {"If-None-Match": (await client.get("/help")).headers["ETag"]}
    async with client_of(app) as stranger:
        refused = await stranger.get("/help", headers=tag)
    assert refused.status_code == 401
    assert refused.headers["Cache-Control"] == "no-store"


async def test_the_pages_about_the_api_are_made_at_the_start(runtime, key):
    made = []

    class View(BaseModel):
        @classmethod
        def __get_pydantic_json_schema__(cls, core, handler):
            made.append("answer")
            return handler(core)

    class Form(BaseModel):
        @classmethod
        def __get_pydantic_json_schema__(cls, core, handler):
            made.append("request")
            return handler(core)

    actions = ActionSet("things", "/things/{id}")

    @actions.patch(request=Form)
    async def change(context, thing, changes) -> View:
        """Change a thing."""

    app = make_app(runtime, list(actions))
    async with app.router.lifespan_context(app):
        assert set(made) == {"answer", "request"}
        made.clear()
        async with client_of(app, key) as client:
            for path in ("/help", "/things/help", "/things/1/help", "/help?prefix=/things"):
                assert named(await client.get(path)) == ["things.change"]
            document = (await client.get("/openapi.json")).json()
            assert list(document["paths"]) == ["/things/{id}"]
    assert made == []


async def test_the_document_names_the_server_of_its_own_settings(app, runtime):
    async with client_of(app, base="") as stranger:
        document = (await stranger.get("/openapi.json")).json()
    assert document["servers"] == [
        {"url": runtime.settings.http.public_url.rstrip("/") + BASE_PATH}
    ]
