"""The ASGI application, which puts all faces behind the same middleware."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from openstoq.actions.action import Action
from openstoq.actions.help import BASE_PATH
from openstoq.jobs.work import Runtime
from openstoq.web import health, inbound_webhooks, responses, v2
from openstoq.web.middleware import BodyLimitMiddleware, RequestMiddleware
from openstoq.web.routing import IndexedRouter, words_of
from openstoq.web.storefront import carts

Service = Callable[[], AbstractAsyncContextManager[None]]


def create_app(
    runtime: Runtime,
    actions: Sequence[Action],
    *,
    routes: Sequence[Route] = (),
    services: Sequence[Service] = (),
) -> Starlette:
    """Return the application that serves `actions` on v2, the health pages and further `routes`.

    Each context manager in `services` is entered at startup and exited at shutdown.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        face.prepare()
        async with AsyncExitStack() as stack:
            for service in services:
                await stack.enter_async_context(service())
            yield

    http = runtime.settings.http
    face = v2.Face(runtime, actions)
    # Routes are tried in order, so v2, the busiest face, comes early. Routes of other faces below
    # its base path come before it, because v2 claims all the rest of that path.
    every_route = [
        *(route for route in routes if _is_below_v2(route)),
        *v2.routes(face),
        *(route for route in routes if not _is_below_v2(route)),
        *health.routes(runtime),
    ]
    paths = [route.path for route in every_route]
    words = words_of([*paths, *(action.path for action in actions), f"/{v2.HELP}"])
    app = Starlette(
        middleware=[
            Middleware(RequestMiddleware, words=words),
            Middleware(
                BodyLimitMiddleware,
                most_bytes=http.max_body_bytes,
                most_bytes_at={
                    inbound_webhooks.PATH: http.max_webhook_bytes,
                    carts.PATH: min(http.max_body_bytes, carts.MOST_BYTES),
                },
            ),
        ],
        exception_handlers={HTTPException: _refused},
    )
    # It never redirects, which would cost callers another request, and curl -d would lose its body.
    app.router = IndexedRouter(every_route, lifespan=lifespan)
    return app


def _is_below_v2(route: Route) -> bool:
    return route.path.startswith(f"{BASE_PATH}/")


async def _refused(request: Request, error: Exception) -> Response:
    """Respond in the API's error envelope to a request that Starlette refuses.

    Such a request has, for instance, an unknown path. The exception is OPTIONS on a route that does
    not handle OPTIONS: its response is 204 and lists the path's methods in `Allow`.
    """
    if not isinstance(error, HTTPException):
        raise error
    sentences = {
        404: f"there is nothing at {request.scope['path'][:300]}; see /openapi.json",
        405: f"{request.method} is not allowed here",
    }
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # Starlette names the methods of one route only, and a path may have several routes.
        headers["Allow"] = ", ".join(sorted(_methods(request)))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
    body = responses.sentences_of(
        [sentences.get(error.status_code, error.detail)], request.scope["path"]
    )
    return responses.json(body, error.status_code, headers)


def _methods(request: Request) -> set[str]:
    """Return all methods that the request's path supports."""
    return {"OPTIONS"} | {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
