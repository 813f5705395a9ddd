"""Rescue charges, refunds and orders that no job is working on any longer.

A job that fails too often is kept as failed for the operator. Money under way must not wait for the
operator, so a payment or an order that has stalled for a while is begun again. Beginning again is
harmless.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog

from openstoq.jobs import items
from openstoq.jobs.job import Job, JobSet
from openstoq.jobs.queue import FAILED, WAITING, waiting_arguments
from openstoq.jobs.work import Run, Work
from openstoq.preorders.orders.payments import charges, refunds
from openstoq.preorders.orders.payments.charges import charge
from openstoq.preorders.orders.payments.refunds import pay_back
from openstoq.preorders.orders.recovery import store as recovery_store
from openstoq.preorders.orders.sync import jobs as sync_jobs
from openstoq.preorders.orders.sync.jobs import SYNC, sync_order

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.resuming")

# Longer than the longest pause between two polls of a charge.
STILL = timedelta(minutes=15)
# The item kind under which failures are stored.
PAYMENT = "payment"
FAILED_FOR_GOOD = "its job failed for good, and was begun again; the queue's log says why"


@jobs.job(cron="*/10 * * * *")
async def resume(run: Run) -> None:
    """Begin stalled payments and orders again, except those that still have a job."""
    async with run.work() as work:
        db, shop_id, now = work.db, work.shop_id, work.runtime.clock()
        before = now - STILL
        # A charge may wait for days until the shopper authenticates it; its job still waits too, so
        # it needs no second one. A payment whose job failed for good is begun again after pauses
        # that grow.
        followed = {
            *await _waiting(work, charge, "payment_id"),
            *await _waiting(work, pay_back, "payment_id"),
        }
        await recovery_store.forget_settled(db, shop_id, PAYMENT)
        resting = await items.resting(db, shop_id, PAYMENT, now)
        payments = await recovery_store.stalled_payments(db, shop_id, before, [*followed, *resting])
        synced = await _waiting(work, sync_order, "order_id")
        orders = await recovery_store.stalled_orders(
            db, shop_id, before, list(synced), failed=SYNC, now=now
        )
        # A payment whose job was merely lost has not failed.
        failed = {
            *await _waiting(work, charge, "payment_id", FAILED),
            *await _waiting(work, pay_back, "payment_id", FAILED),
        }
        failures = {one: FAILED_FOR_GOOD for _, one, _ in payments if str(one) in failed}
        await items.remember(db, shop_id, PAYMENT, failures, now)
        for order_id, payment_id, kind in payments:
            request = refunds.request if kind == "refund" else charges.request
            request(work, order_id, payment_id)
        for order_id in orders:
            sync_jobs.request(work, order_id)
    if payments or orders:
        log.info("orders.resumed", payments=len(payments), orders=len(orders))


async def _waiting(
    work: Work, job: Job[Any], argument: str, statuses: Sequence[str] = WAITING
) -> set[str]:
    """Return the values that one argument of a job has in the job's enqueued runs.

    Only runs that have one of `statuses` count.
    """
    found = await waiting_arguments(work.db, work.shop_id, job.name, statuses)
    return {str(one[argument]) for one in found if argument in one}
