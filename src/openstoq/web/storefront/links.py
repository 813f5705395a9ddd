"""The pages that mails link to: confirm, and unsubscribe, which also accepts RFC 8058's POST."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from uuid import UUID

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from openstoq.back_in_stock.notifications import due
from openstoq.back_in_stock.notifications.links import CONFIRM, UNSUBSCRIBE
from openstoq.back_in_stock.signups import store
from openstoq.jobs.work import Runtime, Work
from openstoq.shops import store as shops
from openstoq.shops.seal import Seal

_PAGE = Environment(autoescape=True).from_string(
    files(__package__).joinpath("page.html").read_text(encoding="utf-8")
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
Done = Callable[[Work, UUID], Awaitable[bool]]


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes of the pages that mails link to.

    A GET only shows a page that asks for confirmation. Mail scanners follow links too, and must not
    unsubscribe anybody.
    """

    async def unsubscribe(work: Work, signup_id: UUID) -> bool:
        return await store.unsubscribe(work.db, work.shop_id, signup_id, work.runtime.clock())

    async def confirm(work: Work, signup_id: UUID) -> bool:
        was_there = await store.confirm(work.db, work.shop_id, signup_id, work.runtime.clock())
        variants = await store.waited_for_by_customer(work.db, work.shop_id, signup_id)
        await due.start(work, variant_ids=variants)
        return was_there

    return [
        *_pages(
            runtime,
            UNSUBSCRIBE,
            unsubscribe,
            question="Do you want to stop all back-in-stock alerts from {shop}?",
            button="Unsubscribe",
            done="You are unsubscribed. {shop} will send you no more back-in-stock alerts.",
        ),
        *_pages(
            runtime,
            CONFIRM,
            confirm,
            question="Shall {shop} tell you when the product is back in stock?",
            button="Yes, tell me",
            done="Thank you. {shop} will tell you as soon as it is back.",
        ),
    ]


def _pages(
    runtime: Runtime, purpose: str, do: Done, *, question: str, button: str, done: str
) -> list[Route]:
    async def named(request: Request) -> tuple[UUID, UUID, str] | None:
        request.state.face, request.state.action = "storefront", purpose
        ids = runtime.ports.get(Seal).verify(purpose, request.path_params["token"])
        if ids is None or len(ids) != 2:  # noqa: PLR2004 - a shop and a signup
            return None
        shop_id, signup_id = ids
        async with runtime.work(shop_id, request_id=request.state.request_id) as work:
            shop = await shops.load(work.db, shop_id)
        return (shop_id, signup_id, shop.name) if shop is not None else None

    async def ask(request: Request) -> Response:
        found = await named(request)
        if found is None:
            return _page("This link is not valid (any more).", status=404)
        return _page(question.format(shop=found[2]), button=button)

    async def act(request: Request) -> Response:
        found = await named(request)
        if found is None:
            return _page("This link is not valid (any more).", status=404)
        shop_id, signup_id, shop = found
        async with runtime.work(shop_id, request_id=request.state.request_id) as work:
            was_there = await do(work, signup_id)
        if not was_there:
            return _page("There is nothing to do: the signup was deleted.")
        return _page(done.format(shop=shop))

    path = f"/{purpose}/{{token}}"
    return [Route(path, ask, methods=["GET"]), Route(path, act, methods=["POST"])]


def _page(text: str, *, button: str | None = None, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.render(text=text, button=button), status, headers=_HEADERS)
