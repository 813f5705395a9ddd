"""A transaction ends before its connection goes back, wherever its task is cancelled, and how often."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from tests.factories.shops import make_shop

# More than a transaction with three statements ever waits.
MOST_WAITS = 40


class Cancelled:
    """A coroutine that its task cancels while it waits for the `first` time, and `times` in all."""

    def __init__(self, coroutine, first, times):
        self.coroutine = coroutine
        self.waits = range(first, first + times)

    def __await__(self):
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        steps = self.coroutine.__await__()
        awaited, number, send = None, 0, None
        while True:
            try:
                awaited = steps.throw(send) if isinstance(send, BaseException) else steps.send(None)
            except StopIteration as end:
                return end.value
            number += 1
            if number in self.waits:
                loop.call_soon(task.cancel)
            try:
                yield awaited
                send = None
            except BaseException as error:  # noqa: BLE001 - it is for the coroutine
                send = error


@pytest.fixture
async def complaints():
    """What the loop was told of that nobody caught."""
    found = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: found.append(told["message"]))
    return found


async def _write(database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET name = 'halfway' WHERE shop_id = $1", shop.id)
        await db.execute("SELECT pg_sleep(0.005)")


async def _break(database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET name = 'halfway' WHERE shop_id = $1", shop.id)
        await db.execute("SELECT 1 / 0")


@pytest.mark.parametrize("times", [1, 2, 3, MOST_WAITS])
@pytest.mark.parametrize("block", [_write, _break])
async def test_no_connection_goes_back_within_a_transaction(database, block, times, complaints):
    shop = await make_shop(database)
    cancelled = 0
    for first in range(1, MOST_WAITS):

        async def run(first=first):
            await Cancelled(block(database, shop), first, times)

        task = asyncio.create_task(run())
        with suppress(asyncio.CancelledError, asyncpg.DivisionByZeroError):
            await task
        cancelled += task.cancelled()
        # The row is locked by nobody, and every connection of the pool is fit for use.
        async with database.transaction(shop.id) as db:
            await db.execute("UPDATE shops SET name = 'again' WHERE shop_id = $1", shop.id)
            assert (
                await db.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state LIKE 'idle in transaction%'"
                )
                == 0
            )
    assert complaints == []
    assert cancelled
