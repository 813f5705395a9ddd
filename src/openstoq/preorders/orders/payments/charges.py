"""Charge balances, and never twice, even if requests are repeated or runs are interrupted.

The ledger entry is committed before the request to Shopify. By the entry's idempotency key, Shopify
recognises a repeated request. PostgreSQL allows an order only one charge under way at a time.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Literal
from uuid import UUID

import structlog

from openstoq.commerce.orders import PaymentStatus
from openstoq.commerce.port import Commerce, CommerceRefused
from openstoq.jobs.items import each, forget, remember
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run, Work
from openstoq.kernel.ids import new_id
from openstoq.preorders.orders import mails, rules, store
from openstoq.preorders.orders.intake.take_in import read
from openstoq.preorders.orders.ledger import charge_entry
from openstoq.preorders.orders.model import Payment, PreorderOrder
from openstoq.preorders.orders.payments import store as payments_store
from openstoq.preorders.orders.payments.under_way import under_way
from openstoq.preorders.orders.saving import save
from openstoq.shops.commerce import commerce_of, patiently

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.charges")

# The item kind under which failures are stored; the item is the order whose balance failed.
BALANCE = "balance"
QUICKEST, SLOWEST = timedelta(seconds=1), timedelta(minutes=10)
# A charge fails if the shopper has not authenticated it within this time.
PATIENCE = timedelta(days=3)


async def begin(work: Work, order: PreorderOrder) -> Payment:
    """Begin to charge a balance, and return the new ledger entry.

    Retries of earlier charges are called off. The caller makes sure that the balance may be
    charged.
    """
    now = work.runtime.clock()
    entry = charge_entry.opened(order, "auto", now)
    called_off = charge_entry.called_off(order.payments)
    await save(work, order, before=order.lines, payments=[*called_off, entry])
    request(work, order.order_id, entry.id)
    return entry


async def mark_collected(work: Work, order: PreorderOrder) -> Payment:
    """Record that a balance was paid by other means, and return the ledger entry.

    The caller publishes OrderDecided, so that Shopify marks the order as paid too.
    """
    now = work.runtime.clock()
    paid = replace(charge_entry.opened(order, "manual", now), status="succeeded", settled_at=now)
    called_off = charge_entry.called_off(order.payments)
    order.collected_at = now
    order.decisions.paid_wanted = True
    order.decisions.revision += 1
    await save(work, order, before=order.lines, payments=[*called_off, paid])
    return paid


def request(work: Work, order_id: int, payment_id: UUID) -> None:
    """Enqueue the job that requests a charge from Shopify and polls the charge until it ends.

    `payment_id` is the id of the ledger entry of the charge.
    """
    work.enqueue(charge.once(), order_id=order_id, payment_id=payment_id)


@jobs.job(attempts=30)
async def charge(run: Run, *, order_id: int, payment_id: UUID) -> None:
    """Request a charge from Shopify, and poll the charge until it ends.

    The request is left out if an earlier run has made it and stored Shopify's reference.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    # If the shopper has paid meanwhile, such as by link, this reading ends the charge.
    await read(run, commerce, order_id)
    order, payment = await _hand_over(run, order_id, payment_id)
    if order is None or payment is None:
        return
    if payment.reference is None:
        payment = await _ask(run, commerce, order, payment)
    if payment is None or payment.reference is None:
        return
    with patiently():
        told = await commerce.payment_status(order_id, payment.reference)
    await _follow(run, commerce, order_id, payment, told)


@jobs.job(cron="*/5 * * * *")
async def collect_due(run: Run) -> None:
    """Begin the charges that are due: first charges of due balances, and retries of failed ones.

    Several runs may find the same orders, because due orders are looked up before they are locked.
    So each order is checked again under its lock.
    """
    async with run.work() as work:
        now = work.runtime.clock()
        due = await payments_store.due(work.db, work.shop_id, now)
        failures = await each(work, BALANCE, due, partial(_collect, work))
        done = [order_id for order_id in due if order_id not in failures]
        await forget(work.db, work.shop_id, BALANCE, done)
        await remember(work.db, work.shop_id, BALANCE, failures, now)


async def _collect(work: Work, order_ids: Sequence[int]) -> None:
    now, retry_days = work.runtime.clock(), work.runtime.settings.collection.retry_days
    due = await store.load(work.db, work.shop_id, order_ids, lock=True)
    changed: dict[int, list[Payment]] = {}
    for order in due.values():
        # While a refund is under way, the amount owed is not known.
        if order.refund_under_way is not None or not charge_entry.is_time(order, now):
            continue
        again = next((one for one in order.payments if one.retry_at is not None), None)
        if rules.unchargeable(order, auto=False) is not None:
            changed[order.order_id] = [replace(again, retry_at=None)] if again else []
            continue
        one = charge_entry.reopened(again) if again else charge_entry.opened(order, "auto", now)
        if order.mandate is None:
            tried = replace(one, attempts=one.attempts + 1)
            one = charge_entry.failed(
                tried, charge_entry.NO_METHOD, retry_days, now, due_at=order.due_at
            )
            _notify(work, order, one)
        else:
            request(work, order.order_id, one.id)
        changed[order.order_id] = [one]
    await store.save_payments(work.db, work.shop_id, changed, now)


async def _hand_over(
    run: Run, order_id: int, payment_id: UUID
) -> tuple[PreorderOrder | None, Payment | None]:
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return None, None
        begun = charge_entry.handed_over(found.payment, found.order, run.runtime.clock())
        if begun != found.payment:
            await found.save(begun)
        return found.order, begun


async def _ask(
    run: Run, commerce: Commerce, order: PreorderOrder, payment: Payment
) -> Payment | None:
    if order.mandate is None:
        await _fail(run, order.order_id, payment.id, charge_entry.NO_METHOD)
        return None
    schedule = order.open_schedule
    try:
        with patiently():
            reference = await commerce.charge_mandate(
                order.order_id,
                order.mandate.id,
                key=payment.idempotency_key,
                schedule_id=schedule.id if schedule is not None else None,
            )
    except CommerceRefused as refusal:
        await _fail(run, order.order_id, payment.id, str(refusal))
        return None
    return await _note_reference(run, order.order_id, payment.id, reference)


async def _follow(
    run: Run, commerce: Commerce, order_id: int, payment: Payment, told: PaymentStatus
) -> None:
    now = run.runtime.clock()
    waited = now - (payment.begun_at or payment.created_at)
    if told.state == "succeeded":
        await _succeed(run, order_id, payment.id, told.transaction_ids)
        await read(run, commerce, order_id)
    elif told.state == "partial":
        # What came has to be in the ledger before the rest is asked for.
        await read(run, commerce, order_id)
        await _fail_in_part(run, order_id, payment.id, told)
    elif told.state == "failed":
        await _fail(run, order_id, payment.id, told.error or "the charge was declined")
    elif told.state == "authenticate" and waited > PATIENCE:
        await _fail(run, order_id, payment.id, "the shopper did not authenticate the charge")
    else:
        if told.state == "authenticate" and payment.status != "authenticate":
            await _ask_to_authenticate(run, order_id, payment.id)
        raise Retry("the charge is under way", delay=min(max(waited / 4, QUICKEST), SLOWEST))


async def _note_reference(
    run: Run, order_id: int, payment_id: UUID, reference: str
) -> Payment | None:
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return None
        asked = replace(found.payment, reference=reference)
        await found.save(asked)
        return asked


async def _succeed(
    run: Run, order_id: int, payment_id: UUID, transaction_ids: Sequence[int]
) -> None:
    async with under_way(run, order_id, payment_id) as found:
        if found is not None:
            await found.succeed(transaction_ids)


async def _ask_to_authenticate(run: Run, order_id: int, payment_id: UUID) -> None:
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return
        await found.save(replace(found.payment, status="authenticate"))
        found.work.enqueue(
            mails.send_payment_link, order_id=order_id, notice_id=new_id(), why="authenticate"
        )


async def _fail(run: Run, order_id: int, payment_id: UUID, error: str) -> None:
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return
        retry_days = run.runtime.settings.collection.retry_days
        failed = charge_entry.failed(
            found.payment, error, retry_days, run.runtime.clock(), due_at=found.order.due_at
        )
        await found.save(failed)
        _notify(found.work, found.order, failed)
        log.info("charge.failed", order_id=order_id, attempts=failed.attempts)


async def _fail_in_part(run: Run, order_id: int, payment_id: UUID, told: PaymentStatus) -> None:
    async with under_way(run, order_id, payment_id) as found:
        if found is None:
            return
        parts = charge_entry.parts_of(found.order, told.transaction_ids)
        failed = charge_entry.failed_in_part(
            found.payment,
            told.error or "a part of the charge was declined",
            run.runtime.settings.collection.retry_days,
            run.runtime.clock(),
            order=found.order,
            parts=parts,
        )
        await found.save(*parts, failed)
        if failed.status == "failed":
            _notify(found.work, found.order, failed)
        log.info("charge.failed_in_part", order_id=order_id, attempts=failed.attempts)


def _notify(work: Work, order: PreorderOrder, failed: Payment) -> None:
    """Mail the shopper a link to pay the balance; notify the merchant after the last attempt.

    The shopper is not asked to pay before the due day, even if the merchant charged earlier.
    """
    if order.due_at is not None and work.runtime.clock() < order.due_at:
        return
    why: Literal["due", "declined"] = (
        "due" if failed.error == charge_entry.NO_METHOD else "declined"
    )
    work.enqueue(mails.send_payment_link, order_id=order.order_id, notice_id=new_id(), why=why)
    if failed.mode == "auto" and failed.retry_at is None:
        work.enqueue(mails.tell_merchant_uncollected, order_id=order.order_id, notice_id=new_id())
