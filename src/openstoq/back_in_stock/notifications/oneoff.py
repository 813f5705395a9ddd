"""The mail that asks a shopper to confirm a signup."""

from dataclasses import dataclass
from uuid import UUID

from openstoq.back_in_stock.notifications.links import CONFIRM, link
from openstoq.db.pool import Connection
from openstoq.jobs.job import JobSet, Lane
from openstoq.jobs.work import Run
from openstoq.messaging.render import optin_request
from openstoq.shops import store as shops
from openstoq.shops.mails import notice_of, send_one

jobs = JobSet("back_in_stock.mails")


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A signup whose shopper is to be asked."""

    contact: str
    locale: str | None
    product: str | None


@jobs.job(attempts=30, lane=Lane.SENDS)
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
