"""The sandbox server: every shop's Admin API, storefront, pictures and control API on one port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shopify_sandbox.admin import endpoint
from shopify_sandbox.config import API_VERSION, SandboxConfig
from shopify_sandbox.control.routes import control_routes
from shopify_sandbox.pages.shopper import shopper_routes
from shopify_sandbox.pages.storefront import storefront_routes
from shopify_sandbox.shops import Sandbox


def create_app(config: SandboxConfig) -> Starlette:
    """Return the ASGI application that serves the shops of `config`."""
    sandbox = Sandbox(config)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await sandbox.courier.close()

    async def graphql(request: Request) -> Response:
        opened = sandbox.shops.get(request.path_params["domain"])
        if opened is None or request.path_params["version"] != API_VERSION:
            return JSONResponse({"errors": "Not Found"}, 404)
        return await endpoint.answer(request, opened.api, opened.faults)

    routes = [
        Route("/shops/{domain}/admin/api/{version}/graphql.json", graphql, methods=["POST"]),
        *control_routes(sandbox),
        *storefront_routes(sandbox),
        *shopper_routes(sandbox),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.sandbox = sandbox
    return app
