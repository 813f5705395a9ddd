"""Routes for browsers on a shop's pages: no key, any origin, and rate points counted by address."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openstoq.actions.action import READ_COST, WRITE_COST
from openstoq.actions.admission import admit_storefront
from openstoq.errors import Problem
from openstoq.jobs.work import Runtime
from openstoq.shops.model import Shop
from openstoq.web import responses
from openstoq.web.requests import shop_named_by

Answer = Callable[[Request], Awaitable[dict[str, Any]]]


def route(path: str, method: Literal["GET", "POST"], action: str, answer: Answer) -> Route:
    """Return a route that responds to browsers in JSON and handles their preflight requests."""
    cors = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": f"{method}, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type, X-Shopify-Shop-Domain",
        "Access-Control-Max-Age": "86400",
    }

    methods = ["GET", "HEAD", "OPTIONS"] if method == "GET" else ["OPTIONS", "POST"]

    async def endpoint(request: Request) -> Response:
        request.state.face, request.state.action = "storefront", action
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ", ".join(methods), **cors})
        try:
            response = responses.json(await answer(request))
        except Problem as problem:
            response = responses.problem(problem)
        response.headers.update(cors)
        return response

    return Route(path, endpoint, methods=methods)


async def admitted(runtime: Runtime, request: Request, named: str | None) -> Shop:
    """Return the shop that the query or the header names.

    Raises BadRequest if they name different shops, Unauthorized if no installed shop is named, and
    PointsSpent if the client has too few points left.
    """
    caller = await admit_storefront(
        runtime,
        shop_named_by(request, named),
        address=request.client.host if request.client else "unknown",
        cost=WRITE_COST if request.method == "POST" else READ_COST,
    )
    request.state.points = caller.points
    return caller.shop
