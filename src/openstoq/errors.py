"""Errors an action may raise; each knows its HTTP status and tells the caller what to do."""

from typing import Any, ClassVar

from openstoq.kernel.faults import is_of_item


class Systemic(Exception):  # noqa: N818 - its kinds describe a state, not a fault of ours
    """Trouble that is not one item's: whatever is tried now would meet it."""


@is_of_item.register
def _(_error: Systemic) -> bool:
    return False


class Problem(Exception):  # noqa: N818 - it is an answer to the caller, not a fault of ours
    """The request cannot be carried out, and the caller can be told why.

    `messages` are sentences; `details` are further fields of the body, for the few answers
    whose documented shape has them.
    """

    status: ClassVar[int]
    # Its words are for whoever asked, and no fault.
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
    """No such thing in the caller's shop."""

    status = 404


class Conflict(Problem):
    """The thing's present state forbids it; the message says how to unblock it."""

    status = 409


class TooLarge(Problem):
    """The body is larger than what is accepted."""

    status = 413


class Invalid(Problem):
    """The request was understood and its values are not acceptable."""

    status = 422


class TooManyRequests(Problem):
    """The caller has used up its points."""

    status = 429


class Unavailable(Problem, Systemic):
    """Something that the answer needs is not there now; try again later."""

    status = 503
    retry_after: ClassVar[int] = 2


class StorageFull(Unavailable):
    """The database takes no writes, which somebody has to mend."""

    retry_after = 30

    def __init__(self, *more: str) -> None:
        because = "the database takes no writes, probably because its disk is full"
        super().__init__("; ".join((because, "try again in a while", *more)))
