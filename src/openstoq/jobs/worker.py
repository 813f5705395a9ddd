"""The worker, which takes jobs from the queue, runs them, and survives a restart of PostgreSQL."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog
from pgqueuer.core.applications import PgQueuer
from pgqueuer.domain.errors import PgqException, RetryRequested
from pgqueuer.domain.models import Job as QueuedJob
from pgqueuer.domain.models import Schedule

from openstoq.db.pool import Connection, prepare
from openstoq.db.transient import FULL, TRANSIENT
from openstoq.jobs.dequeue import Lanes, queries_on
from openstoq.jobs.job import GiveUp, Job, Retry
from openstoq.jobs.queue import (
    adopt,
    enqueue_for_every_shop,
    forget_log,
    note_counts,
    release_dedupe_key,
)
from openstoq.jobs.work import Run, Runtime
from openstoq.kernel.alone import alone
from openstoq.kernel.faults import frames_of
from openstoq.kernel.ids import new_id
from openstoq.kernel.metrics import JOB_SECONDS, JOBS
from openstoq.kernel.slots import occupied

log = structlog.get_logger(__name__)

# A killed worker's job is rescued at the first poll after it has had no heartbeat for this long.
HEARTBEAT = timedelta(seconds=5)
LOOK = timedelta(seconds=1)
RECONNECT = (0.2, 0.5, 1.0, 2.0, 5.0)
LONGEST_PAUSE = timedelta(minutes=5)
# The pause after the database refused a write because its disk was full.
STORAGE_PAUSE = timedelta(seconds=30)


def _without_words(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True


# PgQueuer logs whole exceptions of jobs, whose messages may quote contacts. `job.failed` logs them
# without their messages.
logging.getLogger("pgqueuer").addFilter(_without_words)

# A function that deletes up to the given number of rows that belong to no shop, and returns how
# many it deleted.
Forget = Callable[[Connection, int], Awaitable[int]]
BATCH = 10_000


class Worker:
    """A worker that runs `jobs` from the queue in the database at `url` until `stop` is called.

    Once a night one of the workers calls the functions in `forget`, which delete old rows that
    belong to no shop.
    """

    def __init__(
        self,
        runtime: Runtime,
        jobs: Iterable[Job[Any]],
        *,
        url: str,
        forget: Iterable[Forget] = (),
    ) -> None:
        self.runtime = runtime
        self.jobs = list(jobs)
        self.url = url
        self.forget = (forget_log, *forget)
        self._queue: PgQueuer | None = None

    async def run(self) -> None:
        """Run jobs until `stop` is called, and reconnect whenever the connection is lost."""
        failures = 0
        while not self.runtime.stopping.is_set():
            try:
                connection = await self._connect()
                failures = 0
                await self._work_on(connection)
            except (*TRANSIENT, asyncpg.PostgresError, PgqException) as error:
                pause = RECONNECT[min(failures, len(RECONNECT) - 1)]
                failures += 1
                log.warning("worker.connection_lost", error=str(error), next_try_in=pause)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.runtime.stopping.wait(), pause)

    def stop(self) -> None:
        """Stop taking jobs; `run` returns once the running jobs have ended."""
        self.runtime.stopping.set()
        if self._queue is not None:
            self._queue.shutdown.set()

    async def tidy(self) -> None:
        """Delete old rows that belong to no shop."""
        for number, forget in enumerate(self.forget):
            with alone("tidying", number, {}):
                forgotten = BATCH
                while forgotten == BATCH:
                    async with self.runtime.database.transaction(None) as db:
                        forgotten = await forget(db, BATCH)

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        connection = await asyncpg.connect(self.url, timeout=5)
        await prepare(connection)
        # Only the queue uses this connection, so the app's role is set for good.
        await connection.execute("SET ROLE openstoq_app")
        # A crash of PostgreSQL may forget that a job was taken, or has ended: it is run again then, as
        # after a crash of the worker. Waiting for the disk would hold up all other jobs.
        await connection.execute("SET synchronous_commit = off")
        await adopt(connection, self.jobs)
        return connection

    async def _work_on(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        concurrency = self.runtime.settings.worker.concurrency
        lanes = Lanes(concurrency)
        queries = queries_on(connection, lanes)
        queue = PgQueuer(connection=queries.driver, queries=queries)
        lanes.in_flight = queue.qm.job_context
        self._queue = queue
        connection.add_termination_listener(lambda _: queue.shutdown.set())
        for job in self.jobs:
            self._register(queue, job, lanes)

        @queue.schedule("jobs.forget", "50 3 * * *", accepts_context=False)
        async def tidy(_: Schedule) -> None:
            await self.tidy()

        if self.runtime.stopping.is_set():
            return
        try:
            await queue.run(
                dequeue_timeout=LOOK,
                batch_size=max(1, concurrency // 2),
                heartbeat_timeout=HEARTBEAT,
                shutdown_on_listener_failure=True,
            )
        finally:
            self._queue = None
            if connection.is_closed():
                log.warning("worker.queue_connection_closed")
            else:
                await connection.close(timeout=5)

    def _register(self, queue: PgQueuer, job: Job[Any], lanes: Lanes) -> None:
        @queue.entrypoint(job.name, accepts_context=False, on_failure="hold")
        async def run(queued: QueuedJob) -> None:
            slot = lanes.slot(queued.id)
            with occupied(slot):
                await self._run(job, queued, partial(lanes.is_crowded, slot))

        if job.cron is not None:
            # A schedule that came due while no worker ran is run when the next worker starts.
            @queue.schedule(job.name, job.cron, accepts_context=False)
            async def due(_: Schedule) -> None:
                async with self.runtime.database.transaction(None) as db:
                    await enqueue_for_every_shop(db, job, f"schedule-{new_id()}")

    async def _run(self, job: Job[Any], queued: QueuedJob, is_crowded: Callable[[], bool]) -> None:
        try:
            payload = orjson.loads(queued.payload or b"{}")
            run = Run(
                runtime=self.runtime,
                shop_id=UUID(payload["shop_id"]),
                request_id=str(payload["request_id"]),
                attempt=queued.attempts,
                failures=(failures := _count(queued, payload, "failures")),
                is_last=failures >= job.attempts,
                repeats=_count(queued, payload, "repeats"),
                is_crowded=is_crowded,
            )
            sent = payload["arguments"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # The job is held as failed at once: a retry could not read the payload either.
            log.error("job.unreadable", job=job.name, id=queued.id, error=type(error).__name__)  # noqa: TRY400 - the queue's log has the traceback
            JOBS.labels(job.name, "failed").inc()
            raise
        outcome = "failed"
        started = perf_counter()
        with structlog.contextvars.bound_contextvars(
            job=job.name, shop_id=payload["shop_id"], request_id=run.request_id
        ):
            try:
                if payload.get("coalesced"):
                    async with self.runtime.database.transaction(None) as db:
                        await release_dedupe_key(db, queued.id)
                await job.handler(run, **job.arguments(sent))
                outcome = "done"
            except Retry as retry:
                outcome = "again"
                if retry.is_repeat:
                    await self._note(queued, payload, repeats=run.repeats + 1)
                raise RetryRequested(delay=retry.delay, reason=str(retry)) from retry
            except GiveUp as reason:
                outcome = "given_up"
                log.warning("job.given_up", reason=str(reason))
            except Exception as error:
                again = await self._another(job, queued, payload, error)
                if again is None:
                    raise
                raise again from error
            finally:
                JOBS.labels(job.name, outcome).inc()
                JOB_SECONDS.labels(job.name).observe(perf_counter() - started)

    async def _another(
        self, job: Job[Any], queued: QueuedJob, payload: dict[str, Any], error: Exception
    ) -> RetryRequested | None:
        """Return the retry for a job that raised, or None if its attempts are used up."""
        if isinstance(error, FULL):
            # The job is retried until there is room again, however long that takes.
            log.warning("job.storage_full", error=type(error).__name__)
            return RetryRequested(delay=STORAGE_PAUSE, reason=str(error))
        failures = 1 + _count(queued, payload, "failures")
        # The error's message may quote a contact, so it goes only into the queue's own log.
        log.warning(
            "job.failed", failures=failures, error=type(error).__name__, at=frames_of(error)
        )
        if failures > job.attempts:
            return None
        await self._note(queued, payload, failures=failures)
        pause = min(timedelta(seconds=2.0 ** (failures - 1)), LONGEST_PAUSE)
        return RetryRequested(delay=pause, reason=str(error))

    async def _note(self, queued: QueuedJob, payload: dict[str, Any], **counts: int) -> None:
        with suppress(*TRANSIENT, asyncpg.PostgresError):
            async with self.runtime.database.transaction(None) as db:
                await note_counts(db, queued.id, payload, **counts)


def _count(queued: QueuedJob, payload: dict[str, Any], name: str) -> int:
    # A job that the operator restarted counts as one that has not run yet.
    return int(payload.get(name, 0)) if queued.attempts else 0
