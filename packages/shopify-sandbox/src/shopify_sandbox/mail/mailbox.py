"""The mailbox of caught messages, and the faults on demand while messages are taken."""

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from shopify_sandbox.clock import utc_now
from shopify_sandbox.mail.message import CaughtMessage

FAULTS = ("refuse", "later", "drop", "delay")


@dataclass(slots=True, kw_only=True)
class MailFault:
    """One fault: `refuse` 550, `later` 451, `drop` the connection after DATA, `delay` a message.

    It applies to recipients that match `pattern`, `count` times (without end, if None).
    """

    kind: str
    pattern: re.Pattern[str]
    count: int | None = None
    seconds: float = 0.0
    store: bool = True

    def view(self) -> dict[str, Any]:
        """Return what GET /faults shows of it."""
        return {
            "fault": self.kind,
            "pattern": self.pattern.pattern,
            "count": self.count,
            "seconds": self.seconds,
            "store": self.store,
        }


class Mailbox:
    """All messages in the order they came, and the requested faults."""

    def __init__(self) -> None:
        self._messages: deque[CaughtMessage] = deque()
        self._last_id = 0
        self.faults: list[MailFault] = []

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, sender: str, recipients: list[str], raw: bytes) -> CaughtMessage:
        """Keep a message."""
        self._last_id += 1
        message = CaughtMessage(self._last_id, sender, tuple(recipients), raw, utc_now())
        self._messages.append(message)
        return message

    def get(self, id: int) -> CaughtMessage | None:
        """Return the message with this id."""
        return next((each for each in self._messages if each.id == id), None)

    def find(
        self, *, to: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[CaughtMessage]:
        """Return messages, newest last: those to an address, after an id, the first `limit`."""
        wanted = to.casefold() if to is not None else None
        found: list[CaughtMessage] = []
        for each in self._messages:
            if each.id <= after:
                continue
            if wanted is None or wanted in (address.casefold() for address in each.recipients):
                found.append(each)
                if len(found) == limit:
                    break
        return found

    def newest(self, number: int) -> list[CaughtMessage]:
        """Return the newest messages, newest first."""
        count = min(number, len(self._messages))
        return [self._messages[-1 - index] for index in range(count)]

    def clear(self) -> None:
        """Delete all messages; ids are not used again."""
        self._messages.clear()

    def fault(self, kinds: tuple[str, ...], recipients: list[str]) -> MailFault | None:
        """Spend one use of the first fault of these kinds that fits one of the recipients."""
        for fault in self.faults:
            if fault.kind in kinds and any(fault.pattern.search(each) for each in recipients):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self.faults.remove(fault)
                return fault
        return None
