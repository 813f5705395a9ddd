"""Handle many items so that a failing item affects no other item, and is retried later.

A group of items is handled at once, in set-based SQL. If that raises, the group is halved
repeatedly until the failing items are found. An item's failure is recorded in `item_faults`, unless
the item's own table has a column for it. A failed item is retried after a growing pause, so that it
does not delay the other items every time.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.errors import Systemic
from openstoq.jobs.work import Run, Work
from openstoq.kernel.alone import noted
from openstoq.kernel.faults import is_of_item

Item = TypeVar("Item")

# From this run of a job on, a failure is recorded on its item. An earlier run is retried instead,
# because its failure may have been a collision with another transaction.
TRIES = 3

# An SQL condition on `item_faults f`: the item's pause before its next retry is not over. The pause
# doubles with each failure, up to a day.
PAUSES = "(f.noted_at + least(interval '1 day', interval '15 minutes' * 2 ^ least(f.times - 1, 10)) > {now})"


class Failed(Systemic):
    """An item of a job failed; the failure is not recorded yet, because the job will be retried."""


def counts(run: Run) -> bool:
    """Return whether a failure in this run is recorded on its item instead of causing a retry."""
    return run.failures + 1 >= TRIES


async def each(
    work: Work,
    kind: str,
    items: Sequence[Item],
    handle: Callable[[Sequence[Item]], Awaitable[Mapping[Item, str] | None]],
) -> dict[Item, str]:
    """Handle items in this transaction; return a mapping from each failed item to the reason.

    `items` must be ids, because failed items are logged. `handle` is called with groups of items.
    If `handle` raises for a group of one, its changes for that item are rolled back. Instead of
    raising, `handle` may return a mapping from the items that it could not handle to the reasons.
    """
    if not items:
        return {}
    try:
        async with work.savepoint():
            return dict(await handle(items) or {})
    except Exception as error:
        if not is_of_item(error):
            raise
        if len(items) == 1:
            return {items[0]: noted(kind, items[0], error)}
    half = len(items) // 2
    first = await each(work, kind, items[:half], handle)
    return first | await each(work, kind, items[half:], handle)


async def remember(
    db: Connection, shop_id: UUID, kind: str, failures: Mapping[Any, str], now: datetime
) -> None:
    """Store the failures of items, and count how often each item has failed."""
    if failures:
        await db.execute(
            """
            INSERT INTO item_faults AS f (shop_id, kind, item, error, noted_at)
            SELECT $1, $2, t.item, t.error, $5 FROM unnest($3::text[], $4::text[]) AS t(item, error)
            ON CONFLICT (shop_id, kind, item) DO UPDATE
            SET error = excluded.error, noted_at = excluded.noted_at, times = f.times + 1
            """,
            shop_id,
            kind,
            [str(item) for item in failures],
            list(failures.values()),
            now,
        )


async def forget(db: Connection, shop_id: UUID, kind: str, items: Sequence[Any]) -> None:
    """Delete the failures of items that have now succeeded."""
    await db.execute(
        "DELETE FROM item_faults WHERE shop_id = $1 AND kind = $2 AND item = ANY($3)",
        shop_id,
        kind,
        [str(item) for item in items],
    )


async def forget_old(db: Connection, shop_id: UUID, most: int) -> int:
    """Delete up to `most` failures older than 30 days, and return how many were deleted.

    The items of deleted failures are no longer retried.
    """
    forgotten: int = await db.fetchval(
        """
        WITH forgotten AS (
            DELETE FROM item_faults WHERE shop_id = $1 AND (kind, item) IN (
                SELECT kind, item FROM item_faults
                WHERE shop_id = $1 AND noted_at < now() - interval '30 days' LIMIT $2)
            RETURNING 1
        )
        SELECT count(*) FROM forgotten
        """,
        shop_id,
        most,
    )
    return forgotten


async def resting(db: Connection, shop_id: UUID, kind: str, now: datetime) -> list[str]:
    """Return the items that have failed and must not be retried yet."""
    rows = await db.fetch(
        f"""
        SELECT f.item FROM item_faults f
        WHERE f.shop_id = $1 AND f.kind = $2 AND {PAUSES.format(now="$3::timestamptz")}
        """,  # noqa: S608 - a constant
        shop_id,
        kind,
        now,
    )
    return [row["item"] for row in rows]


async def rested(db: Connection, shop_id: UUID, kind: str, now: datetime, most: int) -> list[str]:
    """Return up to `most` failed items that may be retried now, the oldest failure first."""
    rows = await db.fetch(
        f"""
        SELECT f.item FROM item_faults f
        WHERE f.shop_id = $1 AND f.kind = $2 AND NOT {PAUSES.format(now="$3::timestamptz")}
        ORDER BY f.noted_at LIMIT $4
        """,  # noqa: S608 - a constant
        shop_id,
        kind,
        now,
        most,
    )
    return [row["item"] for row in rows]
