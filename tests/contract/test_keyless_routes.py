"""SECURITY.md names every route that asks for no key, and none that does not exist."""

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from openstoq.actions.help import BASE_PATH
from openstoq.bootstrap import api
from openstoq.kernel.ids import new_id
from openstoq.registry import ACTIONS
from tests.factories.apps import client_of, make_app

PAGE = Path(__file__).parents[2] / "SECURITY.md"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY")
ROW = re.compile(r"^\| `([A-Z, ]+) (/[^`]*)` \|", re.MULTILINE)


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=api.routes(runtime))


@pytest.fixture
async def stranger(app):
    async with client_of(app, base="") as opened:
        yield opened


def named():
    """The methods and paths of the table."""
    return {
        (method, path)
        for methods, path in ROW.findall(PAGE.read_text("utf-8"))
        for method in methods.split(", ")
    }


def plain(path):
    """A path without the forms that mean the same: its ending, and the longer prefix of v1."""
    return path.removesuffix(".json" if "openapi" not in path else "").replace(
        "/v1/external", "/v1"
    )


def paths_of(app):
    """The path of every route, of v2's actions and of its help in the place of what takes them."""
    # Anything else, such as a Mount, could hold routes that nobody asks here.
    assert {type(route) for route in app.routes} == {Route}
    paths = {route.path for route in app.routes}
    assert {path for path in paths if ":" in path} == {f"{BASE_PATH}/{{path:path}}"}
    below = {action.path for action in ACTIONS} | {"/help", "/preorders/help", "/nothing"}
    return {path for path in paths if ":" not in path} | {BASE_PATH + path for path in below}


async def keyless(app, stranger, shop):
    """Ask every route without a key; return those that do not demand one."""
    found = set()
    for path in paths_of(app):
        for method in METHODS:
            answer = await stranger.request(
                method,
                re.sub(r"{\w+}", str(new_id()), path),
                headers={"X-Shopify-Shop-Domain": shop.domain},
            )
            # A HEAD has no text to say it in.
            is_refused = answer.status_code == 401 and (
                method == "HEAD" or "API key" in answer.text
            )
            if not is_refused and answer.status_code != 405:
                found.add(("GET" if method == "HEAD" else method, plain(path)))
    return found


async def test_every_route_without_a_key_is_in_the_table(app, stranger, shop):
    found, written = await keyless(app, stranger, shop), named()
    assert found - written == set(), "say in SECURITY.md what it reads, writes, reveals and costs"
    assert written - found == set(), "SECURITY.md names a route that does not exist"


async def test_what_asks_for_a_key_says_nothing_without_one(app, stranger, shop, key):
    """A key that is wrong, and another shop's header, are no way round it."""
    for path in (f"{BASE_PATH}/back_in_stock/signups", "/api/v1/intents", "/mcp"):
        method = "POST" if path == "/mcp" else "GET"
        for headers in (
            {},
            {"X-Auth-Token": ""},
            {"X-Auth-Token": key[:-1] + ("a" if key[-1] != "a" else "b")},
            {"Authorization": f"Basic {key}"},
            {"X-Shopify-Shop-Domain": shop.domain},
        ):
            answer = await stranger.request(method, path, headers=headers)
            assert answer.status_code == 401, (path, headers)
            assert shop.domain not in answer.text
