"""One item that fails costs itself alone, whatever it fails with; what is everybody's stops all."""

import asyncio
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path

import asyncpg
import pytest
from pydantic import TypeAdapter

from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnavailable,
    CommerceUnreadable,
)
from openstoq.db.transient import TRANSIENT, is_transient
from openstoq.errors import Conflict, StorageFull, Unavailable
from openstoq.jobs.items import each, forget, remember, rested, resting
from openstoq.jobs.job import GiveUp, Retry
from openstoq.kernel.alone import alone
from openstoq.kernel.clock import utc_now
from openstoq.kernel.faults import is_of_item
from openstoq.messaging.port import RelayUnavailable
from tests.factories import probes


def raised_by(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return error
    raise AssertionError("nothing was raised")


def endless():
    return endless()


OF_ITEM = [
    KeyError("ada@example.com"),
    ValueError("ada@example.com"),
    ZeroDivisionError(),
    OverflowError(),
    TypeError(),
    AttributeError(),
    UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed"),
    raised_by(endless),
    raised_by(Path("/nowhere/zh-Hant .dat").read_text),
    raised_by(TypeAdapter(int).validate_python, "ada@example.com"),
    raised_by(ip_address, "ada@example.com"),
    raised_by(Decimal, "ada@example.com"),
    CommerceRefused("no such product"),
    CommerceUnreadable("an answer"),
    Conflict("the balance is outstanding"),
    asyncpg.RaiseError("a trigger of somebody's"),
    asyncpg.InternalServerError("invalid memory alloc request size"),
    asyncpg.DatatypeMismatchError("not a row"),
]
OF_ALL = [
    Retry("later"),
    GiveUp("never"),
    CommerceUnavailable("down", retry_after=1),
    AccessDenied("the token is void"),
    RelayUnavailable("away"),
    Unavailable("try later"),
    StorageFull(),
    ConnectionResetError(),
    TimeoutError(),
    OSError(101, "Network is unreachable"),
    OSError(28, "No space left on device", "spool"),
    MemoryError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("unexpected"),
    asyncpg.DeadlockDetectedError("deadlock"),
    asyncpg.QueryCanceledError("statement timeout"),
    asyncpg.DiskFullError("no space"),
    asyncpg.UndefinedTableError("not migrated"),
    asyncpg.InsufficientPrivilegeError("not granted"),
    asyncpg.InvalidCachedStatementError("migrated meanwhile"),
    asyncpg.DataCorruptedError("a page"),
    asyncpg.TooManyConnectionsError("full"),
    asyncpg.LockNotAvailableError("locked"),
    asyncpg.InvalidSQLStatementNameError("another server's"),
    asyncpg.AdminShutdownError("going away"),
]
ADD = "INSERT INTO locations (shop_id, id, name, active, changed_at)"
TWICE = f"""
{ADD} SELECT shop_id, n, 'twice', true, now() FROM shops, unnest(ARRAY[$1::bigint, $1]) AS t(n)
ON CONFLICT (shop_id, id) DO UPDATE SET name = excluded.name
"""  # noqa: S608 - a constant
# Each fails in PostgreSQL, or on the way there, for what it says of 5.
STATEMENTS = {
    "21000": (TWICE, 5),
    "two rows for one": ("SELECT (SELECT n FROM generate_series(1, $1::integer) AS t(n))", 5),
    "22P02": ("SELECT $1::text::jsonb", "{"),
    "22021": ("SELECT $1::text", "nul \x00"),
    "22003": ("SELECT $1::numeric(4, 2)", Decimal(10_000)),
    "22012": ("SELECT 1 / ($1::integer - 5)", 5),
    "an argument": ("SELECT $1::bigint", 2**70),
    "23505": (f"{ADD} SELECT shop_id, 1000, $1, true, now() FROM shops", "again"),  # noqa: S608 - a constant
    "23502": ("UPDATE locations SET name = $1", None),
    "42601": ("SELECT to_tsquery('simple', $1)", "a &"),
    "0A000": ("SELECT extract(julian FROM interval '1 day') + $1::integer", 5),
    "54001": ("SELECT (repeat('[', 200000) || $1)::jsonb", "]"),
}


@pytest.mark.parametrize("error", OF_ITEM, ids=lambda error: type(error).__name__)
def test_an_items_fault_is_noted_in_a_sentence_without_its_values(error):
    failures = {}
    with alone("order", 5, failures):
        raise error
    assert set(failures) == {5}
    assert "ada@" not in failures[5]


@pytest.mark.parametrize("error", OF_ALL, ids=lambda error: type(error).__name__)
def test_everybodys_trouble_goes_through(error):
    assert not is_of_item(error)
    with pytest.raises(type(error)), alone("order", 5, {}):
        raise error


def kinds_of(error):
    return {error} | {each for kind in error.__subclasses__() for each in kinds_of(kind)}


@pytest.mark.parametrize("passing", TRANSIENT, ids=lambda kind: kind.__name__)
def test_what_passes_is_no_items_fault(passing):
    """A connection's OSError has no file, and an argument of a wrong type does not pass.

    Of the OSErrors the pool makes a ConnectionError of what keeps it from the server.
    """
    for kind in kinds_of(passing):
        if not issubclass(kind, ValueError) and kind.__module__.startswith(("asyncpg", "builtins")):
            error = kind.__new__(kind)
            passes = not isinstance(error, OSError) or isinstance(
                error, ConnectionError | TimeoutError
            )
            assert (is_of_item(error), is_transient(error)) == (False, passes), kind


def test_an_argument_of_a_wrong_type_passes_not():
    assert not is_transient(asyncpg.DataError("invalid input"))
    assert not is_transient(raised_by(Path("/nowhere/at all").read_text))


def test_a_cancellation_goes_through():
    with pytest.raises(asyncio.CancelledError), alone("order", 5, {}):
        raise asyncio.CancelledError


async def noting(work, numbers):
    await work.db.execute(
        """
        INSERT INTO locations (shop_id, id, name, active, changed_at)
        SELECT $1, n, 'done', true, now() FROM unnest($2::bigint[]) AS t(n)
        """,
        work.shop_id,
        numbers,
    )
    for number in numbers:
        work.enqueue(probes.write, word=str(number))


async def done(database, shop):
    async with database.transaction(shop.id) as db:
        return [row["id"] for row in await db.fetch("SELECT id FROM locations ORDER BY id")]


@pytest.mark.parametrize("kind", [*STATEMENTS, "KeyError"])
@pytest.mark.parametrize("bad", [{5}, {1, 2, 20}, set(range(1, 21))])
async def test_the_others_of_a_group_are_done_with_all_that_follows(
    database, runtime, shop, kind, bad
):
    async def handle(numbers):
        await noting(work, numbers)
        if bad & set(numbers):
            if kind == "KeyError":
                raise KeyError(kind)
            statement, value = STATEMENTS[kind]
            await work.db.execute(statement, value)

    if kind == "23505":
        async with database.transaction(shop.id) as db:
            await db.execute(STATEMENTS["23505"][0], "first")
    async with runtime.work(shop.id, request_id="test") as work:
        failures = await each(work, "number", list(range(1, 21)), handle)
        enqueued = [effect.arguments["word"] for effect in work.effects]
    good = [number for number in range(1, 21) if number not in bad]
    assert set(failures) == bad
    assert [number for number in await done(database, shop) if number != 1000] == good
    assert enqueued == [str(number) for number in good]
    assert all("report" in sentence for sentence in failures.values())


async def test_a_group_without_a_fault_is_handled_once(runtime, shop):
    calls = []

    async def handle(numbers):
        calls.append(list(numbers))
        return {2: "there is none"}

    async with runtime.work(shop.id, request_id="test") as work:
        assert await each(work, "number", [1, 2, 3], handle) == {2: "there is none"}
        assert await each(work, "number", [], handle) == {}
    assert calls == [[1, 2, 3]]


async def test_what_is_everybodys_undoes_the_whole(database, runtime, shop):
    async def handle(numbers):
        await noting(work, numbers)
        if 3 in numbers:
            raise Retry("later")

    with pytest.raises(Retry):
        async with runtime.work(shop.id, request_id="test") as work:
            await each(work, "number", [1, 2, 3], handle)
    assert await done(database, shop) == []


async def test_a_deadlock_within_a_group_is_nobodys_fault(database, runtime, shop):
    """Two transactions lock two rows in turns: one is given up whole, and no item is blamed."""
    async with runtime.work(shop.id, request_id="test") as work:
        await noting(work, [1, 2])
    both = asyncio.Barrier(2)

    async def lock(work, number):
        await work.db.fetchval("SELECT id FROM locations WHERE id = $1 FOR UPDATE", number)

    async def handle_in_turns(first, second):
        async with runtime.work(shop.id, request_id="test") as work:

            async def handle(numbers):
                await lock(work, first)
                await both.wait()
                await lock(work, second)

            return await each(work, "number", [first], handle)

    outcomes = await asyncio.gather(
        handle_in_turns(1, 2), handle_in_turns(2, 1), return_exceptions=True
    )
    assert sorted(type(one) for one in outcomes if one != {}) == [asyncpg.DeadlockDetectedError]


async def test_a_failure_rests_longer_each_time_and_is_forgotten(database, shop):
    now = utc_now()
    async with database.transaction(shop.id) as db:
        for times, hours in ((1, 0.25), (2, 0.5), (3, 1), (4, 2)):
            await remember(db, shop.id, "order", {7: f"failed {times} times"}, now)
            assert await resting(db, shop.id, "order", now) == ["7"]
            assert await rested(db, shop.id, "order", now, 10) == []
            await db.execute(
                "UPDATE item_faults SET noted_at = noted_at - make_interval(secs => $1)",
                hours * 3600 - 1,
            )
            assert await resting(db, shop.id, "order", now) == ["7"]
            await db.execute("UPDATE item_faults SET noted_at = noted_at - interval '2 s'")
            assert await rested(db, shop.id, "order", now, 10) == ["7"]
        row = await db.fetchrow("SELECT error, times FROM item_faults")
        assert dict(row) == {"error": "failed 4 times", "times": 4}
        await db.execute("UPDATE item_faults SET times = 1000, noted_at = now() - interval '1 day'")
        assert await rested(db, shop.id, "order", utc_now(), 10) == ["7"]
        await forget(db, shop.id, "order", [7])
        assert not await db.fetchval("SELECT count(*) FROM item_faults")
