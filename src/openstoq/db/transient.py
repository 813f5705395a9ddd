"""Errors of PostgreSQL and the connection: distinguish transient errors from errors of an item."""

import asyncpg

from openstoq.kernel.faults import is_of_item

# The server accepts no writes: its disk is full, or it was made read-only because of that.
FULL = (asyncpg.DiskFullError, asyncpg.PostgresIOError, asyncpg.ReadOnlySQLTransactionError)

# The server is unreachable, restarting or full, or preferred another transaction: retry helps.
TRANSIENT = (
    *FULL,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
    # asyncpg raises this after the server has announced its shutdown, until the connection ends.
    asyncpg.InternalClientError,
)

# PostgreSQL aborted a transaction in favour of another: it was rolled back, and a retry may succeed.
COLLISIONS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

# Classes and codes of errors that do not depend on values. They concern the connection and its
# role, disk space, other transactions, a schema that is not ours, or a broken file. Any other error
# may be due to a value. Such errors cannot be listed: a value can be refused in too many ways.
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
    # asyncpg raises this for an unreachable server. Only its subclass that is also a ValueError is
    # about an argument that does not fit its type.
    return isinstance(error, ValueError)


@is_of_item.register
def _(_error: asyncpg.InternalClientError) -> bool:
    return False


def is_transient(error: Exception) -> bool:
    """Return whether the database is only temporarily unreachable or full, so no value is to blame.

    The pool raises ConnectionError for anything that keeps it from reaching the server. Any other
    OSError, such as for a missing file, is our own fault.
    """
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, TRANSIENT) and not is_of_item(error)
