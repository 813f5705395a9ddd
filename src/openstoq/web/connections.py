"""The connections of a server: how many there may be, and which of them make room for others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from openstoq.kernel.addresses import client_of

if TYPE_CHECKING:
    from openstoq.web.connection import Connection

    # In the order in which they began to wait.
    Waiting: TypeAlias = dict[Connection, None]

# One refused connection more than an eighth of all that may be open is cut off unheard.
_REFUSED_SHARE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What clients may cost: in bytes, in seconds and in connections."""

    head_bytes: int
    head_seconds: float
    body_seconds: float
    answer_seconds: float
    keep_alive_seconds: float
    connections: int
    address_connections: int

    @property
    def refused_connections(self) -> int:
        """How many connections, beside the others, may be reading that they were refused."""
        return self.connections // _REFUSED_SHARE + 1


class Connections:
    """Counts connections, in all and by address, and makes room when there are too many.

    Whoever has not sent a whole request yet goes first, then whoever sends nothing now, who is
    slow to send a body, and who takes nothing of an answer; of these the one that waits longest.
    A request that is being worked on keeps its connection.
    """

    def __init__(self, limits: ConnectionLimits, *, is_exempt: Callable[[str], bool]) -> None:
        self.limits = limits
        self.unproven: Waiting = {}
        self.idle: Waiting = {}
        self.sending: Waiting = {}
        self.stalled: Waiting = {}
        self._refused: Waiting = {}
        self._open: dict[Connection, str | None] = {}
        self._by_site: Counter[str] = Counter()
        # The address of a proxy, from which everybody comes.
        self._is_exempt = is_exempt

    def admit(self, connection: Connection, address: str | None) -> HTTPStatus | None:
        """Take a connection in; return the status of its refusal when it cannot be."""
        site = self._site(address) if address is not None else None
        if site is not None and self._by_site[site] >= self.limits.address_connections:
            return HTTPStatus.TOO_MANY_REQUESTS
        if len(self._open) >= self.limits.connections and not self._make_room():
            return HTTPStatus.SERVICE_UNAVAILABLE
        self._open[connection] = site
        if site is not None:
            self._by_site[site] += 1
        self.move(connection, self.unproven)
        return None

    def refuse(self, connection: Connection) -> None:
        """Let a refused connection stay for a moment, in which its client can read why."""
        self.leave(connection)
        self._refused[connection] = None
        if len(self._refused) > self.limits.refused_connections:
            next(iter(self._refused)).drop()

    def move(self, connection: Connection, waiting: Waiting | None) -> None:
        """Note what a connection waits for; None: it waits for us."""
        if connection.waiting is waiting:
            return
        if connection.waiting is not None:
            connection.waiting.pop(connection, None)
        connection.waiting = waiting if connection in self._open else None
        if connection.waiting is not None:
            connection.waiting[connection] = None

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self.move(connection, None)
        self._refused.pop(connection, None)
        site = self._open.pop(connection, None)
        if site is not None:
            self._by_site[site] -= 1
            if not self._by_site[site]:
                del self._by_site[site]

    def _site(self, address: str) -> str | None:
        return None if self._is_exempt(address) else client_of(address)

    def _make_room(self) -> bool:
        for waiting in (self.unproven, self.idle, self.sending, self.stalled):
            if waiting:
                next(iter(waiting)).drop("made_room")
                return True
        return False
