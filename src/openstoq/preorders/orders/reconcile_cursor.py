"""The progress of the reconciliation of a shop's orders, in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from openstoq.db.pool import Connection

# The first pass of a shop looks this far back: Shopify shows older orders only to apps with a
# special permission.
FIRST = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass over the orders updated since `since`; the pass began at `upto`.

    `cursor` marks the last page that is done. It is None until a page is done.
    """

    since: datetime
    upto: datetime
    cursor: str | None


async def begin(db: Connection, shop_id: UUID, *, now: datetime, overlap: timedelta) -> Pass:
    """Begin a pass, or resume an interrupted one, and return it.

    A new pass covers the orders updated since the last finished pass began. It also covers the
    orders updated shortly before that time, for the length of `overlap`.
    """
    await db.execute(
        "INSERT INTO preorder_shops (shop_id) VALUES ($1) ON CONFLICT DO NOTHING", shop_id
    )
    row = await db.fetchrow(
        """
        SELECT orders_since, orders_begun, orders_cursor, orders_upto FROM preorder_shops
        WHERE shop_id = $1 FOR UPDATE
        """,
        shop_id,
    )
    if row is None:
        raise LookupError("the shop is gone")
    last = row["orders_upto"]
    since = row["orders_since"] or (last - overlap if last is not None else now - FIRST)
    begun = row["orders_begun"] or now
    await db.execute(
        "UPDATE preorder_shops SET orders_since = $2, orders_begun = $3 WHERE shop_id = $1",
        shop_id,
        since,
        begun,
    )
    return Pass(since, begun, row["orders_cursor"])


async def advance(db: Connection, shop_id: UUID, cursor: str | None) -> None:
    """Record that the pages up to `cursor` are done."""
    await db.execute(
        "UPDATE preorder_shops SET orders_cursor = $2 WHERE shop_id = $1", shop_id, cursor
    )


async def finish(db: Connection, shop_id: UUID, *, upto: datetime) -> None:
    """Mark a pass as finished.

    `upto` is the time at which the pass began. Every order updated before that time has been found.
    """
    await db.execute(
        """
        UPDATE preorder_shops
        SET orders_upto = $2, orders_since = NULL, orders_begun = NULL, orders_cursor = NULL
        WHERE shop_id = $1
        """,
        shop_id,
        upto,
    )
