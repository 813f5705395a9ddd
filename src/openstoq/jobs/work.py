"""Units of work: a transaction of a shop, the jobs it enqueues and the events it publishes."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ParamSpec
from uuid import UUID

from openstoq.config import Settings
from openstoq.db.pool import Connection, Database
from openstoq.db.statement import Statement
from openstoq.jobs.job import Job, Planned, Retry
from openstoq.jobs.queue import Enqueued, enqueue
from openstoq.kernel.alone import alone
from openstoq.kernel.clock import Clock
from openstoq.kernel.faults import is_of_item
from openstoq.kernel.ports import Ports

Sent = ParamSpec("Sent")
Subscriber = Callable[["Work", Any], Awaitable[None]]
Subscribers = Mapping[type, Sequence[Subscriber]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The objects that every request and job of this process shares."""

    database: Database
    settings: Settings
    ports: Ports
    clock: Clock
    subscribers: Subscribers
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    # Actions that needed a transaction when they were last tried without one, by name and shop.
    in_transactions: set[tuple[str, UUID]] = field(default_factory=set)

    @asynccontextmanager
    async def work(
        self, shop_id: UUID, *, request_id: str, durable: bool = True
    ) -> AsyncIterator[Work]:
        """Open a unit of work for `shop_id`; it commits when the block ends without raising."""
        async with self.database.transaction(shop_id, durable=durable) as db:
            work = Work(runtime=self, db=db, shop_id=shop_id, request_id=request_id)
            yield work
            await work.flush()


@dataclass(slots=True, kw_only=True)
class Work:
    """A transaction of one shop.

    Its jobs are enqueued in the same transaction, at the end and in one statement. So a crash
    cannot lose a job and yet keep the change that the job is for.
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
        """Enqueue `job` to run once this transaction has committed.

        A Planned job may start later, and may be left out if an equal job already waits.
        """
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
                apart=planned.job.apart(arguments),
            )
        )

    def take_record(self) -> Statement | None:
        """Return the statement that writes the audit row of a call.

        Returns None in a job, which has no audit row.
        """
        return None

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Run a block that handles one item; undo what the block did if the item causes an error.

        To undo it, the block's changes are rolled back, and the jobs it enqueued are dropped. Then
        the error is raised, and the transaction remains usable. After an error that the item did
        not cause, nothing is undone, and the transaction is no longer usable.
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
        """Call all subscribers but those in `heard`; the failure of one does not stop the others.

        All are called together first. If one fails, the changes of all are rolled back, and each is
        called again by itself.

        Return the names of all subscribers that have succeeded, including those in `heard`, and a
        mapping from the name of each failed subscriber to the reason.
        """
        missing = {
            name: subscriber
            for subscriber in self.runtime.subscribers.get(type(event), ())
            if (name := f"{subscriber.__module__}.{subscriber.__name__}") not in heard
        }
        if await self._publish_together(event, missing.values()):
            return [*heard, *missing], {}
        now, failures = list(heard), dict[str, str]()
        for name, subscriber in missing.items():
            with alone("subscriber", name, failures):
                async with self.savepoint():
                    await subscriber(self, event)
                now.append(name)
        return now, failures

    async def _publish_together(self, event: object, subscribers: Iterable[Subscriber]) -> bool:
        """Call subscribers; if one fails, undo the changes of all and return False.

        All share one savepoint: failures are rare, and a savepoint for each subscriber would cost two
        round trips each.
        """
        try:
            async with self.savepoint():
                for subscriber in subscribers:
                    await subscriber(self, event)
        except Exception as error:
            if not is_of_item(error):
                raise
            return False
        return True

    async def flush(self) -> None:
        """Insert the enqueued jobs; called by the unit of work before it commits."""
        if self.effects:
            await enqueue(self.db, self.effects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of a job, which opens as many units of work as it needs."""

    runtime: Runtime
    shop_id: UUID
    request_id: str
    attempt: int
    failures: int = 0
    """The number of this job's runs that raised; runs that rescheduled the job are not counted."""
    is_last: bool = False
    """The job becomes a dead letter if this run raises too."""
    repeats: int = 0
    """The number of earlier runs whose work this run may repeat."""
    is_crowded: Callable[[], bool] = lambda: False
    """Returns whether other jobs wait for this run's slot, so that a long run should pause."""

    def keep_count(self, delay: timedelta) -> None:
        """Raise Retry, which reschedules this job after `delay`, if an earlier run of it raised.

        Call it before enqueueing a new job in place of this one: a new job would start with no
        failures.
        """
        if self.failures:
            raise Retry("another run is at it", delay=delay)

    @asynccontextmanager
    async def work(self, *, durable: bool = True) -> AsyncIterator[Work]:
        """Open a unit of work for the job's shop.

        If it is not `durable`, a crash of PostgreSQL may undo it even after the job has ended. The
        end of the job is then undone, too, and the job is run again. That is enough for work inside
        PostgreSQL. A unit of work has to be durable if it must be stored before we call another
        system, or if it stores what another system has done.
        """
        async with self.runtime.work(
            self.shop_id, request_id=self.request_id, durable=durable
        ) as work:
            yield work
