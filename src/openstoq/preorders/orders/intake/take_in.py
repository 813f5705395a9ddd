"""Take in an order from Shopify; readings may be repeated and may arrive out of sequence."""

from datetime import datetime, timedelta

from openstoq.catalog import markets
from openstoq.commerce.orders import Order
from openstoq.commerce.port import Commerce
from openstoq.jobs.work import Run, Work
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers import store as offer_store
from openstoq.preorders.orders import decisions, mails, saving, store
from openstoq.preorders.orders.intake.compose import Composition, Recognition, compose
from openstoq.preorders.orders.intake.judge import is_to_be_cancelled, judge
from openstoq.preorders.orders.model import PreorderOrder
from openstoq.preorders.orders.recognition import channels, matching
from openstoq.preorders.orders.recognition import store as recognition
from openstoq.shops.commerce import asking

# Once an order is this old, the request that created its selling plan has been answered or retried.
PLANS_KNOWN_AFTER = timedelta(hours=1)


async def read(run: Run, commerce: Commerce, order_id: int) -> PreorderOrder | None:
    """Read an order from Shopify and take it in; return None if it is gone or not a preorder."""
    read_at = run.runtime.clock()
    with asking():
        order = await commerce.order(order_id)
    if order is None:
        return None
    async with run.work() as work:
        return await take_in(work, order, read_at=read_at)


async def take_in(work: Work, order: Order, *, read_at: datetime) -> PreorderOrder | None:
    """Bring our record of an order in line with Shopify; return None if it is not a preorder.

    `read_at` is the time at which the reading began. A reading older than the stored one is
    ignored. Readings are compared by the order's `updated_at`, which Shopify gives only to the
    second. If both have the same `updated_at`, `read_at` decides.

    A new preorder is judged against its offers' limits and counted under locks. The order is not
    synced to Shopify here. If its revision is ahead of the synced revision, call
    `sync.jobs.request`.
    """
    known = await _recognise(work, order)
    if known.stored is not None and _is_older(order, read_at, known.stored):
        return known.stored
    if not known.matches:
        if known.stored is None and not await may_become_ours(work, order, read_at):
            await recognition.note(work.db, work.shop_id, order.id, work.runtime.clock())
        return known.stored
    composed = compose(
        order,
        known,
        read_at=read_at,
        now=work.runtime.clock(),
        hold_unpaid=work.runtime.settings.collection.hold_unpaid,
    )
    judged = await judge(work, composed)
    return await _save(work, judged)


async def _save(work: Work, judged: Composition) -> PreorderOrder:
    order = judged.order
    await saving.save(work, order, before=judged.before, payments=judged.entries)
    await recognition.save_fulfillment_orders(work.db, work.shop_id, order)
    if judged.is_held_again:
        work.enqueue(mails.tell_merchant_held_again, order_id=order.order_id, notice_id=new_id())
    if is_to_be_cancelled(judged):
        await decisions.cancel_exceeding(work, order)
    return order


async def may_become_ours(work: Work, order: Order, read_at: datetime) -> bool:
    """Return whether an order has to be read again later.

    That is so if one of the order's selling plans may be ours although the plan is not stored yet.
    An order that was already old at `read_at` is not read again, because all our plans of that time
    are stored.
    """
    plan_ids = _plan_ids(order)
    if not plan_ids or read_at - order.created_at > PLANS_KNOWN_AFTER:
        return False
    return await recognition.awaits_plans(work.db, work.shop_id, plan_ids)


def _plan_ids(order: Order) -> list[int]:
    return sorted({line.plan_id for line in order.lines if line.plan_id is not None})


def _variant_ids(order: Order) -> list[int]:
    return sorted({line.variant_id for line in order.lines if line.variant_id is not None})


def _is_older(order: Order, read_at: datetime, stored: PreorderOrder) -> bool:
    if order.updated_at != stored.facts.updated_at or stored.facts.read_at is None:
        return order.updated_at < stored.facts.updated_at
    return read_at < stored.facts.read_at


async def _recognise(work: Work, order: Order) -> Recognition:
    """Load everything known about an order.

    The order is locked first, so that other readings of the same order wait.
    """
    db, shop_id = work.db, work.shop_id
    await store.lock_name(db, shop_id, order.id)
    stored = await store.load_order(db, shop_id, order.id, lock=True)
    plans = await recognition.plans(db, shop_id, _plan_ids(order))
    of_lines = stored.lines if stored is not None else ()
    # A line that an edit adds later is no preorder, and stock that ran out since makes none either.
    # An older order may have been read and forgotten.
    age = work.runtime.clock() - order.created_at
    is_new = stored is None and channels.is_without_plans(order) and age < recognition.REMEMBERED
    sellers = await recognition.sellers(db, shop_id, _variant_ids(order)) if is_new else {}
    wanted = {
        *(one.offer_id for selling in sellers.values() for one in selling),
        *(offer_id for offer_id, _ in plans.values()),
        *matching.named_offers(order).values(),
        *(line.offer_id for line in of_lines),
    }
    offers = {one.id: one for one in await offer_store.all_of(db, shop_id, sorted(wanted))}
    market_id = await markets.market_of(db, shop_id, order.country)
    without_plan = channels.sold_without_plan(order, sellers, offers, market_id)
    return Recognition(
        stored=stored,
        matches=matching.match(order, plans, offers, of_lines, without_plan),
        offers=offers,
        market_id=market_id,
    )
