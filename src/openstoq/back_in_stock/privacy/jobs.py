"""Doing what Shopify's privacy webhooks require, in the transaction that works them off."""

from uuid import UUID

from openstoq.back_in_stock.privacy import store
from openstoq.commerce.inbound import CustomerRedacted, DataRequested, ShopRedacted
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run, Work
from openstoq.shops import mails
from openstoq.shops import store as shops
from openstoq.shops.webhooks import News

jobs = JobSet("back_in_stock.privacy")


@jobs.job(attempts=30)
async def send_customer_data(
    run: Run, *, request_id: UUID, customer_ids: list[UUID], shopify_customer_id: int | None
) -> None:
    """Mail the merchant what is stored of a customer, as Shopify's data request demands."""
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        data = await store.export(work.db, work.shop_id, customer_ids)
    subject_of = f"customer {shopify_customer_id or 'without a Shopify id'}"
    await mails.send_customer_data(run, shop, request_id, subject_of=subject_of, data=data)
    async with run.work() as work:
        outcome = {"customers_found": len(customer_ids), "sent_to_merchant": True}
        await store.complete(work.db, work.shop_id, request_id, outcome, run.runtime.clock())


async def on_news(work: Work, news: News) -> None:
    """Answer a privacy webhook.

    customers/data_request: what is stored goes to the merchant, who answers the customer.
    customers/redact: the customer goes, with signups and messages. shop/redact: everything of
    the shop goes, unless the app was installed again since.
    """
    db, shop_id, now = work.db, work.shop_id, work.runtime.clock()
    match news.change:
        case DataRequested(request):
            note = await store.note(db, shop_id, "customers/data_request", now)
            found = await store.customers(db, shop_id, request)
            work.enqueue(
                send_customer_data,
                request_id=note,
                customer_ids=found,
                shopify_customer_id=request.customer_id,
            )
        case CustomerRedacted(request):
            note = await store.note(db, shop_id, "customers/redact", now)
            found = await store.customers(db, shop_id, request)
            gone = await store.forget(db, shop_id, found)
            await store.complete(db, shop_id, note, {"customers_deleted": gone}, now)
        case ShopRedacted():
            await shops.erase(db, shop_id)
        case _:
            return
