"""Writing an order with everything that follows from it, in one transaction."""

from collections.abc import Iterable, Sequence

from openstoq.jobs.work import Work
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers import membership
from openstoq.preorders.offers import store as offers
from openstoq.preorders.offers import sync as offer_sync
from openstoq.preorders.orders import counts, letters, store
from openstoq.preorders.orders.model import Line, Payment, PreorderOrder
from openstoq.preorders.orders.settlement import settle


async def save(
    work: Work,
    order: PreorderOrder,
    *,
    before: Sequence[Line],
    payments: Iterable[Payment] = (),
) -> None:
    """Compile an order's state and write it, its lines, and the ledger's changed entries.

    `before` are its lines as they were stored, from which the counts go on.
    """
    db, shop_id, now = work.db, work.shop_id, work.runtime.clock()
    changed = {one.id: one for one in payments}
    kept = [one for one in order.payments if one.id not in changed]
    order.updated_at = now
    was_collected = order.collected_at is not None
    settle(order, [*kept, *changed.values()], now)
    if before and order.collected_at is not None and not was_collected:
        work.enqueue(letters.send_receipt, order_id=order.order_id, notice_id=new_id())
    await store.save(db, shop_id, order)
    await store.save_payments(db, shop_id, {order.order_id: changed.values()}, now)
    if order.lines != tuple(before):
        await store.save_lines(db, shop_id, order, order.lines)
        if await counts.add(db, shop_id, before, order.lines):
            await _stop_full_offers(work, order.lines)
            offer_sync.request_variants(work)


async def _stop_full_offers(work: Work, lines: Iterable[Line]) -> None:
    """Have an offer's variants stop selling once it has sold all that it may."""
    selling = await offers.all_of(work.db, work.shop_id, [line.offer_id for line in lines])
    most = {one.id: one.limits.total.max for one in selling if one.limits.total.max is not None}
    sold = await counts.of_offers(work.db, work.shop_id, list(most))
    for offer_id, units in most.items():
        if sold.get(offer_id, 0) >= units:
            await membership.want_policy(work.db, work.shop_id, offer_id, "deny", None)
