"""Import a file of signups: check the whole file first, and only then add the signups.

An import causes no mails: neither alerts nor requests to confirm a signup. The imported shoppers
wait for the next restock. A second import of the same file changes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal
from uuid import UUID

from openstoq.back_in_stock.settings import store as settings_store
from openstoq.back_in_stock.signup_files import catalog_lookup, rules, store
from openstoq.back_in_stock.signup_files.model import FileFault, FileRow, Outcome, StagedRow
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

    `transactions` is called for a transaction for each batch of rows. If PostgreSQL aborts a batch
    in favour of another transaction, the batch is tried up to `attempts` times. That needs a new
    transaction for each call: if `transactions` always returns the same one, `attempts` must be 1.
    With `skip_invalid`, rows with problems are left out; without it, any problem prevents the whole
    import. With `is_trial`, no signup is added.
    """

    transactions: Transactions
    shop: Shop
    now: datetime
    skip_invalid: bool = False
    is_trial: bool = False
    attempts: int = 1
    progress: Progress = lambda _phase, _rows: None

    async def run(self, file: CsvFile) -> Outcome:
        """Import the rows of a file.

        Without `skip_invalid`, nothing was written if the outcome contains problems. Raises
        FileFault if the file as a whole cannot be imported, for instance because it cannot be read
        to its end.
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
        """Yield the valid rows of waiting shoppers; count the other rows in `outcome`."""
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
        while rows := await self._batch(import_id, after, outcome, optin_required=optin_required):
            after, total = rows[-1].line, total + len(rows)
            self.progress("written", len(rows))
        if total != expected:
            raise FileFault(
                "the database was restarted meanwhile; import the file again, and the rows that are "
                "here already are skipped"
            )

    async def _batch(
        self, import_id: UUID, after: int, outcome: Outcome, *, optin_required: bool
    ) -> list[StagedRow]:
        """Write the batch of rows that follows the line `after`, in one transaction; return it."""
        for left in reversed(range(self.attempts)):
            try:
                async with self.transactions() as db:
                    rows = await store.batch(db, self.shop.id, import_id, after=after, limit=BATCH)
                    around = await store.surroundings(db, self.shop.id, rows)
                    reasons = {row.signup_id: rules.skipped(row, around) for row in rows}
                    chosen = [row for row in rows if reasons[row.signup_id] is None]
                    written = {row.signup_id for row in chosen}
                    if chosen and not self.is_trial:
                        written = await store.write(
                            db, self.shop.id, chosen, optin_required=optin_required, now=self.now
                        )
                break
            except COLLISIONS:
                if not left:
                    raise
        counted = Counter(reasons.values())
        # Of those left over, another transaction has put the shoppers on the list meanwhile.
        outcome.known += counted["known"] + len(chosen) - len(written)
        outcome.unsubscribed += counted["unsubscribed"]
        outcome.in_stock += counted["in_stock"]
        outcome.imported += len(written)
        outcome.unconfirmed += sum(
            row.optin_confirmed is False or (row.optin_confirmed is None and optin_required)
            for row in chosen
            if row.signup_id in written
        )
        return rows

    async def _discard(self, import_id: UUID) -> None:
        async with self.transactions() as db:
            await store.discard(db, self.shop.id, import_id)
