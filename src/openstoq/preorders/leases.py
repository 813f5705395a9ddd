"""Who makes the shop agree about something, in PostgreSQL: one run at a time, for a while.

A lease is a row's and not a lock, because a run talks to the shop for minutes and no transaction
may stay open that long. The tables' own revisions say whether a run has to be followed by another.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from openstoq.db.pool import Connection

LEASE = timedelta(seconds=60)
# Who has renewed a lease this lately lives, and looks at its end for what changed meanwhile.
ALIVE = LEASE - timedelta(seconds=10)

# Ours; another run's; nobody's, or one's that seems to have died; there is no such row.
Claim = Literal["claimed", "held", "silent", "unknown"]


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases on the rows of `table`, each a shop's row of that `key`."""

    table: str
    key: str

    async def claim(self, db: Connection, shop_id: UUID, key: Any) -> Claim:
        """Take a row for a run, unless another run has it."""
        taken = await db.fetchval(
            f"""
            UPDATE {self.table} SET sync_lease_until = now() + $3::interval
            WHERE shop_id = $1 AND {self.key} = $2
              AND coalesce(sync_lease_until, '-infinity') < now()
            RETURNING true
            """,  # noqa: S608 - constants
            shop_id,
            key,
            LEASE,
        )
        if taken:
            return "claimed"
        left = await db.fetchval(
            # One that was let go of meanwhile is free, and to be claimed again.
            f"SELECT coalesce(sync_lease_until, now()) - now() FROM {self.table} "  # noqa: S608 - constants
            f"WHERE shop_id = $1 AND {self.key} = $2",
            shop_id,
            key,
        )
        if left is None:
            return "unknown"
        return "held" if left > ALIVE else "silent"

    async def renew(self, db: Connection, shop_id: UUID, key: Any) -> None:
        """Keep a row for longer."""
        await db.execute(
            f"UPDATE {self.table} SET sync_lease_until = now() + $3::interval "  # noqa: S608 - constants
            f"WHERE shop_id = $1 AND {self.key} = $2",
            shop_id,
            key,
            LEASE,
        )

    async def release(
        self, db: Connection, shop_id: UUID, key: Any, *, revision: int | None, error: str | None
    ) -> bool:
        """Let a row go; the shop agrees with its `revision`, or `error` says why it does not.

        True when the row has changed since that revision was read.
        """
        return bool(
            await db.fetchval(
                f"""
                UPDATE {self.table} SET sync_lease_until = NULL, sync_error = $4,
                    synced_revision = greatest(synced_revision, coalesce($3, synced_revision))
                WHERE shop_id = $1 AND {self.key} = $2 RETURNING revision > $3
                """,  # noqa: S608 - constants
                shop_id,
                key,
                revision,
                error,
            )
        )
