"""Mails of their own, such as the one that asks a shopper to confirm."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from openstoq.back_in_stock.notifications.letters import message_id_domain
from openstoq.back_in_stock.notifications.links import CONFIRM, link
from openstoq.db.pool import Connection
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run
from openstoq.kernel.ids import made_at
from openstoq.messaging.port import (
    Delivery,
    Email,
    EmailTransport,
    Outbox,
    Outcome,
    RelayUnavailable,
)
from openstoq.messaging.render import Notice, optin_request
from openstoq.shops import store as shops
from openstoq.shops.model import Shop

jobs = JobSet("back_in_stock.mails")

LATER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A signup whose shopper is to be asked."""

    contact: str
    locale: str | None
    product: str | None


@jobs.job(attempts=30)
async def send_optin_request(run: Run, *, signup_id: UUID) -> None:
    """Mail a shopper the link that confirms a signup, unless that was done meanwhile."""
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        signup = await _unconfirmed(work.db, work.shop_id, signup_id)
    if shop is None or shop.uninstalled_at is not None or signup is None:
        return
    notice = notice_of(run, shop, signup_id, signup.contact)
    await send_one(
        run,
        notice,
        optin_request(
            notice,
            shop_name=shop.name,
            product_title=signup.product or shop.name,
            confirm_url=link(run.runtime, CONFIRM, shop.id, signup_id),
            locale=signup.locale or shop.locale,
        ),
    )


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
        raise Retry(delivery.reply, delay=LATER)


async def _unconfirmed(db: Connection, shop_id: UUID, signup_id: UUID) -> Unconfirmed | None:
    row = await db.fetchrow(
        """
        SELECT s.contact, coalesce(s.locale, c.locale) AS locale, p.title AS product
        FROM signups s JOIN customers c ON c.shop_id = s.shop_id AND c.id = s.customer_id
        LEFT JOIN products p ON p.shop_id = s.shop_id AND p.id = s.product_id
        WHERE s.shop_id = $1 AND s.id = $2 AND s.channel = 'email' AND s.optin_required
          AND s.optin_confirmed_at IS NULL AND s.unsubscribed_at IS NULL
        """,
        shop_id,
        signup_id,
    )
    return Unconfirmed(**dict(row)) if row is not None else None
