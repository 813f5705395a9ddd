"""Single mails: one message to one recipient on behalf of a shop, outside any wave."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import structlog

from openstoq.jobs.job import GiveUp, Retry
from openstoq.jobs.work import Run, Runtime
from openstoq.kernel.delays import seconds
from openstoq.kernel.ids import created_at
from openstoq.messaging.notices import Notice
from openstoq.messaging.port import (
    PATIENCE,
    Delivery,
    Email,
    EmailTransport,
    Outbox,
    Outcome,
    RelayUnavailable,
)
from openstoq.messaging.render import customer_data
from openstoq.shops.model import Shop
from openstoq.shops.senders import reply_to_of, sender_of

log = structlog.get_logger(__name__)

LATER = timedelta(minutes=1)
# Each retry after an unknown outcome may give the recipient one more copy of the mail.
MOST_REPEATS = 12


class _SingleOutbox(Outbox):
    """An outbox with a single message."""

    def __init__(self, owner: UUID, email: Email) -> None:
        self.owner = owner
        self.delivery: Delivery | None = None
        self._waiting: list[Email] = [email]

    async def next(self) -> Email | None:
        """Return the message the first time, and None afterwards."""
        return self.next_nowait()

    def next_nowait(self) -> Email | None:
        """Return the message the first time, and None afterwards."""
        return self._waiting.pop() if self._waiting else None

    def record(self, email: Email, delivery: Delivery) -> None:  # noqa: ARG002 - there is but one
        """Store the outcome of the message's delivery."""
        self.delivery = delivery


def message_id_domain(runtime: Runtime) -> str:
    """Return the domain for our Message-IDs.

    All attempts to send a message must use the same Message-ID, and so the same domain.
    """
    return urlsplit(runtime.settings.http.public_url).hostname or "openstoq"


def notice_of(run: Run, shop: Shop, notice_id: UUID, recipient: str) -> Notice:
    """Return the sender and recipient data for a single mail.

    `notice_id` is one of our ids, whose time of creation is also the time of the mail.
    """
    return Notice(
        id=notice_id,
        written_at=created_at(notice_id),
        sender=sender_of(run.runtime.settings.mail, shop),
        sender_name=shop.brand.sender_name or shop.name,
        recipient=recipient,
        message_id_domain=message_id_domain(run.runtime),
        # A merchant has no use for replies to themselves.
        reply_to=reply_to_of(shop) if recipient != shop.email else None,
        brand=shop.brand,
    )


async def send_single(run: Run, notice: Notice, content: bytes) -> None:
    """Send one mail; return without an error if the relay rejects its recipient or the mail itself.

    Raises Retry if the relay defers the mail, does not serve us, cannot be reached, or does not
    confirm whether it accepted the mail. Raises GiveUp instead once the mail is older than
    PATIENCE, or after MOST_REPEATS attempts without a confirmation.
    """
    email = Email(id=notice.id, sender=notice.sender, recipient=notice.recipient, content=content)
    outbox = _SingleOutbox(run.shop_id, email)
    try:
        await run.runtime.ports.get(EmailTransport).send(outbox)
    except RelayUnavailable as unavailable:
        raise Retry(str(unavailable), delay=LATER) from unavailable
    delivery = outbox.delivery
    if delivery is None or delivery.outcome is Outcome.ACCEPTED:
        return
    if delivery.outcome in (Outcome.REFUSED, Outcome.REJECTED):
        log.info(
            "mail.refused",
            notice_id=str(notice.id),
            outcome=delivery.outcome.value,
            code=delivery.reply[:3] if delivery.stage is not None else None,
        )
        return
    # The queue stores the reason of a Retry, so the reason must not name the recipient.
    reply = delivery.reply_without(notice.recipient)
    is_late = run.runtime.clock() - notice.written_at > PATIENCE
    # An unreachable relay has not received the mail. Only runs that may have delivered it count.
    is_repeat = delivery.outcome is Outcome.UNKNOWN
    if is_late or (is_repeat and run.repeats >= MOST_REPEATS):
        raise GiveUp(f"the relay did not take a mail in {run.attempt + 1} tries: {reply}")
    tries = run.repeats if is_repeat else run.attempt
    raise Retry(reply, delay=seconds(30 * 2.0 ** min(tries, 10)), is_repeat=is_repeat)


async def send_customer_data(
    run: Run, shop: Shop | None, notice_id: UUID, *, subject_of: str, data: Mapping[str, Any]
) -> None:
    """Mail the merchant the data stored about a customer; the merchant passes it on.

    Raises LookupError if the shop has no e-mail address, so that an operator sees the failure.
    """
    if shop is None or shop.email is None:
        raise LookupError(
            "the shop has no e-mail address to send a customer's data to; set one in Shopify"
        )
    notice = notice_of(run, shop, notice_id, shop.email)
    document = orjson.dumps(data, default=str, option=orjson.OPT_INDENT_2)
    content = customer_data(notice, shop_name=shop.name, subject_of=subject_of, data=document)
    await send_single(run, notice, content)
