"""Store the progress of catalogue pulls in PostgreSQL.

Each shop has one pull at a time. A pull that was interrupted is resumed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from openstoq.db.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull that has not ended.

    `cursor` is the place from which the pull resumes, or None if it starts at the beginning.
    `updated_since` is the time from which changes are pulled, or None if the whole catalogue is
    pulled.
    """

    cursor: str | None
    updated_since: datetime | None
    started_at: datetime


async def begin(
    db: Connection, shop_id: UUID, *, everything: bool, overlap: timedelta, now: datetime
) -> Pull:
    """Resume the interrupted pull if there is one; otherwise begin a new pull.

    A new pull reads what has changed since the last pull began, and during the time `overlap`
    before that. The first pull of a shop reads the whole catalogue. With `everything`, so does any
    new pull.
    """
    row = await db.fetchrow(
        """
        INSERT INTO catalog_pulls AS p (shop_id, updated_since, started_at)
        VALUES ($1, NULL, $2)
        ON CONFLICT (shop_id) DO UPDATE SET
            cursor = CASE WHEN p.finished_at IS NULL THEN p.cursor END,
            updated_since = CASE
                WHEN p.finished_at IS NULL THEN p.updated_since
                WHEN NOT $3 THEN p.started_at END,
            started_at = CASE WHEN p.finished_at IS NULL THEN p.started_at ELSE $2 END,
            products = CASE WHEN p.finished_at IS NULL THEN p.products ELSE 0 END,
            finished_at = NULL
        RETURNING cursor, updated_since, started_at
        """,
        shop_id,
        now,
        everything,
    )
    if row is None:
        raise RuntimeError("beginning a pull answers with one row")
    since = row["updated_since"]
    return Pull(
        cursor=row["cursor"],
        updated_since=since - overlap if since is not None else None,
        started_at=row["started_at"],
    )


async def advance(db: Connection, shop_id: UUID, cursor: str | None, products: int) -> None:
    """Record that a page was saved, in the transaction that saves the page."""
    await db.execute(
        "UPDATE catalog_pulls SET cursor = $2, products = products + $3 WHERE shop_id = $1",
        shop_id,
        cursor,
        products,
    )


async def finish(db: Connection, shop_id: UUID, now: datetime) -> None:
    """Record that the pull has ended; after a full pull, the catalogue counts as complete."""
    await db.execute(
        """
        UPDATE catalog_pulls SET finished_at = $2, cursor = NULL,
            complete = complete OR updated_since IS NULL
        WHERE shop_id = $1
        """,
        shop_id,
        now,
    )
