"""Who makes the shop agree about something, in PostgreSQL: one run at a time, for a while.

A lease is a row's and not a lock, because a run talks to the shop for minutes and no transaction
may stay open that long. Who finds it held comes again later: what changed meanwhile is not lost.
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
# A run that could not renew its lease stops while the lease is still its own.
WORKS_FOR = LEASE - timedelta(seconds=3)
# How long a lease lasts at least where changes come in rows: ten edits in a second are one run.
SETTLED = timedelta(seconds=1)
# When a run that found a lease held comes again.
LATER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases on the rows of `table`, each a shop's row of that `key`.

    A lease `lasts` a while though its run has ended sooner, so that whatever changes within it is
    one more run.
    """

    table: str
    key: str
    lasts: timedelta = timedelta(0)

    async def claim(self, db: Connection, shop_id: UUID, key: Any) -> UUID | None:
        """Take a row for a run and return its lease, None while another run has it.

        Raises GiveUp when there is no such row.
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
        """Yield whether this run may work on a row alone; where it may, while the block runs.

        While another run has the row, `again` enqueues what repeats this one later. A job that
        has failed before is retried instead, as a new one would not know of its failures, unless
        it `keeps_count` of something else. Raises GiveUp when there is no such row.
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
        """Keep a lease while the block runs, and let it go at the end or when it has lasted.

        The block is cancelled when its lease cannot be kept, because what it is about may be
        another run's any moment; that raises Retry.
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
        """Note with which revision of a row the shop agrees, and what it refused of it."""
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
        """Have a lease end after `term`; False when it is another run's by now."""
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
