"""A caught message, parsed when it is first shown."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from typing import Any

from shopify_sandbox.clock import rfc3339


@dataclass(frozen=True)
class CaughtMessage:
    """One message as received: its envelope, its bytes and the time of its arrival."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    received_at: datetime

    def _parse(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=default)

    @cached_property
    def view(self) -> dict[str, Any]:
        """Return the message as GET /messages shows it."""
        parsed = self._parse()
        headers: dict[str, str | list[str]] = {}
        for name in dict.fromkeys(parsed.keys()):
            values = [str(value) for value in parsed.get_all(name, [])]
            headers[name] = values if len(values) > 1 else values[0]
        return {
            "id": self.id,
            "to": list(self.recipients),
            "from": str(parsed["From"] or self.sender),
            "subject": str(parsed["Subject"] or ""),
            "headers": headers,
            "text": _part(parsed, "plain"),
            "html": _part(parsed, "html"),
            "received_at": rfc3339(self.received_at),
        }


def _part(parsed: EmailMessage, kind: str) -> str | None:
    body = parsed.get_body(preferencelist=(kind,))
    if body is None:
        return None
    try:
        return str(body.get_content())
    except LookupError:
        # The charset is unknown, so the bytes are shown as well as possible.
        payload = body.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else None
