"""The runtime of a command that works on one shop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from openstoq.bootstrap import runtime as bootstrap
from openstoq.bootstrap.settings import read_settings
from openstoq.jobs.work import Runtime
from openstoq.shops import store
from openstoq.shops.model import Shop

Answer = TypeVar("Answer")


def with_runtime(run: Callable[[Runtime], Awaitable[Answer]]) -> Answer:
    """Open the runtime of the settings, and return what `run` returns."""

    async def whole() -> Answer:
        async with bootstrap.runtime(read_settings()) as opened:
            return await run(opened)

    return asyncio.run(whole())


async def find_shop(runtime: Runtime, domain: str) -> Shop:
    """Return the shop with this domain, installed or not; raise BadParameter if it is unknown."""
    shop = await store.shop_of_domain(runtime.database, domain)
    if shop is None:
        raise typer.BadParameter(f"{domain} is not connected; `openstoq shop add` connects it")
    return shop
