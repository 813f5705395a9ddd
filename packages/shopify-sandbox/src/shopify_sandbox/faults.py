"""Faults on demand: a queue of faults, each of which applies to a number of events."""

from collections import deque
from dataclasses import dataclass
from typing import Any

GRAPHQL_FAULTS = ("throttled", "status", "hang", "close", "lose")
WEBHOOK_FAULTS = ("duplicate", "drop", "hold", "delay", "corrupt_signature")


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault: it applies to the next `count` events that match `topic`.

    `topic` is a webhook's topic or the name of a GraphQL operation; None matches any event.
    """

    kind: str
    count: int = 1
    topic: str | None = None
    status: int = 503
    seconds: float = 0.0

    def view(self) -> dict[str, Any]:
        """Return the fault as the control API shows it."""
        return {
            "fault": self.kind,
            "count": self.count,
            "topic": self.topic,
            "status": self.status,
            "seconds": self.seconds,
        }


class FaultQueue:
    """Faults in the order of their requests; each event gets the first fault that matches it."""

    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()

    def add(self, fault: Fault) -> None:
        """Add a fault to the queue."""
        self._waiting.append(fault)

    def take(self, topic: str | None = None) -> Fault | None:
        """Use up one count of the first fault that matches `topic`; return the fault or None."""
        for fault in self._waiting:
            if fault.topic is None or fault.topic == topic:
                fault.count -= 1
                if fault.count <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Cancel every fault in the queue."""
        self._waiting.clear()

    def view(self) -> list[dict[str, Any]]:
        """Return the faults that are not used up, as the control API shows them."""
        return [fault.view() for fault in self._waiting]
