"""Dequeue the next jobs for a worker, so that no shop can hold up other shops.

Every lane has its own slots, and a shop may use only some of them. Due jobs of the shop with the
fewest running jobs are taken first. Within a shop, the job that has been due for longest is taken
first, so that a retried job queues behind jobs that became due before it.
"""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job as QueuedJob
from pgqueuer.domain.models import TracebackRecord
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from openstoq.db.transient import TRANSIENT
from openstoq.jobs.job import NO_SHOP, Lane
from openstoq.kernel.slots import Slot

log = structlog.get_logger(__name__)

# One shop may have this many times its part of the slots in jobs that either run or wait for
# another server. A job that waits uses no slot, but it uses memory and a connection.
WAITING_PART = 2
# The least time between two looks for jobs, in seconds. While jobs wait for slots, each job that ends
# would otherwise cause a look for a single job.
LOOKS_APART = 0.01
# The number of shops searched for the next jobs; every shop is searched if these shops have none.
SHOPS_AT_ONCE, EVERY_SHOP = 50, 1_000_000

_NAMES = DBSettings(db_schema="queue")


@dataclasses.dataclass(slots=True)
class Lanes:
    """The slots of a worker: `limit` in each lane, of which one shop may use at most half.

    `in_flight` contains the ids of the jobs that were taken and have not ended.
    """

    limit: int
    in_flight: Collection[int] = ()
    _slots: dict[int, Slot] = dataclasses.field(default_factory=dict)
    _crowd: dict[str, "Crowd"] = dataclasses.field(default_factory=dict)

    @property
    def part(self) -> int:
        """The number of slots that one shop may use in each lane."""
        return max(1, self.limit // 2)

    def slot(self, job_id: int) -> Slot:
        """Return the slot of a job that this worker has taken."""
        return self._slots[job_id]

    def take(self, job_id: int, lane: str, shop_id: UUID, apart: str | None) -> None:
        """Assign a slot to a job, unless it is already running in this worker."""
        if job_id not in self._slots or job_id not in self.in_flight:
            self._slots[job_id] = Slot(lane, shop_id, apart)

    @property
    def apart(self) -> list[str]:
        """The values by which running jobs are kept apart (see `Job.apart_by`).

        This worker must not start another job with one of these values.
        """
        return [slot.apart for slot in self._slots.values() if slot.apart is not None]

    def forget_ended(self) -> None:
        """Release the slots of jobs that have ended."""
        self._slots = {job: slot for job, slot in self._slots.items() if job in self.in_flight}

    def load(self, lane: str) -> "Load":
        """Return the lane's current load."""
        held = [slot for slot in self._slots.values() if slot.lane == lane]
        running = Counter(slot.shop_id for slot in held if not slot.is_free)
        all_of_shop = Counter(slot.shop_id for slot in held)
        most = WAITING_PART * self.part
        return Load(
            free=max(0, self.limit - running.total()),
            running=running,
            room={
                shop_id: max(0, min(self.part - running[shop_id], most - number))
                for shop_id, number in all_of_shop.items()
            },
        )

    def note_crowd(self, lane: Lane, *, is_full: bool, shops: Iterable[UUID]) -> None:
        """Record whether jobs wait because a lane is full, and the shops that have no slot left."""
        self._crowd[lane] = Crowd(is_full, frozenset(shops))

    def is_crowded(self, slot: Slot) -> bool:
        """Return whether a long job should give up its slot because another job waits for one."""
        crowd = self._crowd.get(slot.lane)
        return crowd is not None and (crowd.is_full or slot.shop_id in crowd.shops)


@dataclasses.dataclass(frozen=True, slots=True)
class Crowd:
    """A record of the due jobs in a lane that cannot start, because no slot is free for them.

    `shops` are the shops that have due jobs, but have used up their part of the slots. `is_full`
    means that the whole lane has no free slot, and that another shop has due jobs too.
    """

    is_full: bool
    shops: frozenset[UUID]


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """The load of a lane: the number of free slots, and the jobs of each shop.

    `running` is the number of jobs that a shop runs, and `room` the number that it may still start.
    """

    free: int
    running: Counter[UUID]
    room: dict[UUID, int]

    @property
    def by_shop(self) -> tuple[list[UUID], list[int], list[int]]:
        """The columns of a table for SQL: the shops, and the `running` and `room` of each."""
        shops = list(self.room)
        return shops, [self.running[shop_id] for shop_id in shops], list(self.room.values())


@dataclasses.dataclass
class FairQueries(Queries):
    """PgQueuer's queries, with our own statement to dequeue by lane and fairly among shops."""

    lanes: Lanes = dataclasses.field(kw_only=True)
    _looked_at: float = dataclasses.field(default=-LOOKS_APART, kw_only=True)
    _last_shop: dict[Lane, UUID] = dataclasses.field(default_factory=dict, kw_only=True)

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,  # noqa: ARG002 - lanes have limits of their own
        heartbeat_timeout: timedelta,
    ) -> list[QueuedJob]:
        """Take up to `batch_size` jobs of each lane: due jobs, and those of workers that died."""
        await asyncio.sleep(self._looked_at + LOOKS_APART - monotonic())
        self._looked_at = monotonic()
        self.lanes.forget_ended()
        taken: list[QueuedJob] = []
        for lane in Lane:
            load = self.lanes.load(lane)
            room = min(batch_size, load.free)
            if room > 0:
                taken += await self._take(
                    lane,
                    load,
                    list(entrypoints),
                    self.lanes.part,
                    room,
                    queue_manager_id,
                    heartbeat_timeout,
                    self.lanes.apart,
                )
            if lane is Lane.SENDS:
                await self._look_for_crowd(lane, load, list(entrypoints))
        return taken

    async def retry_job(
        self, job: QueuedJob, delay: timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        """Put a job back into the queue, to run after `delay`.

        If the database fails, the error is only logged, because PgQueuer would otherwise mark the
        job as failed. The job then stays assigned to this worker, but without heartbeats. So after
        a while it is taken again, like a job of a worker that died.
        """
        try:
            await super().retry_job(job, delay, traceback_record)
        except (*TRANSIENT, asyncpg.PostgresError) as error:
            log.warning("job.not_put_back", id=job.id, error=type(error).__name__)

    async def _take(self, lane: Lane, load: Load, *bounds: object) -> list[QueuedJob]:
        rows: list[dict[str, Any]] = []
        for most in (SHOPS_AT_ONCE, EVERY_SHOP):
            after = self._last_shop.get(lane, NO_SHOP)
            rows = await self._fetch(_TAKE, lane, after, most, *load.by_shop, *bounds)
            self._last_shop[lane] = rows[0]["last"]
            if rows[0]["id"] is not None or rows[0]["shops"] < most:
                break
        return [self._begun(row) for row in rows if row["id"] is not None]

    def _begun(self, row: dict[str, Any]) -> QueuedJob:
        job = QueuedJob.model_validate(row)
        self.lanes.take(job.id, row["lane"], row["shop_id"], row["apart"])
        return job

    async def _look_for_crowd(self, lane: Lane, load: Load, entrypoints: list[str]) -> None:
        full = [shop_id for shop_id, room in load.room.items() if room == 0]
        if not full and load.free:
            self.lanes.note_crowd(lane, is_full=False, shops=())
            return
        after = self._last_shop.get(lane, NO_SHOP)
        (row,) = await self._fetch(
            _CROWD, lane, after, EVERY_SHOP, full, entrypoints, self.lanes.apart
        )
        self.lanes.note_crowd(
            lane, is_full=not load.free and row["others_wait"], shops=row["shops"]
        )

    async def _fetch(self, query: str, *values: object) -> list[dict[str, Any]]:
        return await self.driver.fetch(query, *values)


def queries_on(connection: "asyncpg.Connection[asyncpg.Record]", lanes: Lanes) -> FairQueries:
    """Return a worker's queries over `connection`, for PgQueuer's tables in the schema `queue`."""
    return FairQueries(
        AsyncpgDriver(connection),
        qbe=qb.QueryBuilderEnvironment(_NAMES),
        qbq=qb.QueryQueueBuilder(_NAMES),
        qbs=qb.QuerySchedulerBuilder(_NAMES),
        lanes=lanes,
    )


# One look-up for each shop that has queued jobs in the lane, instead of a scan of all jobs: one
# shop may have 100,000. There may be thousands of shops too. So each call looks up the shops in
# turn, beginning after the last shop from which the previous call took a job.
_SHOPS = """
RECURSIVE walk AS (
    SELECT $2::uuid AS shop_id, false AS is_round, 0 AS place
    UNION ALL
    SELECT next.shop_id, next.is_round, walk.place + 1
    FROM walk CROSS JOIN LATERAL (
        (SELECT q.shop_id, walk.is_round FROM queue.pgqueuer q
         WHERE q.lane = $1 AND q.status = 'queued' AND q.shop_id > walk.shop_id
         ORDER BY q.shop_id LIMIT 1)
        UNION ALL
        (SELECT q.shop_id, true FROM queue.pgqueuer q
         WHERE q.lane = $1 AND q.status = 'queued' AND NOT walk.is_round
         ORDER BY q.shop_id LIMIT 1)
        ORDER BY is_round LIMIT 1) next
    WHERE walk.place < $3 AND NOT (next.is_round AND next.shop_id > $2)
), shops AS (
    SELECT shop_id, place AS seat FROM walk WHERE place > 0
)"""

_TAKE = f"""
WITH {_SHOPS}, busy AS (
    SELECT * FROM unnest($4::uuid[], $5::int[], $6::int[]) AS busy(shop_id, running, room)
), candidates AS (
    SELECT job.* FROM shops LEFT JOIN busy USING (shop_id) CROSS JOIN LATERAL (
        SELECT q.id, q.shop_id, q.execute_after, q.apart FROM queue.pgqueuer q
        WHERE q.lane = $1 AND q.status = 'queued' AND q.shop_id = shops.shop_id
          AND q.execute_after <= now() AND q.entrypoint = ANY($7)
          AND (q.apart IS NULL OR q.apart <> ALL($12::text[]))
        ORDER BY q.execute_after, q.id LIMIT $9) job
    WHERE coalesce(busy.room, $8) > 0
    UNION ALL
    SELECT q.id, q.shop_id, q.execute_after, q.apart FROM queue.pgqueuer q
    WHERE q.lane = $1 AND q.status = 'picked' AND q.entrypoint = ANY($7)
      AND q.heartbeat < now() - $11::interval
      AND (q.apart IS NULL OR q.apart <> ALL($12::text[]))
), single AS (
    SELECT DISTINCT ON (coalesce(apart, id::text)) * FROM candidates
    ORDER BY coalesce(apart, id::text), execute_after, id
), ranked AS (
    SELECT single.*, coalesce(busy.running, 0) AS running, coalesce(busy.room, $8) AS room,
           coalesce(shops.seat, 0) AS seat,
           row_number() OVER (PARTITION BY shop_id ORDER BY execute_after, id) AS place
    FROM single LEFT JOIN busy USING (shop_id) LEFT JOIN shops USING (shop_id)
), chosen AS (
    SELECT q.id, seat FROM queue.pgqueuer q JOIN ranked ON ranked.id = q.id AND place <= room
    WHERE q.status = 'queued' OR (q.status = 'picked' AND q.heartbeat < now() - $11::interval)
    ORDER BY running + place, seat, q.execute_after, q.id LIMIT $9
    FOR UPDATE OF q SKIP LOCKED
), taken AS (
    UPDATE queue.pgqueuer q
    SET status = 'picked', updated = now(), heartbeat = now(), queue_manager_id = $10
    FROM chosen WHERE q.id = chosen.id
    RETURNING q.*, chosen.seat
), logged AS (
    INSERT INTO queue.pgqueuer_log (job_id, status, entrypoint, priority)
    SELECT id, status, entrypoint, priority FROM taken
)
SELECT taken.*, walked.shops, walked.last
FROM (
    SELECT max(place) AS shops, (
        SELECT shop_id FROM walk
        WHERE place = coalesce((SELECT max(nullif(seat, 0)) FROM taken), (SELECT max(place) FROM walk))
    ) AS last FROM walk
) walked LEFT JOIN taken ON true
ORDER BY taken.execute_after, taken.id
"""  # noqa: S608 - constants

_DUE = """EXISTS (
    SELECT FROM queue.pgqueuer q
    WHERE q.lane = $1 AND q.status = 'queued' AND q.shop_id = shops.shop_id
      AND q.execute_after <= now() AND q.entrypoint = ANY($5)
      AND (q.apart IS NULL OR q.apart <> ALL($6::text[])))"""

_CROWD = f"""
WITH {_SHOPS}
SELECT EXISTS (SELECT FROM shops WHERE shop_id <> ALL($4::uuid[]) AND {_DUE}) AS others_wait,
       ARRAY(SELECT shop_id FROM unnest($4::uuid[]) AS shops(shop_id) WHERE {_DUE}) AS shops
"""  # noqa: S608 - constants
