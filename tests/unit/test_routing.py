"""A request goes to the same route as if all routes were tried one after the other."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router
from starlette.testclient import TestClient

from openstoq.web.routing import IndexedRouter


def route(path, *methods):
    async def endpoint(request):
        return PlainTextResponse(f"{path} {methods} {dict(request.path_params)}")

    return Route(path, endpoint, methods=[*methods])


ROUTES = [
    route("/things/first", "GET"),
    route("/things/{id}.json", "GET"),
    route("/things/{id}", "GET", "PUT"),
    route("/things/new", "GET"),
    route("/things/{id}", "DELETE"),
    route("/things", "GET"),
    route("/things", "POST"),
    route("/things/{id}/parts", "GET"),
    route("/all/{path:path}", "GET"),
    route("/all/of/it", "POST"),
    route("/", "GET"),
]
PATHS = [
    *("/", "/things", "/things/", "/things/first", "/things/new", "/things/1", "/things/1.json"),
    *("/things/1/parts", "/things/1/2", "/all/of/it", "/all/", "/all", "/nothing", "//things"),
    *("/things%2Ffirst", "/all/a%0Ab", "/THINGS"),
]


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_a_request_goes_to_the_first_route_that_matches(path, method):
    ours, starlettes = Starlette(), Starlette()
    ours.router = IndexedRouter(ROUTES)
    starlettes.router = Router(ROUTES, redirect_slashes=False)
    answer, expected = (
        TestClient(app).request(method, path, follow_redirects=False) for app in (ours, starlettes)
    )
    assert (answer.status_code, answer.text) == (expected.status_code, expected.text)
    assert answer.headers == expected.headers


def test_a_path_with_a_line_break_behind_it_is_another_path():
    app = Starlette()
    app.router = IndexedRouter([route("/things", "GET"), route("/things/{id}", "GET")])
    assert TestClient(app).get("/things").status_code == 200
    assert TestClient(app).get("/things%0A").status_code == 404
