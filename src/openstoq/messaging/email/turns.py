"""Turns on the relay's connections: a bound for the whole process, shared out fairly."""

import asyncio
from collections import deque
from collections.abc import Hashable
from time import monotonic

# How long a turn lasts once somebody else waits for one.
TURN_SECONDS = 0.1


class Turn:
    """The right to one connection, from now on."""

    def __init__(self, turns: "Turns") -> None:
        self._turns = turns
        self._ends_at = monotonic() + TURN_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether the connection is another's, once what was begun on it is done."""
        return self._turns.are_awaited and monotonic() >= self._ends_at


class Turns:
    """Gives out at most `size` turns at once: to the owners by turns, whoever asked first."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @property
    def are_awaited(self) -> bool:
        """Whether somebody waits for a turn."""
        return bool(self._waiting)

    async def take(self, owner: Hashable) -> Turn:
        """Wait for a turn of `owner`; it has to be given back."""
        if self._free:
            self._free -= 1
            return Turn(self)
        called = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(called)
        try:
            await called
        except asyncio.CancelledError:
            if called.cancelled():
                self._forget(owner, called)
            else:
                # It was called and stopped at the same moment.
                self.give_back()
            raise
        return Turn(self)

    def give_back(self) -> None:
        """End a turn; the owner whose last call is longest ago is next."""
        while self._waiting:
            owner = next(iter(self._waiting))
            queue = self._waiting.pop(owner)
            called = queue.popleft()
            if queue:
                self._waiting[owner] = queue
            if not called.done():
                called.set_result(None)
                return
        self._free += 1

    def _forget(self, owner: Hashable, called: asyncio.Future[None]) -> None:
        queue = self._waiting.get(owner, deque())
        if called in queue:
            queue.remove(called)
            if not queue:
                del self._waiting[owner]
