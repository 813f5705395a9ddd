"""Responses to valid requests that we could not serve."""

import asyncpg

from openstoq.db.shares import ShopBusyError
from openstoq.db.transient import FULL, is_transient
from openstoq.errors import Problem, StorageFull, Unavailable


class Fault(Problem):
    """An error on our side; the log contains its details under the request's id."""

    status = 500


def problem_of(error: Exception, request_id: str) -> Problem:
    """Return the problem to respond with after an unexpected error; it reveals no internals."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return Unavailable(
            "this took too long and was stopped; ask for less at once, such as a shorter window or "
            f"fewer conditions, or try again later (request id {request_id})"
        )
    if isinstance(error, ShopBusyError):
        return Unavailable(
            "too many requests of this shop are under way; try again in a few seconds "
            f"(request id {request_id})"
        )
    if isinstance(error, FULL):
        return StorageFull(f"request id {request_id}")
    if is_transient(error):
        return Unavailable(
            f"the database does not answer; try again in a few seconds (request id {request_id})"
        )
    return Fault(f"something went wrong on our side; please report request id {request_id}")
