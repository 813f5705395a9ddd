"""Shares: limit how many of the pool's connections one shop holds at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary


class ShopBusyError(TimeoutError):
    """None of the shop's connections became free in time; a later retry may succeed."""


class Shares:
    """A limit of `most` connections for each shop.

    If a shop holds that many, its next transaction waits for one of them. Without this limit,
    thirty slow searches of one shop would hold all connections of a process, and another shop's
    read would wait behind them.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        # A shop's semaphore is garbage-collected once no transaction holds it or waits for it.
        self._places: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, shop_id: UUID, *, seconds: float) -> AsyncIterator[None]:
        """Reserve one of the shop's connections while the block runs.

        Raises ShopBusyError if none becomes free within `seconds`.
        """
        places = self._places.get(shop_id)
        if places is None:
            places = self._places[shop_id] = asyncio.Semaphore(self.most)
        if places.locked():
            try:
                async with asyncio.timeout(seconds):
                    await places.acquire()
            except TimeoutError as error:
                busy = f"all {self.most} connections of the shop are in use"
                raise ShopBusyError(busy) from error
        else:
            # This is the usual case. It has no timer, whose cost every read would pay.
            await places.acquire()
        try:
            yield
        finally:
            places.release()
