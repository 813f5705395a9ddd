"""The mailbox of caught messages, and the faults that were requested for receiving messages."""

import re
from collections import deque
from dataclasses import dataclass
from typing import Any

from shopify_sandbox.clock import utc_now
from shopify_sandbox.mail.message import CaughtMessage

FAULTS = ("refuse", "later", "drop", "delay")


@dataclass(slots=True, kw_only=True)
class MailFault:
    """A fault that the mail server shows on request.

    There are four kinds. `refuse` answers a recipient with 550. `later` answers with 451. `drop`
    closes the connection after DATA. `delay` waits for `seconds` before the message is stored.

    A fault applies to recipients that match `pattern`. It is removed after it has applied `count`
    times; if `count` is None, it stays. `store` says whether a `drop` fault stores the message
    before it closes the connection.
    """

    kind: str
    pattern: re.Pattern[str]
    count: int | None = None
    seconds: float = 0.0
    store: bool = True

    def view(self) -> dict[str, Any]:
        """Return the fault as GET /faults shows it."""
        return {
            "fault": self.kind,
            "pattern": self.pattern.pattern,
            "count": self.count,
            "seconds": self.seconds,
            "store": self.store,
        }


class Mailbox:
    """All messages in the order of their arrival, and the requested faults."""

    def __init__(self) -> None:
        self._messages: deque[CaughtMessage] = deque()
        self._last_id = 0
        self.faults: list[MailFault] = []

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, sender: str, recipients: list[str], raw: bytes) -> CaughtMessage:
        """Store a message, and return it with its id."""
        self._last_id += 1
        message = CaughtMessage(self._last_id, sender, tuple(recipients), raw, utc_now())
        self._messages.append(message)
        return message

    def get(self, id: int) -> CaughtMessage | None:
        """Return the message with this id, or None."""
        return next((each for each in self._messages if each.id == id), None)

    def find(
        self, *, to: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[CaughtMessage]:
        """Return up to `limit` messages with ids above `after`, oldest first.

        With `to`, only the messages to that address are returned.
        """
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
        """Return up to `number` messages, newest first."""
        count = min(number, len(self._messages))
        return [self._messages[-1 - index] for index in range(count)]

    def clear(self) -> None:
        """Delete all messages; ids are not used again."""
        self._messages.clear()

    def fault(self, kinds: tuple[str, ...], recipients: list[str]) -> MailFault | None:
        """Return the first fault of the given kinds that matches a recipient; None if none does.

        The fault's `count` is reduced by one. A fault that is used up is removed.
        """
        for fault in self.faults:
            if fault.kind in kinds and any(fault.pattern.search(each) for each in recipients):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self.faults.remove(fault)
                return fault
        return None
