"""Leases in PostgreSQL: an offer, order or shop is synced by at most one run at a time.

A lease is a row, not a lock, because a run talks to Shopify for minutes and a transaction must not
stay open that long. If another run holds the lease, a run reschedules itself, so that a change made
in the meantime is still synced.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import structlog

from openstoq.db.pool import Connection
from openstoq.db.transient import TRANSIENT
from openstoq.jobs.job import GiveUp, Retry
from openstoq.jobs.work import Run, Work
from openstoq.kernel.ids import new_id

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=10)
RENEWED = timedelta(seconds=2)
# A run that cannot renew its lease stops after this time, before the lease ends.
WORKS_FOR = LEASE - timedelta(seconds=3)
# The least time that a lease lasts where edits come in bursts: ten edits in a second cause one run.
SETTLED = timedelta(seconds=1)
# The pause after which a run that found the lease taken tries again.
LATER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases on the rows of `table`, each identified by the shop and the column `key`.

    A lease lasts at least for the time `lasts`, even if its run ends sooner. So all changes within
    that time cause only one further run.
    """

    table: str
    key: str
    lasts: timedelta = timedelta(0)

    async def claim(self, db: Connection, shop_id: UUID, key: Any) -> UUID | None:
        """Lease a row to a run and return the lease, or None if another run holds one.

        Raises GiveUp when the row does not exist.
        """
        lease = new_id()
        taken = await db.fetchval(
            f"""
            UPDATE {self.table} SET sync_lease = $3, sync_lease_until = now() + $4::interval
            WHERE shop_id = $1 AND {self.key} = $2
              AND coalesce(sync_lease_until, '-infinity') < now()
            RETURNING true
            """,  # noqa: S608 - constants
            shop_id,
            key,
            lease,
            LEASE,
        )
        if taken:
            return lease
        if not await db.fetchval(
            f"SELECT true FROM {self.table} WHERE shop_id = $1 AND {self.key} = $2",  # noqa: S608 - constants
            shop_id,
            key,
        ):
            raise GiveUp(f"there is nothing with the id {key} any more")
        return None

    @asynccontextmanager
    async def alone(
        self, run: Run, key: Any, *, again: Callable[[Work], None], keeps_count: bool = True
    ) -> AsyncIterator[bool]:
        """Lease a row to this run while the block runs; yield whether the run got the lease.

        If another run holds the lease, `again` is called to enqueue a new job that does this work
        later. A new job starts with a count of no failures. So with `keeps_count`, a job that has
        failed before raises Retry instead, and keeps its count. Raises GiveUp if the row does not
        exist.
        """
        async with run.work() as work:
            lease = await self.claim(work.db, work.shop_id, key)
            if lease is None:
                if keeps_count:
                    run.keep_count(LATER)
                again(work)
        if lease is None:
            yield False
            return
        async with self.hold(run, key, lease):
            yield True

    @asynccontextmanager
    async def hold(self, run: Run, key: Any, lease: UUID) -> AsyncIterator[None]:
        """Renew a lease while the block runs; afterwards end it as soon as its minimum time is over.

        If the lease cannot be renewed, the block is cancelled and Retry is raised, because another
        run may lease the row at any moment.
        """
        began = monotonic()
        try:
            async with asyncio.timeout(WORKS_FOR.total_seconds()) as limit:
                keeping = asyncio.create_task(self._keep(run, key, lease, limit))
                try:
                    yield
                finally:
                    keeping.cancel()
                    with suppress(asyncio.CancelledError):
                        await keeping
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Retry("the lease could not be kept", delay=LATER) from error
        finally:
            rest = max(self.lasts - timedelta(seconds=monotonic() - began), timedelta(0))
            async with run.work() as work:
                await self._set(work.db, work.shop_id, key, lease, rest)

    async def note(
        self,
        db: Connection,
        shop_id: UUID,
        key: Any,
        *,
        revision: int | None,
        error: str | None,
    ) -> None:
        """Record the revision that a row is synced to, and the error of that sync.

        `error` is None if the sync succeeded. If `revision` is None, the synced revision stays as
        it is. The synced revision never decreases.
        """
        await db.execute(
            f"""
            UPDATE {self.table} SET sync_error = $4,
                synced_revision = greatest(synced_revision, coalesce($3, synced_revision))
            WHERE shop_id = $1 AND {self.key} = $2
            """,  # noqa: S608 - constants
            shop_id,
            key,
            revision,
            error,
        )

    async def _keep(self, run: Run, key: Any, lease: UUID, limit: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(RENEWED.total_seconds())
            asked = loop.time()
            try:
                async with run.work() as work:
                    kept = await self._set(work.db, work.shop_id, key, lease, LEASE)
            except TRANSIENT as error:
                log.warning("lease.not_renewed", table=self.table, error=repr(error))
                continue
            if limit.expired():
                return
            limit.reschedule(asked + WORKS_FOR.total_seconds() if kept else asked)
            if not kept:
                return

    async def _set(
        self, db: Connection, shop_id: UUID, key: Any, lease: UUID, term: timedelta
    ) -> bool:
        """Make a lease end after `term`; return False if another run has leased the row meanwhile."""
        return bool(
            await db.fetchval(
                f"""
                UPDATE {self.table} SET sync_lease_until = now() + $4::interval
                WHERE shop_id = $1 AND {self.key} = $2 AND sync_lease = $3
                RETURNING true
                """,  # noqa: S608 - constants
                shop_id,
                key,
                lease,
                term,
            )
        )
