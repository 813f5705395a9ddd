"""Turns: rights to use a connection to the relay, limited per process and shared fairly."""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass
from time import monotonic

# The least duration of a turn; after that, it ends once another outbox waits for a turn.
TURN_SECONDS = 0.1
# A relay that answers a message within this time is quick: whoever waits gets a turn soon.
QUICK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class _Waiter:
    outbox: Hashable
    called: asyncio.Future[None]


class Turn:
    """The right to use one connection, which begins when the object is created."""

    def __init__(self, turns: "Turns", outbox: Hashable) -> None:
        self._turns = turns
        self._outbox = outbox
        self._ends_at = monotonic() + TURN_SECONDS

    @property
    def is_over(self) -> bool:
        """Return whether the turn must end once the messages already begun have their outcomes."""
        return self._turns.are_awaited_beside(self._outbox) and monotonic() >= self._ends_at

    def note_answer(self, seconds: float) -> None:
        """Record how long the relay took to answer a message."""
        self._turns.note_answer(seconds)


class Turns:
    """The turns of a transport: at most `size` at once, granted to the owners in rotation.

    A turn ends only between two messages, and a slow relay needs a long time for each message.
    Therefore some turns are reserved for owners that hold none, unless the relay is quick. An owner
    that already holds a turn does not get a reserved one, however much it has to send.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._reserve = max(1, size // 4) if size > 1 else 0
        self._is_quick = False
        self._held: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[_Waiter]] = {}
        self._outboxes: Counter[Hashable] = Counter()
        """The number of waiters of each outbox that waits."""

    def are_awaited_beside(self, outbox: Hashable) -> bool:
        """Return whether any outbox other than `outbox` is waiting for a turn."""
        return len(self._outboxes) > (outbox in self._outboxes)

    def note_answer(self, seconds: float) -> None:
        """Record how long the relay took to answer a message.

        While the relay is quick, no turns are reserved.
        """
        was_quick, self._is_quick = self._is_quick, seconds <= QUICK_SECONDS
        if self._is_quick and not was_quick:
            self._call_waiting()

    async def take(self, owner: Hashable, outbox: Hashable) -> Turn:
        """Wait for a turn for `owner`; the caller must return it with `give_back`."""
        if self._is_free_for(owner):
            self._begin(owner)
            return Turn(self, outbox)
        waiter = _Waiter(outbox, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(owner, deque()).append(waiter)
        self._outboxes[outbox] += 1
        try:
            await waiter.called
        except asyncio.CancelledError:
            if waiter.called.cancelled():
                self._forget(owner, waiter)
            else:
                # The turn was granted and the wait cancelled at the same moment.
                self.give_back(owner)
            raise
        return Turn(self, outbox)

    def give_back(self, owner: Hashable) -> None:
        """End a turn of `owner`; free turns are granted to the waiting owners in rotation."""
        self._free += 1
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._call_waiting()

    def _call_waiting(self) -> None:
        has_called = True
        while has_called:
            has_called = False
            for owner in list(self._waiting):
                if self._is_free_for(owner):
                    self._call(owner)
                    has_called = True

    def _is_free_for(self, owner: Hashable) -> bool:
        is_reserved = self._held[owner] and not self._is_quick
        return self._free > (self._reserve if is_reserved else 0)

    def _begin(self, owner: Hashable) -> None:
        self._free -= 1
        self._held[owner] += 1

    def _call(self, owner: Hashable) -> None:
        queue = self._waiting.pop(owner)
        while queue:
            waiter = queue.popleft()
            self._count_out(waiter)
            if not waiter.called.done():
                self._begin(owner)
                waiter.called.set_result(None)
                break
        if queue:
            self._waiting[owner] = queue

    def _forget(self, owner: Hashable, waiter: _Waiter) -> None:
        queue = self._waiting.get(owner, deque())
        if waiter in queue:
            queue.remove(waiter)
            self._count_out(waiter)
            if not queue:
                del self._waiting[owner]

    def _count_out(self, waiter: _Waiter) -> None:
        self._outboxes[waiter.outbox] -= 1
        if not self._outboxes[waiter.outbox]:
            del self._outboxes[waiter.outbox]
