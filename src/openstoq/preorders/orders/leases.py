"""Who makes the shop agree about an order, in PostgreSQL: one run at a time, for a while.

It is a lease and not a lock, because a run talks to the shop and no transaction may stay open
that long.
"""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from openstoq.db.pool import Connection

LEASE = timedelta(seconds=60)


async def claim(
    db: Connection, shop_id: UUID, order_id: int
) -> Literal["claimed", "held", "unknown"]:
    """Take an order for a run, unless another has it or there is no such order."""
    taken = await db.fetchval(
        """
        UPDATE preorder_orders SET sync_lease_until = now() + $3::interval
        WHERE shop_id = $1 AND order_id = $2 AND coalesce(sync_lease_until, '-infinity') < now()
        RETURNING true
        """,
        shop_id,
        order_id,
        LEASE,
    )
    if taken:
        return "claimed"
    known = await db.fetchval(
        "SELECT true FROM preorder_orders WHERE shop_id = $1 AND order_id = $2", shop_id, order_id
    )
    return "held" if known else "unknown"


async def renew(db: Connection, shop_id: UUID, order_id: int) -> None:
    """Keep an order for longer."""
    await db.execute(
        """
        UPDATE preorder_orders SET sync_lease_until = now() + $3::interval
        WHERE shop_id = $1 AND order_id = $2
        """,
        shop_id,
        order_id,
        LEASE,
    )


async def release(
    db: Connection, shop_id: UUID, order_id: int, *, revision: int | None, error: str | None
) -> bool:
    """Let an order go; the shop agrees with its `revision`, or `error` says why it does not.

    True when the order has changed since that revision was read.
    """
    return bool(
        await db.fetchval(
            """
            UPDATE preorder_orders SET sync_lease_until = NULL, sync_error = $4,
                synced_revision = greatest(synced_revision, coalesce($3, synced_revision))
            WHERE shop_id = $1 AND order_id = $2 RETURNING revision > $3
            """,
            shop_id,
            order_id,
            revision,
            error,
        )
    )
