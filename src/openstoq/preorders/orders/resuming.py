"""Taking up what a failed job left: charges, refunds and orders that nobody works on any more.

A job that fails too often is put aside for the operator. Money that is under way must not wait
for that, so whatever has not moved for a while is begun again, which is harmless.
"""

from datetime import timedelta

import structlog

from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run
from openstoq.preorders.orders import waiting
from openstoq.preorders.orders.events import ChargeBegun, OrderDecided, RefundBegun

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.resuming")

# Longer than the longest pause of a job that follows a charge.
STILL = timedelta(minutes=15)


@jobs.job(cron="*/10 * * * *")
async def resume(run: Run) -> None:
    """Begin again what has not moved for a while; what still waits for its job is left to it."""
    async with run.work() as work:
        before = work.runtime.clock() - STILL
        payments = await waiting.stalled_payments(work.db, work.shop_id, before)
        orders = await waiting.stalled_orders(work.db, work.shop_id, before)
        for order_id, payment_id, kind in payments:
            begun = RefundBegun if kind == "refund" else ChargeBegun
            await work.publish(begun(order_id, payment_id))
        for order_id in orders:
            await work.publish(OrderDecided(order_id))
    if payments or orders:
        log.info("orders.resumed", payments=len(payments), orders=len(orders))
