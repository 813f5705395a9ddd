"""GET export.csv: stream the waitlist as a CSV file to callers with a key."""

from collections.abc import AsyncIterator
from functools import partial

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from openstoq.actions.action import READ_COST
from openstoq.actions.admission import admit
from openstoq.actions.help import BASE_PATH
from openstoq.actions.validation import read_values
from openstoq.back_in_stock.signup_files import exports
from openstoq.back_in_stock.signups.model import Channel, Status
from openstoq.errors import Problem
from openstoq.jobs.work import Runtime
from openstoq.kernel.ids import VariantId
from openstoq.shops.keys import key_in
from openstoq.web import responses
from openstoq.web.requests import query_of, shops_of

PATH = f"{BASE_PATH}/back_in_stock/signups/export.csv"


class ExportQuery(BaseModel):
    """The query, which selects the signups to export; without a query, all are exported."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    channel: Channel | None = None
    variant_id: VariantId | None = None


def routes(runtime: Runtime) -> list[Route]:
    """Return the route that serves the file."""

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})
        request.state.face, request.state.action = "v2", "back_in_stock.signups.export"
        try:
            return await _answer(runtime, request)
        except Problem as problem:
            return responses.problem(problem)

    return [Route(PATH, answer, methods=["GET", "OPTIONS"])]


async def _answer(runtime: Runtime, request: Request) -> Response:
    caller = await admit(runtime, key_in(request.headers), cost=READ_COST, named=shops_of(request))
    request.state.points = caller.points
    asked = read_values(ExportQuery, query_of(request.scope))
    shop = caller.shop
    name = exports.file_name(shop.domain, runtime.clock().date())
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type="text/csv")
    transactions = partial(
        runtime.database.transaction, shop.id, seconds=runtime.settings.database.read_seconds
    )
    parts = exports.pages(transactions, shop.id, **asked.model_dump())
    return StreamingResponse(await _begun(parts), headers=headers, media_type="text/csv")


async def _begun(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return all parts of the file, after reading the first two.

    So an error in these two is raised before the response begins, and can become an error response.
    """
    first = [await anext(parts, b""), await anext(parts, b"")]

    async def all_parts() -> AsyncIterator[bytes]:
        for part in first:
            yield part
        async for part in parts:
            yield part

    return all_parts()
