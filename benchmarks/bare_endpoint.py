"""The ceiling for sign-ups and lists: bare endpoints with the same insert and select."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openstoq.back_in_stock.signups.new_signups import ADDED_BY_STRANGER
from openstoq.back_in_stock.signups.projections import SIGNUP
from openstoq.back_in_stock.signups.store import Filter, page
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.kernel.paging import Page

SHOP = UUID(os.environ["STAGE_SHOP"])


async def create(request: Request) -> Response:
    """Insert one sign-up."""
    form = orjson.loads(await request.body())
    intent, email = form["intent"], form["customer"]["email"]
    row = await request.app.state.pool.fetchrow(
        ADDED_BY_STRANGER,
        SHOP,
        new_id(),
        new_id(),
        f"email:{email}",
        "email",
        email,
        intent["shopify_variant_id"],
        intent["shopify_product_id"],
        None,
        intent["quantity"],
        intent["source"],
        form["customer"]["name"],
        *(None, None, None, None),
        utc_now(),
        email,
    )
    return Response(f'{{"id":"{row["id"]}"}}', status_code=201, media_type="application/json")


async def list_(request: Request) -> Response:
    """Return 25 sign-ups and their total number."""
    async with request.app.state.pool.acquire() as connection:
        json, total = await page(connection, SHOP, Filter(), Page(1, 25), projection=SIGNUP)
    body = f'{{"signups":{json},"total":{total}}}'
    return Response(body, media_type="application/json")


async def ready(_: Request) -> Response:
    """Answer that the process is up."""
    return Response()


@asynccontextmanager
async def pool(app: Starlette) -> AsyncIterator[None]:
    """Open the pool."""
    app.state.pool = await asyncpg.create_pool(
        os.environ["OPENSTOQ_DATABASE_URL"], min_size=10, max_size=10
    )
    yield
    await app.state.pool.close()


app = Starlette(
    routes=[
        Route("/bare", create, methods=["POST"]),
        Route("/list", list_),
        Route("/readyz", ready),
    ],
    lifespan=pool,
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["STAGE_PORT"]), access_log=False, log_level="warning")
