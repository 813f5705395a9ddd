"""The pages that mails link to: confirm, and unsubscribe, which also accepts RFC 8058's POST."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openstoq.back_in_stock.notifications import due
from openstoq.back_in_stock.notifications.links import CONFIRM, UNSUBSCRIBE
from openstoq.back_in_stock.signups import page_facts, store
from openstoq.jobs.work import Runtime, Work
from openstoq.shops import store as shops
from openstoq.shops.seal import Seal
from openstoq.web.storefront.pages import Reader, invalid

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
            asks=("unsubscribe_about", "unsubscribe_question"),
        ),
        *_pages(
            runtime,
            CONFIRM,
            confirm,
            asks=("confirm_question",),
        ),
    ]


def _pages(runtime: Runtime, purpose: str, do: Done, *, asks: tuple[str, ...]) -> list[Route]:
    """Return the routes of the page that asks the sentences `asks`, and of its button."""

    async def read(request: Request) -> tuple[UUID, UUID, Reader] | None:
        request.state.face, request.state.action = "storefront", purpose
        ids = runtime.ports.get(Seal).verify(purpose, request.path_params["token"])
        if ids is None or len(ids) != 2:  # noqa: PLR2004 - a shop and a signup
            return None
        shop_id, signup_id = ids
        async with runtime.work(shop_id, request_id=request.state.request_id) as work:
            shop = await shops.load(work.db, shop_id)
            facts = await page_facts.load(work.db, shop_id, signup_id)
        return (shop_id, signup_id, Reader(shop, facts)) if shop is not None else None

    async def ask(request: Request) -> Response:
        found = await read(request)
        if found is None:
            return invalid(request)
        _, _, reader = found
        if reader.facts is None:
            return reader.page("deleted")
        return reader.page(*asks, button=f"{purpose}_button")

    async def act(request: Request) -> Response:
        found = await read(request)
        if found is None:
            return invalid(request)
        shop_id, signup_id, reader = found
        async with runtime.work(shop_id, request_id=request.state.request_id) as work:
            was_there = await do(work, signup_id)
        return reader.page(f"{purpose}_done" if was_there else "deleted")

    path = f"/{purpose}/{{token}}"
    return [Route(path, ask, methods=["GET"]), Route(path, act, methods=["POST"])]
