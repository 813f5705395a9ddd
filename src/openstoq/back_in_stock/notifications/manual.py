"""Notify shoppers by hand, regardless of stock."""

from collections.abc import Sequence

from openstoq.back_in_stock.notifications import waves
from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.signups.model import Signup
from openstoq.jobs.work import Work


async def start(work: Work, signups: Sequence[Signup]) -> None:
    """Start a manual wave for `signups`; the caller must lock them and check `rules.refusal`."""
    wave_id = await waves.start_manual(work.db, work.shop_id, signups, now=work.runtime.clock())
    work.enqueue(send_wave, wave_id=wave_id)
