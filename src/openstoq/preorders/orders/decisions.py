"""Decide about an order: hold, release, split, tag or cancel it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from openstoq.errors import Conflict
from openstoq.jobs.work import Work
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers import store as offers
from openstoq.preorders.orders import mails, rules
from openstoq.preorders.orders.events import OrderDecided, RefundBegun
from openstoq.preorders.orders.ledger import charge_entry, refund_plan
from openstoq.preorders.orders.ledger.refund_plan import Reason
from openstoq.preorders.orders.model import Part, Payment, PreorderOrder
from openstoq.preorders.orders.saving import save

OVER_LIMIT_REASON = "over the limit of the preorder"


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
    """Cancel a preorder, begin to refund the parts of the price in `refund`; return the refunds.

    `refund` may contain the deposit, the balance, or both. The caller makes sure that the preorder
    may be cancelled. A charge that has not been handed to Shopify yet becomes void, and retries of
    failed charges are called off. The order is cancelled in Shopify only with `in_shop`. With
    `notify`, the shopper is mailed.
    """
    now = work.runtime.clock()
    before = order.lines
    voided = [
        replace(one, status="void", error="the preorder was cancelled", settled_at=now)
        for one in order.payments
        if one.kind == "balance" and one.status == "pending"
    ]
    called_off = charge_entry.called_off(order.payments)
    refunds = refund_plan.refunds(order, refund, Reason(reason, notify=False), now)
    order.decisions.cancelled_at, order.decisions.cancel_reason = now, reason
    if in_shop:
        order.decisions.cancel_wanted = True
        order.decisions.revision += 1
    await save(work, order, before=before, payments=[*called_off, *voided, *refunds])
    if in_shop:
        await work.publish(OrderDecided(order.order_id))
    for one in refunds:
        await work.publish(RefundBegun(order.order_id, one.id))
    if notify:
        work.enqueue(mails.send_cancellation, order_id=order.order_id, notice_id=new_id(), why=why)
    return refunds


async def cancel_exceeding(work: Work, order: PreorderOrder) -> None:
    """Cancel an order that exceeds a limit, here and in Shopify, and refund everything."""
    await cancel(
        work,
        order,
        reason=OVER_LIMIT_REASON,
        refund=("deposit", "balance"),
        notify=True,
        in_shop=True,
        why="exceeded",
    )


async def release(
    work: Work, order: PreorderOrder, *, force: bool, tags: Sequence[str] | None
) -> None:
    """Release an order's holds, and tag the order with `tags` and with its offers' tags.

    If `tags` is None, no tags are added at all. Raises Conflict when the state or the
    outstanding balance forbids the release.
    """
    obstacle = rules.unreleasable(order, force=force)
    if obstacle is not None:
        raise Conflict(obstacle)
    if tags is not None:
        ids = list(dict.fromkeys(line.offer_id for line in order.lines))
        selling = await offers.all_of(work.db, work.shop_id, ids)
        wanted = [tag for offer in selling for tag in offer.checkout.order_tags]
        order.decisions.tags_wanted = list(
            dict.fromkeys([*order.decisions.tags_wanted, *wanted, *tags])
        )
    order.decisions.hold_wanted = False
    order.decisions.released_at = work.runtime.clock()
    await _decided(work, order)


async def hold(work: Work, order: PreorderOrder) -> None:
    """Hold an order's preordered items, even if they were released before.

    Existing holds are not changed. Raises Conflict when the order's state forbids a hold.
    """
    obstacle = rules.obstacle("hold", order)
    if obstacle is not None:
        raise Conflict(obstacle)
    order.decisions.hold_wanted = True
    order.decisions.released_at = None
    await _decided(work, order)


async def split(work: Work, order: PreorderOrder) -> None:
    """Split the preordered items of an order from its other items, so that they ship separately.

    Raises Conflict when the order's state forbids a split.
    """
    obstacle = rules.obstacle("split", order)
    if obstacle is not None:
        raise Conflict(obstacle)
    order.decisions.split_wanted = True
    await _decided(work, order)


async def tag(work: Work, order: PreorderOrder, add: Sequence[str], remove: Sequence[str]) -> None:
    """Add tags to an order, and remove others."""
    gone, wanted = {tag.casefold() for tag in remove}, {tag.casefold() for tag in add}
    kept = [tag for tag in order.decisions.tags_wanted if tag.casefold() not in gone]
    unwanted = [tag for tag in order.decisions.tags_unwanted if tag.casefold() not in wanted]
    order.decisions.tags_wanted = list(dict.fromkeys([*kept, *add]))
    order.decisions.tags_unwanted = list(dict.fromkeys([*unwanted, *remove]))
    await _decided(work, order)


async def _decided(work: Work, order: PreorderOrder) -> None:
    order.decisions.revision += 1
    # The error belongs to an earlier decision; `store.save` clears it in the database as well.
    order.synced.error = None
    await save(work, order, before=order.lines)
    await work.publish(OrderDecided(order.order_id))
