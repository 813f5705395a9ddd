"""Import a file of signups: check all of it, and only then write.

Nothing is sent and nobody is asked, neither now nor because of the import: its shoppers wait for
the next restock. A second import of the same file changes nothing.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal
from uuid import UUID

from openstoq.back_in_stock.settings import store as settings_store
from openstoq.back_in_stock.signup_files import catalog_lookup, rules, store
from openstoq.back_in_stock.signup_files.model import FileFault, FileRow, Outcome
from openstoq.back_in_stock.signup_files.reader import CsvFile
from openstoq.db.pool import Connection
from openstoq.db.transient import COLLISIONS
from openstoq.kernel.ids import new_id
from openstoq.shops.model import Shop

BATCH = 2000
Transactions = Callable[[], AbstractAsyncContextManager[Connection]]
Phase = Literal["checked", "written"]
# It is called with the number of further rows, after each batch.
Progress = Callable[[Phase, int], None]
_NOT_READ = (
    "the shop's catalogue has not been read yet, so that its variants are unknown; import the file "
    "once a worker has read it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import into a shop.

    `transactions` opens a transaction of the shop; each batch has its own. If each commits, a batch
    that PostgreSQL aborts in favour of another transaction is tried up to `attempts` times. With `skip_invalid`,
    rows with problems are left out; without it, any problem prevents the whole import. With
    `is_trial`, nothing is written.
    """

    transactions: Transactions
    shop: Shop
    now: datetime
    skip_invalid: bool = False
    is_trial: bool = False
    attempts: int = 1
    progress: Progress = lambda _phase, _rows: None

    async def run(self, file: CsvFile) -> Outcome:
        """Import the rows of a file; raise FileFault if it cannot be read to its end.

        If the outcome has problems, nothing was written, unless they were to be skipped.
        """
        async with self.transactions() as db:
            if not await catalog_lookup.is_read(db, self.shop.id):
                raise FileFault(_NOT_READ)
            optin_required = (await settings_store.load(db, self.shop.id)).compliance.optin_required
        import_id, outcome = new_id(), Outcome()
        try:
            await self._stage(import_id, file, outcome)
            if not outcome.problems.count or self.skip_invalid:
                await self._write(import_id, outcome, optin_required=optin_required)
        except BaseException:
            with suppress(Exception):
                await self._discard(import_id)
            raise
        await self._discard(import_id)
        return outcome

    async def _stage(self, import_id: UUID, file: CsvFile, outcome: Outcome) -> None:
        rows = self._rows(file, outcome)
        staged = 0
        # Other requests must not wait while a thousand addresses are checked.
        while batch := await asyncio.to_thread(list, islice(rows, BATCH)):
            async with self.transactions() as db:
                found, problems = await catalog_lookup.resolve(db, self.shop.id, batch)
                await store.stage(db, self.shop.id, import_id, found, self.now)
            for line, sentence in problems:
                outcome.problems.add(line, sentence)
            staged += len(found)
            self.progress("checked", len(batch))
        outcome.rows = file.row_count
        if not outcome.rows:
            raise FileFault("the file has no rows below the line that names the columns")
        async with self.transactions() as db:
            outcome.repeated = staged - await store.staged(db, self.shop.id, import_id)
        if file.is_cut:
            outcome.remarks.append(
                f"line {file.line}, the last one, does not end with a line break: see whether the "
                "file is complete"
            )

    def _rows(self, file: CsvFile, outcome: Outcome) -> Iterator[FileRow]:
        """Yield the valid rows of shoppers who wait; count the others."""
        problems = outcome.problems
        for line, row in file.rows(problems):
            cells = file.columns.cells(row)
            try:
                if not rules.is_waiting(cells):
                    outcome.not_waiting += 1
                    continue
                yield rules.row_of(
                    cells,
                    line=line,
                    zone=self.shop.timezone,
                    country=self.shop.country,
                    now=self.now,
                )
            except rules.UnreadableRowError as error:
                problems.add(line, str(error))

    async def _write(self, import_id: UUID, outcome: Outcome, *, optin_required: bool) -> None:
        after, total = 0, 0
        async with self.transactions() as db:
            expected = await store.staged(db, self.shop.id, import_id)
        while True:
            done = await self._batch(import_id, after, optin_required=optin_required)
            if done.last_line is None:
                break
            after, total = done.last_line, total + done.rows
            outcome.known += done.known
            outcome.unsubscribed += done.unsubscribed
            outcome.in_stock += done.in_stock
            outcome.imported += done.imported
            outcome.unconfirmed += done.unconfirmed
            # A shopper signed up at the very moment.
            outcome.known += (
                done.rows - done.known - done.unsubscribed - done.in_stock - done.imported
            )
            self.progress("written", done.rows)
        if total != expected:
            raise FileFault(
                "the database was restarted meanwhile; import the file again, and the rows that are "
                "here already are skipped"
            )

    async def _batch(self, import_id: UUID, after: int, *, optin_required: bool) -> store.Written:
        for _ in range(self.attempts - 1):
            with suppress(*COLLISIONS):
                return await self._batch_once(import_id, after, optin_required=optin_required)
        return await self._batch_once(import_id, after, optin_required=optin_required)

    async def _batch_once(
        self, import_id: UUID, after: int, *, optin_required: bool
    ) -> store.Written:
        async with self.transactions() as db:
            if self.is_trial:
                return await store.judge(
                    db,
                    self.shop.id,
                    import_id,
                    after=after,
                    limit=BATCH,
                    optin_required=optin_required,
                )
            return await store.write(
                db,
                self.shop.id,
                import_id,
                after=after,
                limit=BATCH,
                optin_required=optin_required,
                now=self.now,
            )

    async def _discard(self, import_id: UUID) -> None:
        async with self.transactions() as db:
            await store.discard(db, self.shop.id, import_id)
