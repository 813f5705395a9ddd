"""How tests wait for what other tasks and processes do."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

# Nothing takes so long, on however busy a machine, unless it is broken.
PATIENCE = 100.0
# How often to look where looking itself takes the machine's time.
LEISURELY = 0.1

Seen = TypeVar("Seen")


@overload
async def until(look: Callable[[], Awaitable[Seen]], *, every: float = 0.02) -> Seen: ...
@overload
async def until(look: Callable[[], Seen], *, every: float = 0.02) -> Seen: ...
async def until(look: Callable[[], Any], *, every: float = 0.02) -> Any:
    """Look again and again until what is seen, at once or awaited, is true; return it.

    Raises TimeoutError when patience is at an end.
    """
    async with asyncio.timeout(PATIENCE):
        while True:
            seen = look()
            if inspect.isawaitable(seen):
                seen = await seen
            if seen:
                return seen
            await asyncio.sleep(every)


def wait_until(look: Callable[[], object], *, every: float = 0.02) -> None:
    """Look again and again until what is seen is true, where there is no event loop."""
    end = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > end:
            raise TimeoutError(f"{look} was not true in {PATIENCE} s")
        time.sleep(every)
