"""Notify shoppers who are waiting for a variant that is already for sale."""

from collections.abc import Sequence

from openstoq.back_in_stock.notifications import due_waves
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.settings import store as settings_store
from openstoq.jobs.work import Work


async def start(
    work: Work,
    *,
    variant_ids: Sequence[int] | None = None,
    product_ids: Sequence[int] | None = None,
) -> None:
    """Start the waves that are due, and enqueue the jobs that send them.

    `variant_ids` or `product_ids` limit the variants; without either, all variants are considered.
    If the shop's e-mail channel is off, nothing is started.
    """
    settings = await settings_store.load(work.db, work.shop_id)
    if not settings.channels.email.enabled:
        return
    begun = await due_waves.start(
        work.db,
        work.shop_id,
        threshold=settings.delivery.stock_threshold,
        now=work.runtime.clock(),
        variant_ids=variant_ids,
        product_ids=product_ids,
    )
    for wave_id in begun:
        work.enqueue(send_wave, wave_id=wave_id)
