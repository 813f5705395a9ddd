"""Cancelling a preorder: its units are free again, its money goes back where that was asked."""

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from openstoq.jobs.work import Work
from openstoq.kernel.ids import new_id
from openstoq.preorders.orders import letters, returns
from openstoq.preorders.orders.events import OrderDecided, RefundBegun
from openstoq.preorders.orders.model import Part, Payment, PreorderOrder
from openstoq.preorders.orders.returns import Reason
from openstoq.preorders.orders.saving import save

OVER_LIMIT = "over the limit of the preorder"


async def cancel(
    work: Work,
    order: PreorderOrder,
    *,
    reason: str | None,
    refund: Collection[Part],
    notify: bool,
    in_shop: bool,
    why: Literal["asked", "exceeded"] = "asked",
) -> list[Payment]:
    """Cancel a preorder that may be; return the refunds that were begun.

    A charge that was not handed over yet is called off. The order itself stays in the shop,
    unless `in_shop`.
    """
    now = work.runtime.clock()
    before = order.lines
    called_off = [
        replace(one, status="void", error="the preorder was cancelled", settled_at=now)
        for one in order.payments
        if one.kind == "balance" and one.status == "pending"
    ]
    dunned = [replace(one, retry_at=None) for one in order.payments if one.retry_at is not None]
    refunds = returns.refunds(order, refund, Reason(reason, notify=False), now)
    order.cancelled_at, order.cancel_reason = now, reason
    if in_shop:
        order.cancel_wanted = True
        order.revision += 1
    await save(work, order, before=before, payments=[*dunned, *called_off, *refunds])
    if in_shop:
        await work.publish(OrderDecided(order.order_id))
    for one in refunds:
        await work.publish(RefundBegun(order.order_id, one.id))
    if notify:
        work.enqueue(
            letters.send_cancellation, order_id=order.order_id, notice_id=new_id(), why=why
        )
    return refunds


async def cancel_exceeding(work: Work, order: PreorderOrder) -> None:
    """Cancel an order that went over a limit, in the shop too, with everything paid back."""
    await cancel(
        work,
        order,
        reason=OVER_LIMIT,
        refund=("deposit", "balance"),
        notify=True,
        in_shop=True,
        why="exceeded",
    )
