"""Save an order with everything that follows from it, in one transaction."""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from openstoq.jobs.work import Work
from openstoq.preorders.offers import store as offers
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.orders import store
from openstoq.preorders.orders.events import BalanceCollected
from openstoq.preorders.orders.limits import counts
from openstoq.preorders.orders.model import Line, Payment, PreorderOrder
from openstoq.preorders.orders.state import derive


async def save(
    work: Work,
    order: PreorderOrder,
    *,
    before: Sequence[Line],
    payments: Iterable[Payment] = (),
) -> None:
    """Derive an order's state, and write the order, its lines, and the ledger's changed entries.

    `before` holds the lines as they were stored. The counts of variants are adjusted by the
    difference between those lines and the order's lines now.
    """
    db, shop_id, now = work.db, work.shop_id, work.runtime.clock()
    changed = {one.id: one for one in payments}
    kept = [one for one in order.payments if one.id not in changed]
    order.updated_at = now
    was_collected = order.collected_at is not None
    derive(order, [*kept, *changed.values()], now)
    if before and order.collected_at is not None and not was_collected:
        await work.publish(BalanceCollected(order.order_id))
    await store.save(db, shop_id, order)
    await store.save_payments(db, shop_id, {order.order_id: changed.values()}, now)
    if order.lines != tuple(before):
        if _counted(before) != _counted(order.lines):
            # Lock all offers and variants before changing any, or two transactions can deadlock.
            await counts.lock(db, shop_id, order.lines)
        await store.save_lines(db, shop_id, order, order.lines)
        if await counts.add(db, shop_id, before, order.lines):
            await _stop_or_go_on(work, before, order.lines)
            storefront_jobs.request(work)


def _counted(lines: Iterable[Line]) -> dict[int, int]:
    return {line.id: line.counted for line in lines if line.counted}


async def _stop_or_go_on(work: Work, before: Sequence[Line], after: Sequence[Line]) -> None:
    """Stop selling variants that have just sold out; resume selling those available again.

    The order's own variants are updated here. If the order makes an offer reach its total limit, or
    takes it below that limit again, a job updates the offer's other variants. There may be 20,000
    of them, and locking them all would block other orders.
    """
    db, shop_id = work.db, work.shop_id
    changes: Counter[UUID] = Counter()
    for line in after:
        changes[line.offer_id] += line.counted
    for line in before:
        changes[line.offer_id] -= line.counted
    found = await offers.all_of(db, shop_id, list(changes))
    totals = {one.id: most for one in found if (most := one.own_limits.total.max) is not None}
    sold = await counts.sold_units(db, shop_id, list(totals))
    turned = [
        offer_id
        for offer_id, most in totals.items()
        if (sold.get(offer_id, 0) >= most) != (sold.get(offer_id, 0) - changes[offer_id] >= most)
    ]
    for offer_id in turned:
        storefront_jobs.request_all(work, offer_id)
    variants = sorted({line.variant_id for line in (*before, *after)})
    await policies.follow(work, variants, work.runtime.clock())
