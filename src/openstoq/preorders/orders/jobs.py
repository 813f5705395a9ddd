"""Jobs that read markets, orders that webhooks name, and orders whose webhooks were lost."""

from datetime import timedelta

from openstoq.catalog import markets
from openstoq.commerce.inbound import (
    FulfillmentOrderChanged,
    MarketsChanged,
    OrderChanged,
    OrderDeleted,
    PaymentScheduleDue,
)
from openstoq.commerce.port import Commerce
from openstoq.jobs.items import Failed, counts, forget, remember, rested
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run, Work
from openstoq.kernel.alone import alone
from openstoq.preorders.orders import reconcile_cursor, store
from openstoq.preorders.orders.intake.take_in import may_become_ours, take_in
from openstoq.preorders.orders.ledger import charge_entry
from openstoq.preorders.orders.payments import charges
from openstoq.preorders.orders.recognition import store as recognition
from openstoq.preorders.orders.saving import save
from openstoq.preorders.orders.sync import jobs as sync_jobs
from openstoq.shops.commerce import asking, commerce_of, patiently
from openstoq.shops.inbound_webhooks.jobs import News
from openstoq.shops.installation import Installed

jobs = JobSet("preorders.ingest")

# Webhooks may be hours late or lost, so passes search for updated orders. A pass also covers this
# much time before the previous pass began.
OVERLAP = timedelta(minutes=10)
# The delay before an order is read again because one of its selling plans may be ours.
LATER = timedelta(seconds=30)
# The item kinds under which failures are stored, and how many failed orders a pass retries.
ORDER, MARKET, MOST_AGAIN = "order", "market", 100
DELETED = "the order was deleted in Shopify"


def request(work: Work, order_id: int) -> None:
    """Enqueue the job that reads an order, unless the same job is already waiting."""
    work.enqueue(read_order.once(), order_id=order_id)


@jobs.job()
async def read_order(run: Run, *, order_id: int) -> None:
    """Read an order from Shopify, store it, and make the changes in Shopify that follow from it.

    After several failed runs the failure is stored, and `reconcile` retries the order later.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    failures: dict[int, str] = {}
    with asking(), alone(ORDER, order_id, failures):
        await _read_order(run, commerce, order_id)
    if failures and not counts(run):
        raise Failed(failures[order_id])
    async with run.work() as work:
        if failures:
            await remember(work.db, work.shop_id, ORDER, failures, work.runtime.clock())
        else:
            await forget(work.db, work.shop_id, ORDER, [order_id])


async def _read_order(run: Run, commerce: Commerce, order_id: int) -> None:
    read_at = run.runtime.clock()
    with patiently():
        order = await commerce.order(order_id)
    async with run.work() as work:
        if order is None:
            await _end(work, order_id)
            return
        taken = await take_in(work, order, read_at=read_at)
        if await may_become_ours(work, order, read_at):
            work.enqueue(read_order.once(after=LATER), order_id=order_id)
        if taken is not None and charge_entry.has_come_due(taken, read_at):
            work.enqueue(charges.collect_due.once())
    if taken is not None and taken.decisions.revision > taken.synced.revision:
        # If the run dies here, the job is repeated from its start, and the revision is still ahead.
        await sync_jobs.follow(run, commerce, order, read_at=read_at)


@jobs.job(cron="50 3 * * *")
async def read_markets(run: Run) -> None:
    """Read which markets sell to which countries, whenever they change and every night."""
    commerce = await commerce_of(run)
    if commerce is None:
        return
    unreadable: dict[int, str] = {}
    with asking():
        read = await commerce.markets(unreadable)
    async with run.work() as work:
        await markets.save_markets(work.db, work.shop_id, read, unreadable)
        await forget(work.db, work.shop_id, MARKET, [market.id for market in read])
        await remember(work.db, work.shop_id, MARKET, unreadable, work.runtime.clock())


@jobs.job(cron="*/15 * * * *")
async def reconcile(run: Run) -> None:
    """Find orders whose webhooks were lost, and enqueue the job that reads each of them.

    Orders that could not be read are tried again too, once their pause is over. Updated orders are
    listed page by page, and an interrupted pass is resumed.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    now = run.runtime.clock()
    async with run.work() as work:
        if not await recognition.has_offers(work.db, work.shop_id):
            return
        begun = await reconcile_cursor.begin(work.db, work.shop_id, now=now, overlap=OVERLAP)
        await recognition.forget(work.db, work.shop_id, now - recognition.REMEMBERED)
        for failed in await rested(work.db, work.shop_id, ORDER, now, MOST_AGAIN):
            request(work, int(failed))
    with asking():
        async for page in commerce.orders_updated(begun.since, after=begun.cursor):
            async with run.work() as work:
                wanted = await recognition.of_interest(work.db, work.shop_id, page.orders)
                for order_id in wanted:
                    request(work, order_id)
                await reconcile_cursor.advance(work.db, work.shop_id, page.cursor)
            if run.runtime.stopping.is_set():
                raise Retry("the worker is stopping")
    async with run.work() as work:
        await reconcile_cursor.finish(work.db, work.shop_id, upto=begun.upto)


async def on_installed(work: Work, _: Installed) -> None:
    """Enqueue the job that reads the markets, because orders are assigned to them."""
    work.enqueue(read_markets.once())


async def on_news(work: Work, news: News) -> None:
    """Enqueue the job that reads the order or the markets that a webhook names.

    An order that cannot be a preorder is not read. When a payment schedule comes due, its order is
    read only if money is still owed for the order. A preorder whose order was deleted in Shopify is
    cancelled at once.
    """
    db, shop_id = work.db, work.shop_id
    match news.change:
        case OrderChanged(order_id):
            if await recognition.is_of_interest(db, shop_id, order_id):
                request(work, order_id)
        case OrderDeleted(order_id):
            await _end(work, order_id)
        case FulfillmentOrderChanged(fulfillment_order_ids):
            found = await recognition.order_of_fulfillment_orders(
                db, shop_id, fulfillment_order_ids
            )
            if found is not None:
                request(work, found)
        case PaymentScheduleDue(schedule_id):
            found = await recognition.order_of_schedule(db, shop_id, schedule_id)
            if found is not None:
                request(work, found)
        case MarketsChanged():
            work.enqueue(read_markets.once())
        case _:
            return


async def _end(work: Work, order_id: int) -> None:
    """Cancel a preorder whose order was deleted in Shopify."""
    order = await store.load_order(work.db, work.shop_id, order_id, lock=True)
    if order is None or order.decisions.cancelled_at is not None:
        return
    order.decisions.cancelled_at, order.decisions.cancel_reason = work.runtime.clock(), DELETED
    await save(work, order, before=order.lines)
