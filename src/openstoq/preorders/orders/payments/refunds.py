"""Refund money: a decision enters a refund in the ledger, and a job requests it from Shopify."""

from dataclasses import replace
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
    refund = await _begin(run, order_id, payment_id)
    if refund is None or refund.parent_id is None:
        return
    part = RefundPart(
        transaction_id=refund.parent_id,
        gateway=refund.gateway or "manual",
        amount=refund.amount,
        before=refund.returned_before or ZERO,
    )
    try:
        with patiently():
            made = await commerce.refund(
                order_id,
                [part],
                key=refund.idempotency_key,
                note=refund.note,
                notify=refund.notify,
            )
    except CommerceRefused as refusal:
        log.warning("refund.refused", order_id=order_id, error=str(refusal))
        await _fail(run, order_id, payment_id, str(refusal))
        return
    async with under_way(run, order_id, payment_id) as found:
        if found is not None:
            await found.succeed(made.transaction_ids)
    await read(run, commerce, order_id)


async def _begin(run: Run, order_id: int, payment_id: UUID) -> Payment | None:
    """Record that a refund is being requested, and return the refund.

    Returns None if the refund has ended already. A refund that an interrupted run began is
    continued.
    """
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return None
        payment = found.payment
        before = payment.returned_before
        if before is None:
            before = returned_before(found.order, payment)
        attempts = payment.attempts + 1
        begun = replace(payment, status="processing", attempts=attempts, returned_before=before)
        await found.save(begun)
        return begun


async def _fail(run: Run, order_id: int, payment_id: UUID, error: str) -> None:
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return
        now = run.runtime.clock()
        await found.save(replace(found.payment, status="failed", error=error, settled_at=now))
