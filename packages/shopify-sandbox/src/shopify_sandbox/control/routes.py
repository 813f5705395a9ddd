"""The routes of the control API: a merchant's actions in Shopify's admin, and faults on demand."""

import hmac
from collections.abc import Awaitable, Callable
from inspect import signature
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shopify_sandbox.bodies import Body, is_no_json, problems
from shopify_sandbox.control import (
    catalogue,
    delivery,
    fulfillment,
    markets,
    order_edits,
    orders,
    preorders,
)
from shopify_sandbox.control.errors import MissingError, RefusalError
from shopify_sandbox.shops import OpenShop, Sandbox

Operation = Callable[[OpenShop, Any, Request], Awaitable[Any]]

# Method, path under /control/, function.
OPERATIONS: tuple[tuple[str, str, Operation], ...] = (
    *catalogue.OPERATIONS,
    *preorders.OPERATIONS,
    *markets.OPERATIONS,
    *orders.OPERATIONS,
    *order_edits.OPERATIONS,
    *fulfillment.OPERATIONS,
    *delivery.OPERATIONS,
)


class ControlResponse(JSONResponse):
    """JSON whose integers keep all their digits."""

    def render(self, content: Any) -> bytes:
        """Return the content as JSON."""
        return orjson.dumps(content)


def control_routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes of every shop's control API, and the route that lists the shops."""

    async def shops(request: Request) -> Response:
        if not _allowed(sandbox, request):
            return _denied()
        return ControlResponse({"shops": [_about(each) for each in sandbox.shops.values()]})

    routes = [Route("/control", shops)]
    # Starlette uses the first route whose path matches, so a path has one route for all methods.
    by_path: dict[str, dict[str, Operation]] = {}
    for method, path, operation in OPERATIONS:
        by_path.setdefault(path, {})[method] = operation
    for path, operations in by_path.items():
        routes.append(
            Route(
                f"/shops/{{domain}}/control/{path}",
                _endpoint(sandbox, operations),
                methods=list(operations),
            )
        )
    return routes


def _about(opened: OpenShop) -> dict[str, Any]:
    shop = opened.shop
    return {
        "domain": shop.config.domain,
        "name": shop.name,
        "url": shop.url,
        "currency": shop.config.currency,
        "plan": shop.config.plan,
        "timezone": shop.config.iana_timezone,
        "installed": shop.installed,
        "products": len(shop.products),
        "variants": len(shop.variants),
        "orders": len(shop.orders),
        "subscriptions": len(shop.subscriptions),
    }


def _allowed(sandbox: Sandbox, request: Request) -> bool:
    token = request.headers.get("X-Sandbox-Token", "")
    return hmac.compare_digest(token.encode(), sandbox.config.control_token.encode())


def _denied() -> Response:
    return ControlResponse({"errors": ["Send the control token in X-Sandbox-Token."]}, 401)


def _body_of(operation: Operation) -> type[Body]:
    """Return the model of an operation's body, which is the type of its second parameter."""
    _, body, _ = signature(operation).parameters.values()
    model: type[Body] = body.annotation
    return model


def _endpoint(
    sandbox: Sandbox, operations: dict[str, Operation]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if not _allowed(sandbox, request):
            return _denied()
        domain = request.path_params["domain"]
        opened = sandbox.shops.get(domain)
        if opened is None:
            return ControlResponse({"errors": [f"There is no shop {domain} here."]}, 404)
        try:
            operation = operations["GET" if request.method == "HEAD" else request.method]
            body = _body_of(operation).model_validate_json(await request.body() or b"{}")
            return ControlResponse(await operation(opened, body, request))
        except (ValidationError, RefusalError, MissingError) as error:
            return _refused(error)

    return endpoint


def _refused(error: ValidationError | RefusalError | MissingError) -> Response:
    if isinstance(error, MissingError):
        return ControlResponse({"errors": [str(error)]}, 404)
    if isinstance(error, RefusalError):
        return ControlResponse({"errors": [str(error)]}, 422)
    if is_no_json(error):
        return ControlResponse({"errors": ["The body must be JSON."]}, 400)
    return ControlResponse({"errors": problems(error)}, 422)
