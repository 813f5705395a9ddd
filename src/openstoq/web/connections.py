"""The connections of a server: limit their number, and choose which one to drop to make room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from openstoq.kernel.addresses import client_of

if TYPE_CHECKING:
    from openstoq.web.connection import Connection

    # Connections in the order in which they began to wait.
    Waiting: TypeAlias = dict[Connection, None]

# Refused connections may number an eighth of all that may be open. Beyond that, the oldest of them
# is cut off.
_REFUSED_SHARE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The limits on what clients may use: bytes, seconds and connections."""

    head_bytes: int
    head_seconds: float
    body_seconds: float
    answer_seconds: float
    keep_alive_seconds: float
    connections: int
    address_connections: int

    @property
    def refused_connections(self) -> int:
        """The number of refused connections that stay open so that clients can read the reason."""
        return self.connections // _REFUSED_SHARE + 1


class Connections:
    """The open connections, counted in total and by address.

    A new connection from an address that has too many is refused. If there are too many in total,
    an open connection is dropped to make room.

    Connections that have not sent a whole request yet are dropped first. They are followed by idle
    connections, then by those still sending a body, then by those whose client does not read the
    response. Within each of these groups, the connection that has waited longest is dropped. A
    connection in none of these groups is never dropped, because its request is being handled. If no
    connection may be dropped, the new one is refused.
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
        # Proxies are exempt from the limit by address, because all clients come through them.
        self._is_exempt = is_exempt

    def admit(self, connection: Connection, address: str | None) -> HTTPStatus | None:
        """Admit a connection, or return the status with which to refuse it.

        The result is None if the connection was admitted.
        """
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
        """Keep a refused connection open for a moment, so that its client can read the reason.

        If too many are kept open, the oldest is dropped.
        """
        self.leave(connection)
        self._refused[connection] = None
        if len(self._refused) > self.limits.refused_connections:
            next(iter(self._refused)).drop()

    def move(self, connection: Connection, waiting: Waiting | None) -> None:
        """Move a connection to the group that `waiting` names; a connection in a group may be dropped.

        None takes the connection out of every group, because its request is being handled.
        """
        if connection.waiting is waiting:
            return
        if connection.waiting is not None:
            connection.waiting.pop(connection, None)
        connection.waiting = waiting if connection in self._open else None
        if connection.waiting is not None:
            connection.waiting[connection] = None

    def leave(self, connection: Connection) -> None:
        """Remove a connection from its group and from all counts."""
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
