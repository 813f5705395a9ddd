"""Jobs that a test enqueues, and what became of them."""

from openstoq.jobs.queue import waiting
from tests.factories.patience import until
from tests.factories.probes import notes


async def enqueue(runtime, shop, job, **arguments):
    async with runtime.work(shop.id, request_id="test") as work:
        work.enqueue(job, **arguments)


async def noted(database, shop, *words):
    async def are_there():
        return await notes(database, shop) == list(words)

    try:
        await until(are_there)
    except TimeoutError:
        assert await notes(database, shop) == list(words)


async def states(database):
    async with database.transaction(None) as db:
        return await waiting(db)


async def empty(database):
    await until(lambda: is_empty(database))


async def is_empty(database):
    return await states(database) == {}
