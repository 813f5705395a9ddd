"""Handle Shopify's privacy webhooks: delete the data at once, or enqueue a job that mails it."""

from uuid import UUID

import structlog

from openstoq.back_in_stock.privacy import store
from openstoq.commerce.inbound import (
    CustomerRedacted,
    DataRequested,
    PrivacyRequest,
    ShopRedacted,
)
from openstoq.jobs.job import JobSet, Lane
from openstoq.jobs.work import Run, Work
from openstoq.kernel.contacts import email_forms, phone_number
from openstoq.shops import single_mails
from openstoq.shops import store as shops
from openstoq.shops.inbound_webhooks.jobs import News

log = structlog.get_logger(__name__)

jobs = JobSet("back_in_stock.privacy")


@jobs.job(attempts=30, lane=Lane.SENDS)
async def send_customer_data(
    run: Run, *, request_id: UUID, customer_ids: list[UUID], shopify_customer_id: int | None
) -> None:
    """Mail the merchant the data stored about a customer, as required by Shopify's data request."""
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        data = await store.export(
            work.db, work.shop_id, customer_ids, shopify_id=shopify_customer_id
        )
    subject_of = f"customer {shopify_customer_id or 'without a Shopify id'}"
    await single_mails.send_customer_data(run, shop, request_id, subject_of=subject_of, data=data)
    async with run.work() as work:
        outcome = {"customers_found": len(customer_ids), "sent_to_merchant": True}
        await store.complete(work.db, work.shop_id, request_id, outcome, run.runtime.clock())


async def on_news(work: Work, news: News) -> None:
    """Handle a privacy webhook.

    customers/data_request: a job mails the stored data to the merchant, who passes it on to the
    customer. customers/redact: the customer is deleted, along with signups and messages.
    shop/redact: all data of the shop is deleted, unless the app has been installed again.
    """
    db, shop_id, now = work.db, work.shop_id, work.runtime.clock()
    match news.change:
        case DataRequested(request):
            note = await store.note(db, shop_id, "customers/data_request", now)
            found = await _customers(work, request)
            work.enqueue(
                send_customer_data,
                request_id=note,
                customer_ids=found,
                shopify_customer_id=request.customer_id,
            )
        case CustomerRedacted(request):
            note = await store.note(db, shop_id, "customers/redact", now)
            found = await _customers(work, request)
            gone = await store.forget(db, shop_id, found)
            if request.customer_id is not None:
                await store.forget_signups(db, shop_id, request.customer_id)
            await store.complete(db, shop_id, note, {"customers_deleted": gone}, now)
        case ShopRedacted():
            await shops.erase(db, shop_id)
        case _:
            return


async def _customers(work: Work, request: PrivacyRequest) -> list[UUID]:
    """Return the ids of the customers that match a privacy request.

    A customer matches by Shopify id, e-mail address or phone number. Shopify sends a phone number
    as the customer wrote it. A number without a country code is read as a number of the customer's
    country, or of the shop's country if the customer's is unknown. A number that cannot be read
    matches no customer.
    """
    emails = [f"email:{form}" for form in email_forms(request.email)]
    found = await store.customers(
        work.db, work.shop_id, shopify_id=request.customer_id, identities=emails
    )
    written = (request.phone or "").strip()
    if not written:
        return list(found)
    countries: set[str | None] = {country for country in found.values() if country}
    if not countries:
        shop = await shops.load(work.db, work.shop_id)
        countries = {shop.country if shop is not None else None}
    numbers = [phone_number(written, country) for country in countries]
    phones = [f"sms:{number}" for number in numbers if number is not None]
    if not phones:
        log.warning("privacy.phone_unreadable", shop_id=str(work.shop_id))
    return list(found | await store.customers(work.db, work.shop_id, identities=phones))
