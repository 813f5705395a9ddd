"""Slots limit the jobs that a worker runs at once; a job that only waits gives up its slot.

The running job's slot is kept in a context variable, because the code that waits, such as a client
of a shop's API, does not know about jobs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one running job in a worker; `waits` counts the job's current waits.

    While the job runs, the worker starts no other job with the same value of `apart`.
    """

    lane: str
    shop_id: UUID
    apart: str | None = None
    waits: int = 0

    @property
    def is_free(self) -> bool:
        """Return whether another job may use this slot, because the job in it only waits."""
        return self.waits > 0


_slot: ContextVar[Slot | None] = ContextVar("slot", default=None)


@contextmanager
def occupied(slot: Slot) -> Iterator[None]:
    """Run the block, and the tasks that it starts, in `slot`."""
    token = _slot.set(slot)
    try:
        yield
    finally:
        _slot.reset(token)


@contextmanager
def waiting() -> Iterator[None]:
    """Give up the current slot, if there is one, while the block waits for another server."""
    slot = _slot.get()
    if slot is None:
        yield
        return
    slot.waits += 1
    try:
        yield
    finally:
        slot.waits -= 1
