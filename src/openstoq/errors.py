"""Errors that an action may raise, each with an HTTP status and messages for the caller."""

from typing import Any, ClassVar

from openstoq.kernel.faults import is_of_item


class Systemic(Exception):  # noqa: N818 - its kinds describe a state, not a fault of ours
    """An error that no single item causes: at present, any other item would fail as well."""


@is_of_item.register
def _(_error: Systemic) -> bool:
    return False


class OperatorError(Exception):
    """An error that ends a command; its arguments are sentences that tell the operator what to do."""

    exit_code: ClassVar[int] = 1


class Problem(Exception):  # noqa: N818 - it is an answer to the caller, not a fault of ours
    """The request cannot be carried out; the response gives the caller the reason.

    `messages` are sentences. `details` are additional fields of the body, for the few responses
    that are documented with them.
    """

    status: ClassVar[int]
    # The message may be shown to the caller (`is_told`), and the error is an expected response
    # instead of a fault (`is_answer`).
    is_told = is_answer = True

    def __init__(self, *messages: str, **details: Any) -> None:
        super().__init__(*messages)
        self.messages = list(messages)
        self.details = details

    def __str__(self) -> str:
        return "; ".join(self.messages)


class BadRequest(Problem):
    """The request cannot be read."""

    status = 400


class Unauthorized(Problem):
    """The caller's key is missing, malformed, unknown or revoked."""

    status = 401


class NotFound(Problem):
    """The object does not exist in the caller's shop."""

    status = 404


class Conflict(Problem):
    """The current state of the object forbids the request; the message says how to unblock it."""

    status = 409


class TooLarge(Problem):
    """The body is larger than the limit."""

    status = 413


class Invalid(Problem):
    """The request could be read, but its values are not acceptable."""

    status = 422


class TooManyRequests(Problem):
    """The caller has used up its rate points."""

    status = 429


class Unavailable(Problem, Systemic):
    """Something needed for the response is not available now; a later retry helps."""

    status = 503
    retry_after: ClassVar[int] = 2


class StorageFull(Unavailable):
    """The database accepts no writes until an operator fixes it."""

    retry_after = 30

    def __init__(self, *more: str) -> None:
        because = "the database takes no writes, probably because its disk is full"
        super().__init__("; ".join((because, "try again in a while", *more)))
