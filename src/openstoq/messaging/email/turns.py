"""Turns: rights to use a connection to the relay, limited per process and shared fairly."""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from time import monotonic

# The least duration of a turn; after that, it ends once another sender waits for a turn.
TURN_SECONDS = 0.1


class Turn:
    """The right to use one connection, which begins when the object is created."""

    def __init__(self, turns: "Turns") -> None:
        self._turns = turns
        self._ends_at = monotonic() + TURN_SECONDS

    @property
    def is_over(self) -> bool:
        """Return whether the turn must end once the messages already begun are settled."""
        return self._turns.are_awaited and monotonic() >= self._ends_at


class Turns:
    """The turns of a transport: at most `size` at once, granted to the owners in rotation.

    A turn ends only between two messages, and a slow relay needs a long time for each message.
    Therefore some turns are reserved for owners that hold none. The other owners do not get these
    turns, however much they have to send.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._reserve = max(1, size // 4) if size > 1 else 0
        self._held: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self.most = size - self._reserve
        """The most turns that one owner may hold."""

    @property
    def are_awaited(self) -> bool:
        """Return whether any owner is waiting for a turn."""
        return bool(self._waiting)

    async def take(self, owner: Hashable) -> Turn:
        """Wait for a turn for `owner`; the caller must return it with `give_back`."""
        if self._is_free_for(owner):
            self._begin(owner)
            return Turn(self)
        called = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(called)
        try:
            await called
        except asyncio.CancelledError:
            if called.cancelled():
                self._forget(owner, called)
            else:
                # The turn was granted and the wait cancelled at the same moment.
                self.give_back(owner)
            raise
        return Turn(self)

    def give_back(self, owner: Hashable) -> None:
        """End a turn of `owner`; free turns are granted to the waiting owners in rotation."""
        self._free += 1
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        for other in list(self._waiting):
            if self._is_free_for(other):
                self._call(other)

    def _is_free_for(self, owner: Hashable) -> bool:
        return self._free > (self._reserve if self._held[owner] else 0)

    def _begin(self, owner: Hashable) -> None:
        self._free -= 1
        self._held[owner] += 1

    def _call(self, owner: Hashable) -> None:
        queue = self._waiting.pop(owner)
        while queue:
            called = queue.popleft()
            if not called.done():
                self._begin(owner)
                called.set_result(None)
                break
        if queue:
            self._waiting[owner] = queue

    def _forget(self, owner: Hashable, called: asyncio.Future[None]) -> None:
        queue = self._waiting.get(owner, deque())
        if called in queue:
            queue.remove(called)
            if not queue:
                del self._waiting[owner]
