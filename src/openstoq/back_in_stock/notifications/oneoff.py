"""Mails of their own: asking a shopper to confirm, and a customer's data for the merchant."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import orjson

from openstoq.back_in_stock.notifications.letters import message_id_domain
from openstoq.back_in_stock.notifications.links import CONFIRM, link
from openstoq.back_in_stock.privacy import store as privacy
from openstoq.db.pool import Connection
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run
from openstoq.messaging.port import (
    Delivery,
    Email,
    EmailTransport,
    Outbox,
    Outcome,
    RelayUnavailable,
)
from openstoq.messaging.render import Notice, customer_data, optin_request
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
    notice = _notice(run, shop, signup_id, signup.contact)
    await _send(
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


@jobs.job(attempts=30)
async def send_customer_data(
    run: Run, *, request_id: UUID, customer_ids: list[UUID], shopify_customer_id: int | None
) -> None:
    """Mail the merchant what is stored of a customer, as Shopify's data request demands."""
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        data = await privacy.export(work.db, work.shop_id, customer_ids)
    if shop is None or shop.email is None:
        raise LookupError(
            "the shop has no e-mail address to send a customer's data to; set one in Shopify"
        )
    notice = _notice(run, shop, request_id, shop.email)
    await _send(
        run,
        notice,
        customer_data(
            notice,
            shop_name=shop.name,
            subject_of=f"customer {shopify_customer_id or 'without a Shopify id'}",
            data=orjson.dumps(data, option=orjson.OPT_INDENT_2),
        ),
    )
    async with run.work() as work:
        outcome = {"customers_found": len(customer_ids), "sent_to_merchant": True}
        await privacy.complete(work.db, work.shop_id, request_id, outcome, run.runtime.clock())


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


def _notice(run: Run, shop: Shop, notice_id: UUID, recipient: str) -> Notice:
    return Notice(
        id=notice_id,
        sender=run.runtime.settings.mail.sender,
        sender_name=shop.name,
        recipient=recipient,
        message_id_domain=message_id_domain(run.runtime),
    )


async def _send(run: Run, notice: Notice, content: bytes) -> None:
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
