"""The queue: jobs are inserted as rows of PgQueuer's table, on the caller's connection."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from openstoq.db.pool import Connection
from openstoq.jobs.job import NO_SHOP, Job, Lane


@dataclass(frozen=True, kw_only=True)
class Enqueued:
    """A job for a shop, as it is stored in the queue."""

    job: str
    shop_id: UUID
    arguments: dict[str, Any]
    request_id: str
    delay: timedelta = field(default=timedelta(0))
    coalesced: bool = False
    lane: Lane = Lane.WORK
    apart: str | None = None
    """Jobs with the same value never run in the same worker at once."""

    @cached_property
    def payload(self) -> bytes:
        """The payload to store, which the worker will read back."""
        return orjson.dumps(
            {
                "shop_id": self.shop_id,
                "arguments": self.arguments,
                "request_id": self.request_id,
                "coalesced": self.coalesced,
            },
            # asyncpg returns a subclass of UUID, which orjson does not serialise by itself.
            default=str,
        )

    @property
    def dedupe_key(self) -> str | None:
        """The key that equal jobs share, made of name, shop and arguments.

        It is None for a job that is not coalesced.
        """
        if not self.coalesced:
            return None
        same = [self.job, self.shop_id, self.arguments]
        return sha256(orjson.dumps(same, default=str)).hexdigest()


async def enqueue(db: Connection, jobs: Sequence[Enqueued]) -> None:
    """Insert `jobs`, except coalesced jobs that already wait in the queue.

    A job that already waits is held back until this transaction commits. If it started sooner, it
    would not see this transaction's changes yet.
    """
    missing = jobs
    while missing:
        keys = {job.dedupe_key for job in missing if job.dedupe_key is not None}
        rows = await db.fetch(
            _ENQUEUE,
            [job.job for job in missing],
            [job.payload for job in missing],
            [job.delay for job in missing],
            [job.dedupe_key for job in missing],
            [job.lane for job in missing],
            [job.shop_id for job in missing],
            [job.apart for job in missing],
            list(keys),
        )
        # A job that has started meanwhile has released its key, so a new job is enqueued.
        missing = [job for job in missing if job.dedupe_key in keys - {row[0] for row in rows}]


# PgQueuer's own statement knows neither lanes nor shops, so we write the rows ourselves. Jobs that
# wait already are locked, so that none starts before this transaction ends.
_ENQUEUE = """
WITH held AS (
    SELECT dedupe_key FROM queue.pgqueuer WHERE dedupe_key = ANY($8::text[]) FOR SHARE
), enqueued AS (
    INSERT INTO queue.pgqueuer
        (priority, entrypoint, payload, execute_after, dedupe_key, lane, shop_id, apart, status)
    SELECT 0, entrypoint, payload, now() + delay, dedupe_key, lane, shop_id, apart, 'queued'
    FROM unnest($1::text[], $2::bytea[], $3::interval[], $4::text[], $5::text[], $6::uuid[],
                $7::text[])
         WITH ORDINALITY AS job(entrypoint, payload, delay, dedupe_key, lane, shop_id, apart, place)
    ORDER BY place
    ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL
    DO NOTHING
    RETURNING id, entrypoint, priority, dedupe_key
), logged AS (
    INSERT INTO queue.pgqueuer_log (job_id, status, entrypoint, priority)
    SELECT id, 'queued', entrypoint, priority FROM enqueued
)
SELECT dedupe_key FROM held UNION ALL SELECT dedupe_key FROM enqueued
"""


async def adopt(db: "asyncpg.Connection[asyncpg.Record]", jobs: Sequence[Job[Any]]) -> None:
    """Set the lane and shop of jobs of the previous release, and by what they are kept apart.

    A job whose shop cannot be read keeps the placeholder NO_SHOP. All such jobs count as jobs of
    one shop.
    """
    await db.execute(
        """
        UPDATE queue.pgqueuer q SET
            lane = found.lane, shop_id = coalesce(found.shop_id::uuid, q.shop_id),
            apart = coalesce(q.apart, found.apart)
        FROM (
            SELECT w.id, job.lane, substring(encode(w.payload, 'escape') FROM $4) AS shop_id,
                   substring(encode(w.payload, 'escape')
                             FROM '"' || job.apart_by || '": ?"([^"]+)"') AS apart
            FROM queue.pgqueuer w
            JOIN unnest($1::text[], $2::text[], $5::text[]) AS job(entrypoint, lane, apart_by)
                 USING (entrypoint)
            WHERE w.status = 'queued' AND (w.lane <> job.lane OR w.shop_id = $3
                  OR (w.apart IS NULL AND job.apart_by IS NOT NULL))
            FOR UPDATE OF w SKIP LOCKED
        ) found WHERE q.id = found.id
        """,
        [job.name for job in jobs],
        [job.lane for job in jobs],
        NO_SHOP,
        _SHOP_IN_PAYLOAD,
        [job.apart_by for job in jobs],
    )


_SHOP_IN_PAYLOAD = '"shop_id": ?"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"'


async def enqueue_for_every_shop(db: Connection, job: Job[Any], request_id: str) -> None:
    """Enqueue a job for each installed shop, unless the same job already waits for that shop.

    A job that is declared with `uninstalled` is enqueued for uninstalled shops too.
    """
    which = "every_shop" if job.uninstalled else "installed_shops"
    shops = await db.fetch(f"SELECT {which}() AS shop_id")
    if shops:
        await enqueue(
            db,
            [
                Enqueued(
                    job=job.name,
                    lane=job.lane,
                    shop_id=shop["shop_id"],
                    arguments={},
                    request_id=request_id,
                    coalesced=True,
                )
                for shop in shops
            ],
        )


async def forget_log(db: Connection, most: int) -> int:
    """Delete up to `most` queue log entries older than a week; return how many were deleted."""
    forgotten: int = await db.fetchval(
        """
        WITH forgotten AS (
            DELETE FROM queue.pgqueuer_log WHERE id IN (
                SELECT id FROM queue.pgqueuer_log
                WHERE created < now() - interval '7 days' LIMIT $1)
            RETURNING 1
        )
        SELECT count(*) FROM forgotten
        """,
        most,
    )
    return forgotten


async def release_dedupe_key(db: Connection, job_id: int) -> None:
    """Release a job's key when it starts, so that the same job can be enqueued again from then on.

    PgQueuer would keep the key until the job ends. Then a change made while it runs would be
    missed.
    """
    await db.execute("UPDATE queue.pgqueuer SET dedupe_key = NULL WHERE id = $1", job_id)


async def note_counts(db: Connection, job_id: int, payload: dict[str, Any], **counts: int) -> None:
    """Store a job's `failures` or `repeats` in its payload.

    `failures` counts the runs that raised an error. `repeats` counts the runs whose work the next
    run may repeat. PgQueuer's own count of attempts cannot replace them, because it includes every
    run, even one that only found that another run held the lease.
    """
    await db.execute(
        "UPDATE queue.pgqueuer SET payload = $2 WHERE id = $1",
        job_id,
        orjson.dumps({**payload, **counts}),
    )


WAITING, FAILED = ("queued", "picked"), ("failed",)


async def waiting_arguments(
    db: Connection, shop_id: UUID, job: str, statuses: Sequence[str] = WAITING
) -> list[dict[str, Any]]:
    """Return the arguments of each job of the shop that is named `job` and has one of `statuses`.

    Payloads are parsed here, and unreadable payloads are ignored. If PostgreSQL parsed them, a
    single unreadable payload would make the whole statement fail, for every shop.
    """
    rows = await db.fetch(
        """
        SELECT payload FROM queue.pgqueuer
        WHERE entrypoint = $2 AND status::text = ANY($3) AND position($1::bytea IN payload) > 0
        """,
        str(shop_id).encode(),
        job,
        statuses,
    )
    found = [_document(row["payload"]) for row in rows]
    return [
        arguments
        for payload in found
        if payload.get("shop_id") == str(shop_id)
        and isinstance(arguments := payload.get("arguments"), dict)
    ]


def _document(payload: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


async def waiting(db: Connection) -> dict[str, int]:
    """Return the number of jobs in the queue's table by status."""
    rows = await db.fetch("SELECT status::text, count(*) FROM queue.pgqueuer GROUP BY status")
    return {row["status"]: row["count"] for row in rows}
