"""The mail that asks a shopper to confirm a signup, and the limit of such mails per mailbox.

Anybody can enter anybody's address in a form, so the mails that a form triggers are counted by
mailbox.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from openstoq.back_in_stock.notifications.links import CONFIRM, link
from openstoq.back_in_stock.settings import store as settings_store
from openstoq.back_in_stock.templates import store as templates
from openstoq.back_in_stock.templates.failures import note_failures
from openstoq.db.pool import Connection
from openstoq.jobs.job import GiveUp, JobSet, Lane
from openstoq.jobs.work import Run, Work
from openstoq.messaging.forms import OPTIN_MAIL
from openstoq.messaging.render import optin_request
from openstoq.shops import store as shops
from openstoq.shops.seal import Seal
from openstoq.shops.single_mails import notice_of, send_single

log = structlog.get_logger(__name__)

jobs = JobSet("back_in_stock.mails")

# The most requests to confirm that a mailbox is sent within WINDOW: about one product, by one shop,
# and by all shops of the installation.
WINDOW = timedelta(days=1)
MOST_OF_A_PRODUCT, MOST_OF_A_SHOP, MOST_OF_ALL = 1, 5, 20
# The most signups of one sweep, so that its transaction stays short.
SWEPT = 1000


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A signup that its shopper has not confirmed yet."""

    contact: str
    mailbox: str
    locale: str | None
    product_id: int
    product: str | None
    asked_at: datetime | None


@jobs.job(attempts=30, lane=Lane.SENDS)
async def send_optin_request(run: Run, *, signup_id: UUID) -> None:
    """Mail a shopper the link that confirms a signup, unless it was confirmed in the meantime.

    If the mailbox has reached its limit of requests, no mail is sent and the signup stays
    unconfirmed. If the e-mail channel is off, the mail is sent once the channel is on again.
    """
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        signup = await _unconfirmed(work.db, work.shop_id, signup_id)
        if shop is None or shop.uninstalled_at is not None or signup is None:
            return
        settings = await settings_store.load(work.db, work.shop_id)
        if not settings.channels.email.enabled:
            await _ask_later(work.db, work.shop_id, signup_id)
            return
        if signup.asked_at is None and not await _may_ask(work, signup_id, signup):
            log.info("optin.asked_often_enough", signup_id=str(signup_id))
            return
        own_templates = await templates.own_templates(work.db, work.shop_id, OPTIN_MAIL)
    notice = notice_of(run, shop, signup_id, signup.contact)
    locale = signup.locale or shop.locale
    own = own_templates.parts_for(locale)
    try:
        content = optin_request(
            notice,
            shop_name=shop.name,
            product_title=signup.product or shop.name,
            confirm_url=link(run.runtime, CONFIRM, shop.id, signup_id),
            locale=locale,
            shop_url=shop.storefront,
            brand=shop.brand,
            own=own,
        )
    except ValueError:
        # The error quotes the address or the link, which must not reach a log.
        raise GiveUp(
            "the mail could not be written: correct the signup's address, or OPENSTOQ_MAIL_SENDER"
        ) from None
    await note_failures(run, OPTIN_MAIL, own.failures)
    await send_single(run, notice, content)


@jobs.job(cron="*/5 * * * *")
async def ask_returned(run: Run) -> None:
    """Enqueue the mails that ask shoppers to confirm signups, if they could not be enqueued before.

    These are held signups, and signups of shoppers who had unsubscribed. The request that submits
    the form does not enqueue these mails: its longer response time would reveal that the shopper is
    known. Mails that came due while the e-mail channel was off are enqueued here, too.
    """
    async with run.work() as work:
        settings = await settings_store.load(work.db, work.shop_id)
        if not settings.channels.email.enabled:
            return
        for signup_id in await _returned(work.db, work.shop_id, SWEPT):
            work.enqueue(send_optin_request, signup_id=signup_id)


async def _unconfirmed(db: Connection, shop_id: UUID, signup_id: UUID) -> Unconfirmed | None:
    """Read a signup; return None unless it awaits its shopper's confirmation by e-mail."""
    row = await db.fetchrow(
        """
        SELECT s.contact, coalesce(s.mailbox, s.contact) AS mailbox,
               coalesce(s.locale, c.locale) AS locale, s.product_id,
               p.title AS product, s.optin_asked_at AS asked_at
        FROM signups s JOIN customers c ON c.shop_id = $1 AND c.id = s.customer_id
        LEFT JOIN products p ON p.shop_id = $1 AND p.id = s.product_id
        WHERE s.shop_id = $1 AND s.id = $2 AND s.channel = 'email' AND s.optin_required
          AND s.optin_confirmed_at IS NULL AND s.unsubscribed_at IS NULL
        """,
        shop_id,
        signup_id,
    )
    return Unconfirmed(**dict(row)) if row is not None else None


async def _may_ask(work: Work, signup_id: UUID, signup: Unconfirmed) -> bool:
    """Return whether a mail that asks for confirmation may be sent to the mailbox now.

    If it may, the mail is counted as sent.
    """
    now = work.runtime.clock()
    digest = work.runtime.ports.get(Seal).digest("asked contact", signup.mailbox)
    # The lock makes requests about different signups of a mailbox wait for each other.
    await work.db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", digest)
    asked = await work.db.fetchrow(
        """
        SELECT count(*) AS of_shop, count(*) FILTER (WHERE product_id = $3) AS of_product
        FROM signups
        WHERE shop_id = $1 AND mailbox = $2 AND channel = 'email' AND optin_asked_at > $4
        """,
        work.shop_id,
        signup.mailbox,
        signup.product_id,
        now - WINDOW,
    )
    if asked is None or asked["of_product"] >= MOST_OF_A_PRODUCT:
        return False
    if asked["of_shop"] >= MOST_OF_A_SHOP or not await shops.may_ask(
        work.db, digest, most=MOST_OF_ALL
    ):
        return False
    await work.db.execute(
        "UPDATE signups SET optin_asked_at = $3 WHERE shop_id = $1 AND id = $2",
        work.shop_id,
        signup_id,
        now,
    )
    return True


async def _ask_later(db: Connection, shop_id: UUID, signup_id: UUID) -> None:
    await db.execute(
        "UPDATE signups SET optin_to_ask = true WHERE shop_id = $1 AND id = $2", shop_id, signup_id
    )


async def _returned(db: Connection, shop_id: UUID, most: int) -> list[UUID]:
    rows = await db.fetch(
        """
        UPDATE signups SET optin_to_ask = false WHERE shop_id = $1 AND id IN (
            SELECT id FROM signups WHERE shop_id = $1 AND optin_to_ask
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING id
        """,
        shop_id,
        most,
    )
    return [row["id"] for row in rows]
