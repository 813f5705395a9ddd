"""Errors of PostgreSQL and of the way there: which pass by themselves, and which are an item's."""

import asyncpg

from openstoq.kernel.faults import is_of_item

# A server that takes no writes: its disk is full, or somebody has turned it read-only for that.
FULL = (asyncpg.DiskFullError, asyncpg.PostgresIOError, asyncpg.ReadOnlySQLTransactionError)

# A server that is away, restarting, full or choosing another transaction: trying again helps.
TRANSIENT = (
    *FULL,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
    # What asyncpg says between a server's farewell and the end of the connection.
    asyncpg.InternalClientError,
)

# PostgreSQL gave a transaction up for another: nothing of it was done, and the next may be.
COLLISIONS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

# What PostgreSQL says whatever the values are, by class or code: of the connection and who is at
# it, of room, of another transaction, of a schema that is not ours, of a broken file. Anything
# else may be due to a value, and what values can be refused with cannot be listed.
_OF_SERVER = (
    *("08", "25", "26", "28", "2D", "34", "3D", "3F", "40", "53", "55", "57", "58", "F0", "HV"),
    *("42501", "42602", "42703", "42704", "42883", "42P01", "42P10", "XX001", "XX002"),
)


@is_of_item.register
def _(error: asyncpg.PostgresError) -> bool:
    return not str(error.sqlstate).startswith(_OF_SERVER)


@is_of_item.register
def _(_error: asyncpg.InvalidCachedStatementError) -> bool:
    # The schema has changed since the statement was prepared.
    return False


@is_of_item.register
def _(error: asyncpg.InterfaceError) -> bool:
    # Of a server that is away, but for an argument that its type does not take.
    return isinstance(error, ValueError)


@is_of_item.register
def _(_error: asyncpg.InternalClientError) -> bool:
    return False


def is_passing(error: Exception) -> bool:
    """Return whether the database is away or full for a while, and no value is to blame.

    The pool calls whatever keeps it from the server a ConnectionError; any other OSError, such as
    a file that is missing, is a fault of ours.
    """
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, TRANSIENT) and not is_of_item(error)
