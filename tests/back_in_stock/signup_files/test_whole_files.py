"""Importing a whole file: a trial, a cut file, a killed import, and memory that does not grow."""

from contextlib import asynccontextmanager

import asyncpg
import pytest

from openstoq.back_in_stock.signup_files import store
from openstoq.back_in_stock.signup_files.imports import BATCH
from openstoq.back_in_stock.signup_files.model import FileFault
from tests.back_in_stock.signup_files.files import (
    OTHER,
    file_of,
    import_file,
    import_lines,
)
from tests.factories.catalogs import VARIANT
from tests.factories.waitlists import rows

pytestmark = pytest.mark.usefixtures("catalogue")

HEADER = "variant_id,contact,signed_up_at"
ADA = f"{VARIANT},ada@example.com,2026-05-01"


async def test_a_trial_writes_nothing_and_counts_the_same(database, shop):
    lines = (HEADER, ADA, f"{OTHER},ada@example.com,")
    trial = await import_lines(database, shop, *lines, is_trial=True)
    assert await rows(database, shop, "signups") == []
    assert await rows(database, shop, "signup_import_rows", "line") == []
    assert trial == await import_lines(database, shop, *lines)


async def test_a_file_that_may_be_cut_is_remarked(database, shop):
    content = file_of(HEADER, ADA, f"{OTHER},ada@example.co")[:-1]
    outcome = await import_file(database, shop, content)
    assert "2 of 3 cells; is the file cut off" in outcome.problems.sentences[0]
    outcome = await import_file(database, shop, file_of(HEADER, ADA)[:-1])
    assert outcome.imported == 1
    assert "line 2, the last one, does not end with a line break" in outcome.remarks[0]


@pytest.mark.parametrize("content", [file_of(HEADER), file_of(HEADER, "", ",,")])
async def test_a_file_without_rows_is_refused(database, shop, content):
    with pytest.raises(FileFault, match="no rows"):
        await import_file(database, shop, content)


async def test_a_file_that_becomes_unreadable_writes_nothing(database, shop):
    lines = [f"{VARIANT},shopper{n}@example.com," for n in range(2 * BATCH)]
    content = file_of(HEADER, *lines) + b"11,\xff\xfe@example.com,\n"
    with pytest.raises(FileFault, match=f"line {2 * BATCH + 2} is not UTF-8"):
        await import_file(database, shop, content)
    for table in ("signups", "customers"):
        assert await rows(database, shop, table) == []
    assert await rows(database, shop, "signup_import_rows", "line") == []


async def test_a_shop_whose_catalogue_was_not_read_has_to_wait(database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE catalog_pulls SET complete = false WHERE shop_id = $1", shop.id)
    with pytest.raises(FileFault, match="catalogue has not been read yet"):
        await import_lines(database, shop, HEADER, ADA)


async def test_rows_that_the_database_lost_are_noticed(database, shop, monkeypatch):
    batch = store.batch

    async def lose(db, shop_id, import_id, **options):
        await store.discard(db, shop_id, import_id)
        return await batch(db, shop_id, import_id, **options)

    monkeypatch.setattr(store, "batch", lose)
    with pytest.raises(FileFault, match="import the file again"):
        await import_lines(database, shop, HEADER, ADA, is_trial=True)


async def test_memory_and_transactions_do_not_depend_on_the_number_of_rows(database, shop):
    """20,000 rows are read and written in batches: no more than one is ever in memory."""
    count, largest, transactions = 20_000, 0, 0
    held = []

    class Counting:
        """A file that is made as it is read, and notes how far it is ahead of the database."""

        def __init__(self):
            self.buffer = bytearray(file_of(HEADER))
            self.made = 0

        def read(self, size=-1):
            assert 0 < size <= 100_000
            while len(self.buffer) < size and self.made < count:
                self.made += 1
                self.buffer += f"{VARIANT},shopper{self.made}@example.com,2026-05-01\n".encode()
            part, self.buffer = bytes(self.buffer[:size]), self.buffer[size:]
            return part

    source = Counting()
    checked = 0

    def progress(phase, rows):
        nonlocal checked, largest
        largest = max(largest, rows)
        if phase == "checked":
            checked += rows
            held.append(source.made - checked)

    @asynccontextmanager
    async def transaction():
        nonlocal transactions
        transactions += 1
        async with database.transaction(shop.id) as db:
            yield db

    outcome = await import_file(database, shop, source, transactions=transaction, progress=progress)
    assert outcome.imported == count
    assert largest == BATCH
    assert transactions < 3 * count / BATCH
    # The reader's buffers hold a few thousand short rows, whatever the length of the file.
    assert max(held[: len(held) // 2]) < 10_000
    assert len(await rows(database, shop, "signups")) == count


async def test_another_shop_s_variants_are_unknown(database, shop, other_shop):
    outcome = await import_lines(database, other_shop, HEADER, ADA)
    assert "no variant" in outcome.problems.sentences[0]


async def test_what_a_killed_import_left_behind_is_forgotten(database, shop):
    async with database.transaction(shop.id) as db:
        for days in (0, 2):
            await db.execute(
                """
                INSERT INTO signup_import_rows
                    (shop_id, import_id, staged_at, line, signup_id, customer_id, channel, contact,
                     mailbox, variant_id, product_id, market_id, quantity)
                VALUES ($1, $1, now() - make_interval(days => $2), $2, $1, $1, 'email', 'a', 'a', $2,
                        1, 0, 1)
                """,
                shop.id,
                days,
            )
        await store.forget(db, shop.id)
    assert [row["line"] for row in await rows(database, shop, "signup_import_rows", "line")] == [0]


async def test_a_collision_is_tried_again(database, shop, monkeypatch):
    write, calls = store.write, []

    async def collide(*arguments, **options):
        calls.append(arguments[1])
        if len(calls) == 1:
            raise asyncpg.DeadlockDetectedError
        return await write(*arguments, **options)

    monkeypatch.setattr(store, "write", collide)
    assert (await import_lines(database, shop, HEADER, ADA)).imported == 1
    assert calls == [shop.id, shop.id]
