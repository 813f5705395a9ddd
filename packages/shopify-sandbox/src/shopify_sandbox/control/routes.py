"""The control API: what a merchant does in Shopify's admin, and what goes wrong on demand."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shopify_sandbox.body import Body, BodyError
from shopify_sandbox.control import catalogue, delivery, fulfillment, markets, orders, preorders
from shopify_sandbox.control.views import MissingError
from shopify_sandbox.shops import OpenShop, Sandbox

Operation = Callable[[OpenShop, Body, Request], Awaitable[Any]]

# Method, path under /control/, what it does.
OPERATIONS: tuple[tuple[str, str, Operation], ...] = (
    *catalogue.OPERATIONS,
    *preorders.OPERATIONS,
    *markets.OPERATIONS,
    *orders.OPERATIONS,
    *fulfillment.OPERATIONS,
    *delivery.OPERATIONS,
)


class ControlResponse(JSONResponse):
    """JSON whose integers keep all their digits."""

    def render(self, content: Any) -> bytes:
        """Write the content."""
        return orjson.dumps(content)


def control_routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes of the control API of every shop, and the list of shops."""

    async def shops(request: Request) -> Response:
        if not _allowed(sandbox, request):
            return _denied()
        return ControlResponse({"shops": [_about(each) for each in sandbox.shops.values()]})

    routes = [Route("/control", shops)]
    # Starlette takes the first route whose path matches, so all methods of a path share one.
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
            text = await request.body()
            body = Body(orjson.loads(text) if text else {})
            operation = operations["GET" if request.method == "HEAD" else request.method]
            return ControlResponse(await operation(opened, body, request))
        except orjson.JSONDecodeError:
            return ControlResponse({"errors": ["The body must be JSON."]}, 400)
        except BodyError as error:
            return ControlResponse({"errors": error.problems}, 422)
        except MissingError as error:
            return ControlResponse({"errors": [str(error)]}, 404)

    return endpoint
