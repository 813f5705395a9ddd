"""Units of work: one transaction of one shop, with the jobs it enqueues and the events it raises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ParamSpec
from uuid import UUID

from openstoq.config import Settings
from openstoq.db.pool import Connection, Database
from openstoq.jobs.job import Job, Planned, Retry
from openstoq.jobs.queue import Enqueued, enqueue
from openstoq.kernel.alone import alone
from openstoq.kernel.clock import Clock
from openstoq.kernel.faults import is_of_item
from openstoq.kernel.ports import Ports

Sent = ParamSpec("Sent")
Subscribers = Mapping[type, Sequence[Callable[["Work", Any], Awaitable[None]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What every request and job of this process shares."""

    database: Database
    settings: Settings
    ports: Ports
    clock: Clock
    subscribers: Subscribers
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def work(self, shop_id: UUID, *, request_id: str) -> AsyncIterator[Work]:
        """Open a unit of work for `shop_id`; it commits when the block ends without raising."""
        async with self.database.transaction(shop_id) as db:
            work = Work(runtime=self, db=db, shop_id=shop_id, request_id=request_id)
            yield work
            await work.flush()


@dataclass(slots=True, kw_only=True)
class Work:
    """One transaction of one shop.

    Jobs are enqueued in the same transaction, at its end and in one statement: a crash loses
    neither them nor what they are about.
    """

    runtime: Runtime
    db: Connection
    shop_id: UUID
    request_id: str
    effects: list[Enqueued] = field(default_factory=list)

    def enqueue(
        self,
        job: Job[Sent] | Planned[Sent],
        /,
        *_: Sent.args,
        **arguments: Sent.kwargs,
    ) -> None:
        """Have `job` run once this transaction has committed; a planned one as it was planned."""
        planned = job if isinstance(job, Planned) else Planned(job=job)
        self.effects.append(
            Enqueued(
                job=planned.job.name,
                lane=planned.job.lane,
                shop_id=self.shop_id,
                arguments=arguments,
                request_id=self.request_id,
                delay=planned.delay,
                coalesced=planned.coalesced,
            )
        )

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what the block did, and what it enqueued, when it raises what is an item's fault.

        The transaction goes on. After any other error it is over as a whole.
        """
        enqueued = len(self.effects)
        await self.db.execute("SAVEPOINT item")
        try:
            yield
        except Exception as error:
            if is_of_item(error):
                await self.db.execute("ROLLBACK TO SAVEPOINT item; RELEASE SAVEPOINT item")
                del self.effects[enqueued:]
            raise
        await self.db.execute("RELEASE SAVEPOINT item")

    async def publish(self, event: object) -> None:
        """Call every subscriber of the event's type, within this transaction."""
        for subscriber in self.runtime.subscribers.get(type(event), ()):
            await subscriber(self, event)

    async def publish_apart(
        self, event: object, heard: Collection[str]
    ) -> tuple[list[str], dict[str, str]]:
        """Call every subscriber that has not `heard`; one that fails keeps the news from none.

        Return who has heard now, and why others could not.
        """
        now, failures = list(heard), dict[str, str]()
        for subscriber in self.runtime.subscribers.get(type(event), ()):
            name = f"{subscriber.__module__}.{subscriber.__name__}"
            if name in heard:
                continue
            with alone("subscriber", name, failures):
                async with self.savepoint():
                    await subscriber(self, event)
                now.append(name)
        return now, failures

    async def flush(self) -> None:
        """Write the enqueued jobs; the unit of work calls it before it commits."""
        if self.effects:
            await enqueue(self.db, self.effects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a job: it opens as many units of work as it needs."""

    runtime: Runtime
    shop_id: UUID
    request_id: str
    attempt: int
    failures: int = 0
    """How many runs of the job have raised; one that only asked to be repeated has not."""
    is_last: bool = False
    """Whether the job is put aside if this run raises too."""
    repeats: int = 0
    """How many runs before this one may have done already what it does."""
    is_crowded: Callable[[], bool] = lambda: False
    """Whether others wait for this run's slot, so that a long one should pause."""

    def keep_count(self, delay: timedelta) -> None:
        """Come again after `delay` if a run of this job has raised: a new job would not know."""
        if self.failures:
            raise Retry("another run is at it", delay=delay)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """Open a unit of work for the job's shop."""
        async with self.runtime.work(self.shop_id, request_id=self.request_id) as work:
            yield work
