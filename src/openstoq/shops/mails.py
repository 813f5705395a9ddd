"""Mails of their own: one message to one recipient, in the name of a shop."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from openstoq.jobs.job import Retry
from openstoq.jobs.work import Run, Runtime
from openstoq.kernel.ids import made_at
from openstoq.messaging.notices import Notice
from openstoq.messaging.port import (
    Delivery,
    Email,
    EmailTransport,
    Outbox,
    Outcome,
    RelayUnavailable,
)
from openstoq.shops.model import Shop

LATER = timedelta(minutes=1)


class _One(Outbox):
    """An outbox of one message."""

    def __init__(self, email: Email) -> None:
        self.delivery: Delivery | None = None
        self._waiting: list[Email] = [email]

    async def next(self) -> Email | None:
        """Give the message, once."""
        return self.next_nowait()

    def next_nowait(self) -> Email | None:
        """Give the message, once."""
        return self._waiting.pop() if self._waiting else None

    def settle(self, email: Email, delivery: Delivery) -> None:  # noqa: ARG002 - there is but one
        """Keep what became of it."""
        self.delivery = delivery


def message_id_domain(runtime: Runtime) -> str:
    """Return the domain of our Message-IDs: it must not change between two tries of a message."""
    return urlsplit(runtime.settings.http.public_url).hostname or "openstoq"


def notice_of(run: Run, shop: Shop, notice_id: UUID, recipient: str) -> Notice:
    """Return what every mail of its own needs; `notice_id` is an id of ours."""
    return Notice(
        id=notice_id,
        written_at=made_at(notice_id),
        sender=run.runtime.settings.mail.sender,
        sender_name=shop.name,
        recipient=recipient,
        message_id_domain=message_id_domain(run.runtime),
    )


async def send_one(run: Run, notice: Notice, content: bytes) -> None:
    """Send one mail; raise Retry when the relay says later, and stop at a refusal."""
    outbox = _One(
        Email(id=notice.id, sender=notice.sender, recipient=notice.recipient, content=content)
    )
    try:
        await run.runtime.ports.get(EmailTransport).send(outbox)
    except RelayUnavailable as unavailable:
        raise Retry(str(unavailable), delay=LATER) from unavailable
    delivery = outbox.delivery
    if delivery is not None and delivery.outcome in (Outcome.DEFERRED, Outcome.UNKNOWN):
        # Relays quote the address they were given, and the queue keeps a job's reasons.
        reply = delivery.reply.replace(notice.recipient, "the recipient")
        raise Retry(reply, delay=LATER)
