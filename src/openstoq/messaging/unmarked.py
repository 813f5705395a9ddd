"""The budget of unmarked messages: how many a process may hand over before their marks are stored.

A mark is the stored outcome of a message. If the process is killed, the messages without a mark are
sent again. The budget belongs to the process, because a process that sends for many waves at once
must not repeat more messages than a process that sends for one.
"""

import asyncio

# A relay that takes its time has one message of each connection, and the next one's envelope. As
# many again wait for their marks to be written.
LEAST, PER_CONNECTION, BESIDE = 64, 3, 32


def limit_for(connections: int) -> int:
    """Return the budget of a process that has this many connections to the relay."""
    return max(LEAST, PER_CONNECTION * connections + BESIDE)


class UnmarkedBudget:
    """The budget of a process; the senders that have joined share it evenly."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        """The number of messages of all senders that are not marked."""
        self.shares: set[Share] = set()

    def join(self) -> "Share":
        """Return a share for one sender, which must call `leave` in the end."""
        return Share(self)

    def wake(self) -> None:
        """Wake the senders that wait for room."""
        for share in self.shares:
            share.room.set()


class Share:
    """The part of the budget that one sender uses; `held` counts its unmarked messages."""

    def __init__(self, budget: UnmarkedBudget) -> None:
        self.held = 0
        self.room = asyncio.Event()
        """Set when there may be room again; the sender clears it before it waits."""
        self._budget = budget
        budget.shares.add(self)

    def leave(self) -> None:
        """Give the share up, with all that it holds."""
        self._budget.shares.discard(self)
        self.release(self.held)

    @property
    def has_room(self) -> bool:
        """Return whether the sender may hand over another message."""
        budget = self._budget
        part = max(1, budget.most // max(1, len(budget.shares)))
        return self.held < part and budget.held < budget.most

    def hold(self) -> None:
        """Count one more unmarked message."""
        self.held += 1
        self._budget.held += 1

    def release(self, number: int) -> None:
        """Count `number` unmarked messages fewer, for instance because they are marked now."""
        self.held -= number
        self._budget.held -= number
        self._budget.wake()
