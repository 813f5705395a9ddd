"""Start waves when stock changes, and recover from lost waves and lost stock webhooks."""

from openstoq.back_in_stock.notifications import waves
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.settings import store as settings_store
from openstoq.catalog.jobs import refresh_stock
from openstoq.catalog.model import StockChanged
from openstoq.jobs.job import JobSet
from openstoq.jobs.queue import waiting_arguments
from openstoq.jobs.work import Run, Work

jobs = JobSet("back_in_stock.restock")


async def on_stock_changed(work: Work, change: StockChanged) -> None:
    """Start a wave when a sold-out variant is back in stock, in the transaction of the change."""
    if change.after <= 0:
        return
    settings = await settings_store.load(work.db, work.shop_id)
    if change.after < settings.delivery.stock_threshold or not settings.channels.email.enabled:
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


@jobs.job(cron="*/5 * * * *")
async def find_stragglers(run: Run) -> None:
    """Reopen waves that ended before a signup was visible, and enqueue unfinished waves again.

    A wave whose job is still waiting or running is left alone.
    """
    async with run.work() as work:
        await waves.reopen_for_missed(work.db, work.shop_id)
        running = await waiting_arguments(work.db, work.shop_id, send_wave.name)
        under_way = {str(arguments.get("wave_id")) for arguments in running}
        for wave_id in await waves.unfinished(work.db, work.shop_id):
            if str(wave_id) not in under_way:
                work.enqueue(send_wave.once(), wave_id=wave_id)


@jobs.job(cron="7,22,37,52 * * * *")
async def check_waitlisted_stock(run: Run) -> None:
    """Read the stock of sold-out variants with waiting shoppers, in case a webhook was lost."""
    async with run.work() as work:
        items = await waves.waited_for_items(work.db, work.shop_id)
    await refresh_stock(run, items)
