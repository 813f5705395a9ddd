"""Slots: a worker runs so many jobs at once, and a job that only waits gives its slot up meanwhile.

The slot of the running job is found by its context, because the code that waits, such as a client
of a shop's API, knows nothing of jobs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one job among those that a worker runs at once."""

    lane: str
    shop_id: UUID
    waits: int = 0

    @property
    def is_free(self) -> bool:
        """Whether another job may run in its place, as this one waits."""
        return self.waits > 0


_slot: ContextVar[Slot | None] = ContextVar("slot", default=None)


@contextmanager
def occupied(slot: Slot) -> Iterator[None]:
    """Have the block, and the tasks that it starts, hold `slot`."""
    token = _slot.set(slot)
    try:
        yield
    finally:
        _slot.reset(token)


@contextmanager
def waiting() -> Iterator[None]:
    """Give the slot up while the block waits for somebody else's server, if it runs in one."""
    slot = _slot.get()
    if slot is None:
        yield
        return
    slot.waits += 1
    try:
        yield
    finally:
        slot.waits -= 1
