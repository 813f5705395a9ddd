"""Start waves when stock changes, and recover from lost waves and lost stock webhooks."""

from collections.abc import Sequence

from openstoq.back_in_stock.notifications import due, waves
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.settings import store as settings_store
from openstoq.back_in_stock.signups import moves
from openstoq.catalog.jobs import refresh_stock
from openstoq.catalog.model import ProductsOpened, StockChanged, VariantReplaced
from openstoq.jobs.job import JobSet
from openstoq.jobs.queue import waiting_arguments
from openstoq.jobs.work import Run, Work

jobs = JobSet("back_in_stock.restock")


async def on_stock_changed(work: Work, change: StockChanged) -> None:
    """Start a wave of notifications if a sold-out variant is back in stock.

    The wave is saved in the transaction that saves the change of stock.
    """
    if change.after <= 0:
        return
    settings = await settings_store.load(work.db, work.shop_id)
    threshold = settings.delivery.stock_threshold
    if change.after < threshold or not settings.channels.email.enabled:
        return
    wave_id = await waves.start_restock(
        work.db,
        work.shop_id,
        change.variant_id,
        quantity=change.after,
        now=work.runtime.clock(),
    )
    if wave_id is not None:
        work.enqueue(send_wave, wave_id=wave_id)
    elif change.before is None or change.before < threshold:
        # It was not sold out, but shoppers may have signed up while it was not known or too few.
        await due.start(work, variant_ids=[change.variant_id])


async def on_products_opened(work: Work, opened: ProductsOpened) -> None:
    """Start waves for variants that got stock while nobody could open their products."""
    await due.start(work, product_ids=opened.product_ids)


async def on_variant_replaced(work: Work, replaced: VariantReplaced) -> None:
    """Move the waiting signups for a deleted variant to the variant that replaces it."""
    await _follow(work, [replaced.variant_id])


async def _follow(work: Work, variant_ids: Sequence[int] | None = None) -> None:
    now = work.runtime.clock()
    followed = await moves.follow(work.db, work.shop_id, now, variant_ids=variant_ids)
    if followed.variant_ids:
        await due.start(work, variant_ids=followed.variant_ids)
    if followed.has_more:
        work.enqueue(follow_replacements.once())


@jobs.job()
async def follow_replacements(run: Run) -> None:
    """Move the waiting signups that an earlier transaction has left at deleted variants.

    A transaction moves only some of the signups, so that it stays short. They move to the variants
    that replace the deleted ones.
    """
    async with run.work() as work:
        await _follow(work)


@jobs.job(cron="*/5 * * * *")
async def find_stragglers(run: Run) -> None:
    """Start waves that are due although nothing has changed, and resume waves that have no job.

    A wave becomes due without any change when a product's time of publication comes, or when a
    signup was committed just after the variant's wave had ended. If an unfinished wave has no job
    that is waiting or running, a job is enqueued for it.
    """
    async with run.work() as work:
        # A signup whose message was under way when its variant was replaced was not moved then.
        await _follow(work)
        await due.start(work)
        running = await waiting_arguments(work.db, work.shop_id, send_wave.name)
        under_way = {str(arguments.get("wave_id")) for arguments in running}
        begun = {effect.arguments["wave_id"] for effect in work.effects}
        for wave_id in await waves.unfinished(work.db, work.shop_id):
            if str(wave_id) not in under_way and wave_id not in begun:
                work.enqueue(send_wave.once(), wave_id=wave_id)


@jobs.job(cron="7,22,37,52 * * * *")
async def check_waitlisted_stock(run: Run) -> None:
    """Read the stock of sold-out variants with waiting shoppers, in case a webhook was lost."""
    async with run.work() as work:
        items = await waves.waited_for_items(work.db, work.shop_id)
    await refresh_stock(run, items)
