"""Bulk jobs, which callers start and poll: their progress and failures are kept in PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from openstoq.db.pool import Connection

Status = Literal["running", "completed", "failed", "cancelled"]

WHOLE = 100
MOST_FAILURES = 10_000
ABANDONED = "the job failed repeatedly; read the worker's log, then start it again"


class Failure(BaseModel):
    """An item that a job failed to process, and the reason."""

    id: str
    error: str


class JobView(BaseModel):
    """A bulk job as the API returns it; `progress` is a percentage."""

    job_id: str
    status: Status
    progress: int
    total: int
    processed: int
    failed: list[Failure]
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkJob:
    """A bulk job as it is stored."""

    id: str
    status: Status
    arguments: Mapping[str, Any]
    total: int
    processed: int
    failed: Sequence[Mapping[str, str]]
    error: str | None

    @property
    def view(self) -> JobView:
        """The bulk job as the API returns it."""
        done = self.status == "completed"
        progress = WHOLE if done else WHOLE * self.processed // max(self.total, 1)
        return JobView(
            job_id=self.id,
            status=self.status,
            progress=min(progress, WHOLE),
            total=self.total,
            processed=self.processed,
            failed=[Failure.model_validate(one) for one in self.failed],
            error=self.error,
        )


async def begin(
    db: Connection,
    shop_id: UUID,
    action: str,
    *,
    total: int,
    arguments: Mapping[str, Any],
    now: datetime,
) -> str:
    """Store a new job for `action` with `total` items, and return its id."""
    job_id = f"bulk_{action}_{token_hex(8)}"
    await db.execute(
        """
        INSERT INTO bulk_jobs (shop_id, id, status, arguments, total, created_at)
        VALUES ($1, $2, 'running', $3, $4, $5)
        """,
        shop_id,
        job_id,
        arguments,
        total,
        now,
    )
    return job_id


async def load(db: Connection, shop_id: UUID, job_id: str, *, lock: bool = False) -> BulkJob | None:
    """Load a bulk job, or None if the shop has none with this id; `lock` locks its row."""
    row = await db.fetchrow(
        f"""
        SELECT id, status, arguments, total, processed, failed, error FROM bulk_jobs
        WHERE shop_id = $1 AND id = $2 {"FOR UPDATE" if lock else ""}
        """,  # noqa: S608 - a constant
        shop_id,
        job_id,
    )
    return BulkJob(**dict(row)) if row is not None else None


async def running(db: Connection, shop_id: UUID, key: str) -> set[str]:
    """Return all values that the shop's running bulk jobs have for the argument `key`.

    Bulk jobs without this argument are ignored.
    """
    rows = await db.fetch(
        """
        SELECT DISTINCT arguments->>$2 AS value FROM bulk_jobs
        WHERE shop_id = $1 AND status = 'running' AND arguments->>$2 IS NOT NULL
        """,
        shop_id,
        key,
    )
    return {row["value"] for row in rows}


async def advance(
    db: Connection,
    shop_id: UUID,
    job_id: str,
    items: int,
    failures: Mapping[Any, str],
    *,
    total: int | None = None,
) -> None:
    """Record that `items` more items were processed, and the reasons of those that failed.

    Call it in the transaction that processed the items. `total` replaces the job's total, unless it
    is None. Once a job has MOST_FAILURES failures, further ones are not stored.
    """
    failed = [{"id": str(one), "error": error} for one, error in failures.items()]
    await db.execute(
        """
        WITH locked AS (
            SELECT jsonb_array_length(failed) AS known FROM bulk_jobs
            WHERE shop_id = $1 AND id = $2 FOR UPDATE
        ), added AS (
            SELECT coalesce(jsonb_agg(one ORDER BY place), '[]') AS failed
            FROM locked CROSS JOIN jsonb_array_elements($4::jsonb) WITH ORDINALITY
                AS told (one, place)
            WHERE place <= $6 - locked.known
        )
        UPDATE bulk_jobs b SET processed = b.processed + $3, total = coalesce($5, b.total),
            failed = b.failed || added.failed
        FROM added WHERE b.shop_id = $1 AND b.id = $2
        """,
        shop_id,
        job_id,
        items,
        failed,
        total,
        MOST_FAILURES,
    )


async def finish(
    db: Connection,
    shop_id: UUID,
    job_id: str,
    *,
    status: Status,
    now: datetime,
    error: str | None = None,
) -> None:
    """Set the final status of a running job; a job that has already ended is left unchanged."""
    await db.execute(
        """
        UPDATE bulk_jobs SET status = $3, error = $4, finished_at = $5
        WHERE shop_id = $1 AND id = $2 AND status = 'running'
        """,
        shop_id,
        job_id,
        status,
        error,
        now,
    )


async def cancel(
    db: Connection, shop_id: UUID, arguments: Mapping[str, Any], *, now: datetime, error: str
) -> None:
    """Cancel the shop's running bulk jobs that have these arguments, and store `error` in them.

    Such a job may have further arguments.
    """
    await db.execute(
        """
        UPDATE bulk_jobs SET status = 'cancelled', error = $3, finished_at = $4
        WHERE shop_id = $1 AND status = 'running' AND arguments @> $2
        """,
        shop_id,
        dict(arguments),
        error,
        now,
    )


async def end_abandoned(db: Connection, shop_id: UUID, now: datetime) -> int:
    """Mark running bulk jobs as failed if no queued job is left for them; return their number.

    A queued job that has failed too often becomes a dead letter, and its bulk job would otherwise
    show as running forever. Payloads are searched as bytes for the bulk job's id, because parsing
    them would let one payload that is not valid JSON fail the whole statement.
    """
    rows = await db.fetch(
        "SELECT id FROM bulk_jobs WHERE shop_id = $1 AND status = 'running'", shop_id
    )
    # The queue is read after the bulk jobs, because a bulk job and its first job are committed at
    # the same time. The update leaves out bulk jobs that end in between.
    abandoned = await db.fetch(
        """
        SELECT b.id FROM unnest($1::text[]) AS b(id) WHERE NOT EXISTS (
            SELECT FROM queue.pgqueuer q WHERE q.status IN ('queued', 'picked')
            AND position(convert_to(b.id, 'UTF8') IN q.payload) > 0)
        """,
        [row["id"] for row in rows],
    )
    ended = await db.fetch(
        """
        UPDATE bulk_jobs SET status = 'failed', error = $3, finished_at = $2
        WHERE shop_id = $1 AND id = ANY($4) AND status = 'running'
        RETURNING id
        """,
        shop_id,
        now,
        ABANDONED,
        [row["id"] for row in abandoned],
    )
    return len(ended)


async def forget(db: Connection, shop_id: UUID) -> None:
    """Delete bulk jobs that ended more than 30 days ago."""
    await db.execute(
        """
        DELETE FROM bulk_jobs
        WHERE shop_id = $1 AND finished_at < now() - interval '30 days'
        """,
        shop_id,
    )
