"""The ledger entry of a charge: opened, handed to Shopify, failed or retried. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from openstoq.kernel.ids import new_id
from openstoq.preorders.orders.model import Payment, PaymentMode, PreorderOrder

NO_METHOD = "the shopper left no payment method that can be charged"


def opened(order: PreorderOrder, mode: PaymentMode, now: datetime) -> Payment:
    """Return a new pending entry that collects the amount still owed."""
    payment_id = new_id()
    return Payment(
        id=payment_id,
        kind="balance",
        part="balance",
        mode=mode,
        amount=_owed(order),
        currency=order.currency,
        status="pending",
        idempotency_key=f"{payment_id}:1",
        created_at=now,
    )


def is_time(order: PreorderOrder, now: datetime) -> bool:
    """Return whether a due balance is to be charged now, for the first time or as a retry.

    Once the balance has an automatic charge, only the `retry_at` of a failed charge decides. So a
    balance that another run has just begun to charge is not charged twice.
    """
    tries = [one for one in order.payments if one.kind == "balance" and one.mode == "auto"]
    waits = [one.retry_at for one in order.payments if one.retry_at is not None]
    return any(at <= now for at in waits) or not (tries or waits)


def has_come_due(order: PreorderOrder, now: datetime) -> bool:
    """Return whether an unpaid balance has reached its due date and is to be charged now."""
    is_day = (
        order.decisions.collect == "when_due" and order.due_at is not None and order.due_at <= now
    )
    return is_day and order.facts.outstanding > 0 and is_time(order, now)


def reopened(payment: Payment) -> Payment:
    """Return a failed charge as pending again, under a new idempotency key."""
    return replace(
        payment,
        status="pending",
        idempotency_key=f"{payment.id}:{payment.attempts + 1}",
        reference=None,
        retry_at=None,
        begun_at=None,
        settled_at=None,
    )


def called_off(payments: Iterable[Payment]) -> list[Payment]:
    """Return the charges that are waiting for a retry, with the retry called off."""
    return [replace(one, retry_at=None) for one in payments if one.retry_at is not None]


def handed_over(payment: Payment, order: PreorderOrder, now: datetime) -> Payment:
    """Return a pending charge as being processed by Shopify, for the amount owed at this moment.

    Any other charge is returned unchanged. A run that resumes an interrupted run finds the charge
    handed over already. It repeats the request with the same idempotency key, so both requests
    count as one attempt.
    """
    if payment.status != "pending":
        return payment
    return replace(
        payment,
        status="processing",
        amount=_owed(order),
        attempts=payment.attempts + 1,
        begun_at=now,
    )


def failed(
    payment: Payment,
    error: str,
    retry_days: str,
    now: datetime,
    *,
    due_at: datetime | None,
) -> Payment:
    """Return a charge as failed, with the time of its retry if there is to be one.

    `retry_days`, such as "1,3,5,7", lists the days after the first attempt on which an automatic
    charge is retried. After the last of these days, there is no further retry. The pause before a
    retry is the difference between its day and the previous day of the list, so that late attempts
    do not follow each other at once. No retry is earlier than `due_at`.
    """
    days = [0, *sorted(int(day) for day in retry_days.split(","))]
    tries = max(payment.attempts, 1)
    retry_at: datetime | None = None
    if payment.mode == "auto" and tries < len(days):
        retry_at = now + timedelta(days=days[tries] - days[tries - 1])
        retry_at = max(retry_at, due_at) if due_at is not None else retry_at
    return replace(
        payment,
        status="failed",
        attempts=tries,
        error=error,
        settled_at=now,
        retry_at=retry_at,
    )


def parts_of(order: PreorderOrder, transaction_ids: Iterable[int]) -> list[Payment]:
    """Return the ledger entries of the payments that an automatic charge brought in.

    A reading of the order has entered these payments with the mode `link`, as paid by the shopper,
    because their amounts differ from the amount of the charge. They are returned with the mode
    `auto`.
    """
    ids = frozenset(transaction_ids)
    return [
        replace(one, mode="auto") if one.mode == "link" else one
        for one in order.payments
        if one.kind == "balance" and one.status == "succeeded" and one.transaction_id in ids
    ]


def failed_in_part(
    payment: Payment,
    error: str,
    retry_days: str,
    now: datetime,
    *,
    order: PreorderOrder,
    parts: Sequence[Payment],
) -> Payment:
    """Return a charge as failed, after only a part of its amount was received.

    `parts` are the entries of the money received. The returned entry has the amount that is still
    owed. If nothing is owed any more, because the shopper has paid the rest in another way, the
    returned entry is void.
    """
    rest = _owed(order)
    ended = max([now, *(one.settled_at for one in parts if one.settled_at is not None)])
    if rest <= 0:
        error = "nothing was left to pay by then"
        return replace(payment, status="void", error=error, settled_at=ended)
    declined = failed(payment, error, retry_days, now, due_at=order.due_at)
    return replace(declined, amount=rest, settled_at=ended)


def _owed(order: PreorderOrder) -> Decimal:
    schedule = order.open_schedule
    return schedule.balance_due if schedule is not None else order.facts.outstanding
