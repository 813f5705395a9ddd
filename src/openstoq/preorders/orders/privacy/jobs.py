"""Handle Shopify's privacy webhooks: mail a customer's data to the merchant, or erase it."""

from uuid import UUID

from openstoq.commerce.inbound import CustomerRedacted, DataRequested
from openstoq.jobs.job import JobSet, Lane
from openstoq.jobs.work import Run, Work
from openstoq.kernel.ids import new_id
from openstoq.preorders.orders.privacy import store as privacy_store
from openstoq.shops import store as shops
from openstoq.shops.inbound_webhooks.jobs import News
from openstoq.shops.single_mails import send_customer_data

jobs = JobSet("preorders.privacy")


@jobs.job(attempts=30, lane=Lane.SENDS)
async def send_customer_orders(run: Run, *, notice_id: UUID, order_ids: list[int]) -> None:
    """Mail the merchant the stored data of a customer's preorders, for the merchant to pass on."""
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        data = await privacy_store.export(work.db, work.shop_id, order_ids)
    await send_customer_data(run, shop, notice_id, subject_of="a customer's preorders", data=data)


async def on_news(work: Work, news: News) -> None:
    """Export or erase a customer's data; the orders and their amounts are kept for the books."""
    match news.change:
        case DataRequested(request):
            found = await privacy_store.orders_of(work.db, work.shop_id, request)
            if found:
                work.enqueue(send_customer_orders, notice_id=new_id(), order_ids=found)
        case CustomerRedacted(request):
            found = await privacy_store.orders_of(work.db, work.shop_id, request)
            await privacy_store.forget(work.db, work.shop_id, found)
        case _:
            return
