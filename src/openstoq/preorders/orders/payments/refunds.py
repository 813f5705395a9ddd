"""Paying money back: written in the ledger by whoever decides it, asked of the shop by a job."""

from dataclasses import replace
from uuid import UUID

import structlog

from openstoq.commerce.orders import RefundPart
from openstoq.commerce.port import CommerceRefused
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run, Work
from openstoq.preorders.orders import store
from openstoq.preorders.orders.events import RefundBegun
from openstoq.preorders.orders.intake.take_in import read
from openstoq.preorders.orders.model import Payment
from openstoq.preorders.orders.saving import save
from openstoq.shops.commerce import commerce_of, patiently

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.refunds")


async def on_begun(work: Work, begun: RefundBegun) -> None:
    """Have a refund made."""
    work.coalesce(pay_back, order_id=begun.order_id, payment_id=begun.payment_id)


@jobs.job(attempts=30)
async def pay_back(run: Run, *, order_id: int, payment_id: UUID) -> None:
    """Have the shop pay money back, and take in what became of it.

    The key is the ledger entry's, so a run that was cut short pays nothing twice. The platform
    forgets keys after a day, so the order is read first: a refund that was made shows there.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    await read(run, commerce, order_id)
    refund = await _begin(run, order_id, payment_id)
    if refund is None or refund.parent_id is None:
        return
    part = RefundPart(
        transaction_id=refund.parent_id, gateway=refund.gateway or "manual", amount=refund.amount
    )
    try:
        with patiently():
            await commerce.refund(
                order_id,
                [part],
                key=refund.idempotency_key,
                note=refund.note,
                notify=refund.notify,
            )
    except CommerceRefused as refusal:
        log.warning("refund.refused", order_id=order_id, error=str(refusal))
        await _settle(run, order_id, payment_id, error=str(refusal))
        return
    await _settle(run, order_id, payment_id, error=None)
    await read(run, commerce, order_id)


async def _begin(run: Run, order_id: int, payment_id: UUID) -> Payment | None:
    async with run.work() as work:
        found = await store.load_under_way(work.db, work.shop_id, order_id, payment_id)
        if found is None:
            return None
        order, refund = found
        begun = replace(refund, status="processing", attempts=refund.attempts + 1)
        await save(work, order, before=order.lines, payments=[begun])
        return begun


async def _settle(run: Run, order_id: int, payment_id: UUID, *, error: str | None) -> None:
    async with run.work() as work:
        found = await store.load_under_way(work.db, work.shop_id, order_id, payment_id)
        if found is None:
            return
        order, refund = found
        settled = replace(
            refund,
            status="failed" if error else "succeeded",
            error=error,
            settled_at=work.runtime.clock(),
        )
        await save(work, order, before=order.lines, payments=[settled])
