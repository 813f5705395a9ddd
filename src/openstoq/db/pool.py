"""The connection pool and its transactions, each of which runs as the app's role for one shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from time import monotonic
from typing import Any, TypeAlias, cast
from uuid import UUID

import asyncpg
import orjson

from openstoq.db.shares import Shares
from openstoq.db.transient import FULL, TRANSIENT

# The default time limit of a statement.
LONGEST_STATEMENT = 600.0

# A connection whose rollback takes more seconds is dropped: waiting for it cannot be cancelled.
LONGEST_ROLLBACK = 5

_ROLE = "SET ROLE openstoq_app"
_BEGIN = "BEGIN; SET LOCAL ROLE openstoq_app"
# For so many seconds after a refused write, further writes are expected to be refused.
_FULL_SECONDS = 30
# For so many seconds, the result of a check for disk space is reused.
_ROOM_SECONDS = 5
# This query writes a megabyte to a temporary file, which PostgreSQL deletes at once.
_TAKE_ROOM = "SET LOCAL work_mem = '64kB'; SELECT count(*) FROM generate_series(1, 60000)"


class PooledConnection(asyncpg.Connection):
    """A connection that returns to the pool without a RESET.

    No RESET is needed after a transaction: its settings are SET LOCAL, so they end with it. This
    saves a round trip per request. The session also has a role, a shop and a time limit. They stay,
    for statements that run outside a transaction. Every transaction sets its own values instead.
    """

    is_app = False
    """True once the session has the app's role and the time limit."""
    shop_of_session: UUID | None = None

    async def enter(self, shop_id: UUID, seconds: float) -> None:
        """Give the session the app's role, a time limit and this shop, unless it has them."""
        if self.is_app and self.shop_of_session == shop_id:
            return
        shop = f"SET openstoq.shop_id = '{UUID(str(shop_id))}'"
        role = f"{_ROLE}; SET statement_timeout = {_milliseconds(seconds)}; "
        self.shop_of_session = None
        await self.execute(shop if self.is_app else role + shop)
        self.is_app, self.shop_of_session = True, shop_id

    async def leave_shop(self) -> None:
        """Take the session out of the shop of the statement before, if it may be in one."""
        if self.is_app:
            self.shop_of_session = None
            await self.execute("SET openstoq.shop_id = ''")

    def note_shop(self, shop_id: UUID | None) -> None:
        """Remember the shop that a statement has set for the session; None if it is not known."""
        self.shop_of_session = shop_id

    def get_reset_query(self) -> str:
        """Return an empty query, because there is nothing to reset."""
        return ""


# The type of the connections that `Database` passes to stores: asyncpg's, in a transaction.
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)


class Database:
    """A pool of connections to one PostgreSQL server."""

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        *,
        share: int,
        seconds: float,
        keeps_sessions: bool = False,
    ) -> None:
        self._pool = pool
        self.keeps_sessions = keeps_sessions
        self._shares = Shares(share)
        self._seconds = seconds
        self._refused_at: float | None = None
        self._looked_at: float | None = None
        self._had_room = True
        self._looking = asyncio.Lock()

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        size: int = 10,
        prepared_statements: bool = True,
        seconds: float = LONGEST_STATEMENT,
    ) -> Database:
        """Open a pool of up to `size` connections to the server at `url`.

        A shop may use half of the connections. A statement may take `seconds`, unless its
        transaction sets another limit.
        """
        pool = await asyncpg.create_pool(
            url,
            min_size=min(2, size),
            max_size=size,
            connection_class=PooledConnection,
            statement_cache_size=1024 if prepared_statements else 0,
            # JIT only delays queries as short as ours. pgbouncer refuses the setting.
            server_settings={"application_name": "openstoq"}
            | ({"jit": "off"} if prepared_statements else {}),
            init=prepare,
        )
        # Behind pgbouncer, each transaction may run in another session, and Citus passes on to its
        # workers only what a transaction sets.
        keeps = prepared_statements and not await pool.fetchval(
            "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
        )
        return cls(pool, share=(size + 1) // 2, seconds=seconds, keeps_sessions=keeps)

    async def close(self) -> None:
        """Close the pool once no connection is in use, or by force after five seconds."""
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(
        self, shop_id: UUID | None, *, seconds: float | None = None, durable: bool = True
    ) -> AsyncIterator[Connection]:
        """Run the block in a transaction that sees the rows of `shop_id` and no other shop's.

        If `shop_id` is None, it sees no shop's rows. The transaction commits when the block ends,
        and rolls back when the block raises. A statement that takes longer than `seconds` raises
        QueryCanceledError. If the shop's connections are all in use for that long, ShopBusyError is
        raised.

        A transaction that is not `durable` does not wait until its commit is on the disk, so a
        crash of the server may undo it. Use it only for changes that are made again after a crash.
        """
        seconds = self._seconds if seconds is None else seconds
        begin = f"{_BEGIN}; SET LOCAL statement_timeout = {_milliseconds(seconds)}"
        if not durable:
            begin += "; SET LOCAL synchronous_commit = off"
        place: AbstractAsyncContextManager[None] = nullcontext()
        begin += f"; SET LOCAL openstoq.shop_id = '{UUID(str(shop_id)) if shop_id else ''}'"
        if shop_id is not None:
            place = self._shares.place(shop_id, seconds=seconds)
        async with place:
            with _reaching():
                connection = await self._pool.acquire()
            try:
                # A cancellation may hit after the server has begun the transaction, or before it
                # has committed it. So BEGIN and COMMIT are inside the block that rolls back.
                await connection.execute(begin)
                yield connection
                committed = await connection.execute("COMMIT")
            except BaseException as error:
                self._note(error)
                await _to_its_end(_roll_back(connection))
                raise
            finally:
                await self._pool.release(connection)
            if committed != "COMMIT":
                raise RuntimeError("the transaction had failed and was rolled back")

    async def call(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """Run a statement outside any shop, committed at once, and return its first row.

        It is for the few SQL functions that are called before the shop is known.
        """
        with _reaching():
            connection = await self._pool.acquire()
        try:
            await cast("PooledConnection", connection).leave_shop()
            row: asyncpg.Record | None = await connection.fetchrow(query, *arguments)
            return row
        except FULL as error:
            self._note(error)
            raise
        finally:
            await self._pool.release(connection)

    async def admit(self, function: str, *arguments: Any) -> asyncpg.Record | None:
        """Call an SQL function that finds the shop of a request; the call commits at once.

        `function` returns the shop in the column `shop`. The connection's session is set to this
        shop as well. This saves the next statement a round trip: the pool hands out the connection
        that was returned last, so that statement usually gets this one.
        """
        if not self.keeps_sessions:
            return await self.call(f"SELECT * FROM {function}", *arguments)  # noqa: S608 - a constant
        with _reaching():
            connection = await self._pool.acquire()
        session = cast("PooledConnection", connection)
        try:
            session.note_shop(None)
            row: asyncpg.Record | None = await connection.fetchrow(
                "SELECT *, set_config('openstoq.shop_id', (shop).shop_id::text, false) "  # noqa: S608 - a constant
                f"FROM {function}",
                *arguments,
            )
            if row is not None:
                session.note_shop(row["shop"]["shop_id"])
            return row
        except FULL as error:
            self._note(error)
            raise
        finally:
            await self._pool.release(connection)

    async def run_alone(self, shop_id: UUID, query: str, *arguments: Any) -> asyncpg.Record | None:
        """Run one statement that sees the shop's rows, committed at once; return its first row.

        It takes one round trip where a transaction takes three. If the server reports an error,
        nothing was changed. If the connection is lost, that is not known, as after a COMMIT.
        """
        async with self._shares.place(shop_id, seconds=self._seconds):
            with _reaching():
                connection = await self._pool.acquire()
            try:
                await cast("PooledConnection", connection).enter(shop_id, self._seconds)
                row: asyncpg.Record | None = await connection.fetchrow(query, *arguments)
                return row
            except BaseException as error:
                self._note(error)
                raise
            finally:
                await self._pool.release(connection)

    async def takes_writes(self) -> bool:
        """Return whether the server accepts writes: it has room, and no write was refused recently."""
        # The check writes a megabyte, and anybody can request it any number of times at once. So
        # one check runs at a time, and the callers that wait for it share its outcome.
        async with self._looking:
            known = self._known_to_take_writes()
            return known if known is not None else await self._has_room()

    def _known_to_take_writes(self) -> bool | None:
        now = monotonic()
        if self._refused_at is not None and now - self._refused_at < _FULL_SECONDS:
            return False
        if self._looked_at is not None and now - self._looked_at < _ROOM_SECONDS:
            return self._had_room
        return None

    async def _has_room(self) -> bool:
        try:
            async with self.transaction(None) as db:
                await db.execute(_TAKE_ROOM)
                read_only: str = await db.fetchval("SHOW transaction_read_only")
        except FULL:
            return False
        self._looked_at, self._had_room = monotonic(), read_only == "off"
        return self._had_room

    def _note(self, error: BaseException) -> None:
        if isinstance(error, FULL):
            self._refused_at, self._looked_at = monotonic(), None


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


async def prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Configure a new connection to read and write jsonb as Python values."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value, default=str).decode(),
        decoder=orjson.loads,
    )


@contextmanager
def _reaching() -> Iterator[None]:
    """Turn an OSError that is raised while connecting to the server into a ConnectionError.

    The cause may be a missing socket file or a host without a route. Such an OSError looks like an
    error about any other file, and does not show that it concerns the database.
    """
    try:
        yield
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        raise ConnectionError(f"the database cannot be reached: {error}") from error


async def _to_its_end(ending: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that must not stop halfway, even if the caller is cancelled meanwhile."""
    task = asyncio.create_task(ending)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def _roll_back(connection: Connection) -> None:
    try:
        async with asyncio.timeout(LONGEST_ROLLBACK):
            await connection.execute("ROLLBACK")
    except (asyncpg.PostgresError, *TRANSIENT):
        # The connection is gone, and with it the transaction. The pool may already have noticed.
        with suppress(asyncpg.InterfaceError):
            connection.terminate()
