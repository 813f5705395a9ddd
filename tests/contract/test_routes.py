"""What every route has: its methods said rightly, and headers that protect whoever opens it."""

import re

import pytest
from starlette.routing import Route

from openstoq.actions.help import BASE_PATH
from openstoq.bootstrap import api
from openstoq.kernel.ids import new_id
from openstoq.registry import ACTIONS
from tests.factories.apps import client_of, make_app

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW")
NO_ACTION = "No v2 action registered for"


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=api.routes(runtime))


@pytest.fixture
async def caller(app, key, database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")
    async with client_of(app, key, base="") as opened:
        yield opened


def addresses(app):
    """Return an address of every route outside v2, whose documents have 404 for another method."""
    paths = {route.path for route in app.routes if isinstance(route, Route)}
    paths = {path for path in paths if not path.startswith(BASE_PATH)}
    return sorted(re.sub(r"{\w+}", str(new_id()), path) for path in paths)


def allowed_by(answer):
    return answer.headers["Allow"].split(", ")


async def test_every_route_says_its_methods(app, caller):
    where = addresses(app)
    assert {"/mcp", "/healthz", "/webhooks/shopify", "/api/v1/intents"} <= set(where)
    for path in where:
        options = await caller.options(path)
        assert options.status_code == 204, path
        allowed = allowed_by(options)
        assert len(set(allowed)) == len(allowed) > 1
        for method in METHODS:
            answer = await caller.request(method, path)
            assert (answer.status_code != 405) == (method in allowed), (method, path)
            if answer.status_code == 405:
                assert sorted(allowed_by(answer)) == sorted(allowed), (method, path)


async def test_every_action_says_its_methods(caller):
    read = {"/help", "/preorders/help", "/openapi.json"}
    for path in sorted({action.path for action in ACTIONS} | read):
        address = BASE_PATH + re.sub(r"{\w+}", str(new_id()), path)
        options = await caller.options(address)
        assert options.status_code == 204, path
        allowed = allowed_by(options)
        for method in METHODS:
            answer = await caller.request(method, address)
            unknown = answer.status_code == 404 and NO_ACTION in answer.text
            if method == "HEAD":
                # It has no body to tell by.
                assert answer.status_code in ((404, 200, 422) if "HEAD" in allowed else (404,))
            else:
                assert unknown == (method not in allowed), (method, path)
            if unknown:
                # The documents say 404 and not 405.
                assert allowed_by(answer) == allowed


async def test_every_answer_protects_who_opens_it(app, caller):
    for path in [*addresses(app), f"{BASE_PATH}/help", f"{BASE_PATH}/nope", "/nope"]:
        for method in ("GET", "POST", "OPTIONS", "DELETE"):
            headers = (await caller.request(method, path)).headers
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            for name in ("Content-Security-Policy", "Referrer-Policy", "X-Request-Id"):
                assert len(headers.get_list(name)) == 1
