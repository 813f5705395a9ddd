"""Refund money: a decision enters a refund in the ledger, and a job requests it from Shopify."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import structlog

from openstoq.commerce.orders import RefundPart
from openstoq.commerce.port import CommerceRefused
from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run, Work
from openstoq.preorders.orders.events import RefundBegun
from openstoq.preorders.orders.intake.take_in import read
from openstoq.preorders.orders.ledger.refund_plan import returned_before
from openstoq.preorders.orders.model import ZERO, Payment
from openstoq.preorders.orders.payments.under_way import under_way
from openstoq.shops.commerce import commerce_of, patiently

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.refunds")


async def on_begun(work: Work, begun: RefundBegun) -> None:
    """Enqueue the job that requests a refund from Shopify."""
    request(work, begun.order_id, begun.payment_id)


def request(work: Work, order_id: int, payment_id: UUID) -> None:
    """Enqueue the job that requests the refund of a ledger entry from Shopify."""
    work.enqueue(pay_back.once(), order_id=order_id, payment_id=payment_id)


@jobs.job(attempts=30)
async def pay_back(run: Run, *, order_id: int, payment_id: UUID) -> None:
    """Request a refund from Shopify, and record the outcome.

    The ledger entry's idempotency key prevents a second refund after an interrupted run. Shopify
    forgets keys after a day, so the order is read first: the order shows a refund that was already
    made.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    await read(run, commerce, order_id)
    refund, before = await _begin(run, order_id, payment_id)
    if refund is None or refund.parent_id is None:
        return
    part = RefundPart(
        transaction_id=refund.parent_id,
        gateway=refund.gateway or "manual",
        amount=refund.amount,
        before=before,
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
        await _end(run, order_id, payment_id, error=str(refusal))
        return
    await _end(run, order_id, payment_id, error=None)
    await read(run, commerce, order_id)


async def _begin(run: Run, order_id: int, payment_id: UUID) -> tuple[Payment | None, Decimal]:
    """Begin a refund; return it with the amount of its payment that was paid back before.

    The refund is None if it has ended.
    """
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return None, ZERO
        attempts = found.payment.attempts + 1
        begun = replace(found.payment, status="processing", attempts=attempts)
        await found.save(begun)
        return begun, returned_before(found.order, begun)


async def _end(run: Run, order_id: int, payment_id: UUID, *, error: str | None) -> None:
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return
        ended = replace(
            found.payment,
            status="failed" if error else "succeeded",
            error=error,
            settled_at=run.runtime.clock(),
        )
        await found.save(ended)
