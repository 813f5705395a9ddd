"""Taking in an order as the shop has it: in whatever order and however often it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from openstoq.catalog import markets
from openstoq.commerce.orders import Order
from openstoq.commerce.port import Commerce
from openstoq.db.pool import Connection
from openstoq.jobs.work import Run, Work
from openstoq.preorders.offers import store as offer_store
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders import decisions, saving, store
from openstoq.preorders.orders.intake import compose
from openstoq.preorders.orders.ledger import entries
from openstoq.preorders.orders.limits import counts
from openstoq.preorders.orders.limits import rules as limit_rules
from openstoq.preorders.orders.limits.counts import Buyer
from openstoq.preorders.orders.limits.rules import Demand
from openstoq.preorders.orders.model import OVER_LIMIT_TAG, Line, PreorderOrder
from openstoq.preorders.orders.recognition import matching
from openstoq.preorders.orders.recognition import store as recognition
from openstoq.shops.commerce import asking

# By then the answer that names a new selling plan has come, or come again.
PLANS_KNOWN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an order and its offers before it is taken in."""

    stored: PreorderOrder | None
    matches: Sequence[matching.Match]
    offers: Mapping[UUID, Offer]
    market_id: int | None


async def read(run: Run, commerce: Commerce, order_id: int) -> PreorderOrder | None:
    """Read an order from the shop and take it in; None when it is gone or no preorder."""
    read_at = run.runtime.clock()
    with asking():
        order = await commerce.order(order_id)
    if order is None:
        return None
    async with run.work() as work:
        return await take_in(work, order, read_at=read_at)


async def take_in(work: Work, order: Order, *, read_at: datetime) -> PreorderOrder | None:
    """Make our record of an order what the shop says; None when it has no preorder in it.

    `read_at` is when its reading began: what was read before something newer is left out, also
    within the second to which the shop tells when it was updated. A new preorder is judged
    against its offers' limits and counted under locks; `sync.request` makes the shop follow when
    the returned order's revision is ahead.
    """
    db, shop_id, now = work.db, work.shop_id, work.runtime.clock()
    await store.lock_name(db, shop_id, order.id)
    known = await _known(db, shop_id, order)
    stored = known.stored
    if stored is not None and _is_older(order, read_at, stored):
        return stored
    if not known.matches:
        if stored is None and not await may_become_ours(work, order, read_at):
            await recognition.note(db, shop_id, order.id, now)
        return stored
    before = stored.lines if stored is not None else ()
    owed = compose.read_money(
        order, stored, has_partial=any(one.payment == "partial" for one in known.matches)
    )
    sold = compose.compose_lines(
        order,
        known.matches,
        known.offers,
        before,
        market_id=known.market_id,
        balance=owed.agreed,
    )
    made = compose.compose_order(
        order, sold, known.offers, stored, owed=owed, market_id=known.market_id, now=now
    )
    made.read_at = read_at
    if stored is not None and compose.was_released_by_hand(stored, made):
        made.hold_wanted, made.released_at = None, now
    if made.cancelled_at is None and order.cancelled_at is None:
        await _judge(work, made, before, known.offers)
    await saving.save(
        work,
        made,
        before=before,
        payments=entries.reconcile(order, made.payments, now, at_checkout=owed.at_checkout),
    )
    await store.save_fulfillment_orders(db, shop_id, made)
    if stored is None and _is_to_be_cancelled(made, known.offers):
        await decisions.cancel_exceeding(work, made)
    return made


async def may_become_ours(work: Work, order: Order, read_at: datetime) -> bool:
    """Return whether an order has to be read again: a plan that it was bought by may be ours."""
    plan_ids = _plan_ids(order)
    if not plan_ids or read_at - order.created_at > PLANS_KNOWN_AFTER:
        return False
    return await recognition.awaits_plans(work.db, work.shop_id, plan_ids)


def _plan_ids(order: Order) -> list[int]:
    return sorted({line.plan_id for line in order.lines if line.plan_id is not None})


def _is_older(order: Order, read_at: datetime, stored: PreorderOrder) -> bool:
    if order.updated_at != stored.shop_updated_at or stored.read_at is None:
        return order.updated_at < stored.shop_updated_at
    return read_at < stored.read_at


async def _known(db: Connection, shop_id: UUID, order: Order) -> Known:
    stored = await store.load_one(db, shop_id, order.id, lock=True)
    plans = await recognition.plans(db, shop_id, _plan_ids(order))
    of_lines = stored.lines if stored is not None else ()
    wanted = {
        *(offer_id for offer_id, _ in plans.values()),
        *matching.named_offers(order).values(),
        *(line.offer_id for line in of_lines),
    }
    offers = {one.id: one for one in await offer_store.all_of(db, shop_id, sorted(wanted))}
    return Known(
        stored=stored,
        matches=matching.match(order, plans, offers, of_lines),
        offers=offers,
        market_id=await markets.market_of(db, shop_id, order.country),
    )


async def _judge(
    work: Work, order: PreorderOrder, before: Sequence[Line], offers: Mapping[UUID, Offer]
) -> None:
    """Decide what of an order's new units counts, and what goes over a limit.

    A line that went over before is judged again only once it has become smaller; an order of which
    nothing is over a limit any more loses the tag.
    """
    was = {line.id: line for line in before}
    open_lines = [
        line
        for line in order.lines
        if line.current > line.quantity
        and (line.id not in was or line.current < was[line.id].current)
    ]
    if open_lines:
        await _judge_lines(work, order, open_lines, offers)
    # What was taken off the order is over no limit either.
    order.lines = tuple(
        line if line.current else replace(line, exceeded=None) for line in order.lines
    )
    order.exceeded = [line.exceeded for line in order.lines if line.exceeded is not None]
    if not order.exceeded and OVER_LIMIT_TAG in order.tags_wanted:
        order.tags_wanted = [tag for tag in order.tags_wanted if tag != OVER_LIMIT_TAG]
        order.tags_unwanted = [*order.tags_unwanted, OVER_LIMIT_TAG]
        order.revision += 1


async def _judge_lines(
    work: Work, order: PreorderOrder, open_lines: Sequence[Line], offers: Mapping[UUID, Offer]
) -> None:
    """Judge lines under locks, and have the order held and tagged if one does not fit."""
    await counts.lock(work.db, work.shop_id, order.lines)
    demands = [
        Demand(
            line=line.id,
            offer_id=line.offer_id,
            variant_id=line.variant_id,
            market_id=line.market_id,
            units=line.current,
        )
        for line in open_lines
    ]
    of_offers = {line.offer_id: offers[line.offer_id].limits for line in open_lines}
    taken = await counts.taken(
        work.db,
        work.shop_id,
        demands,
        of_offers,
        buyer=Buyer(customer_id=order.customer_id, email=order.email, order_id=order.order_id),
    )
    excesses = limit_rules.judge(demands, of_offers, taken)
    judged = {line.id: _judged(line, excesses, offers) for line in open_lines}
    order.lines = tuple(judged.get(line.id, line) for line in order.lines)
    held = any(
        line.exceeded is not None and offers[line.offer_id].limits.on_exceed == "hold"
        for line in order.lines
    )
    if held and OVER_LIMIT_TAG not in order.tags_wanted:
        order.hold_wanted = True
        order.tags_wanted = [*order.tags_wanted, OVER_LIMIT_TAG]
        order.revision += 1


def _judged(
    line: Line, excesses: Mapping[int, limit_rules.Excess], offers: Mapping[UUID, Offer]
) -> Line:
    excess = excesses.get(line.id)
    if excess is None:
        return replace(line, quantity=line.current, exceeded=None)
    accepted = offers[line.offer_id].limits.on_exceed == "accept"
    return replace(line, quantity=line.current if accepted else 0, exceeded=excess.sentence)


def _is_to_be_cancelled(order: PreorderOrder, offers: Mapping[UUID, Offer]) -> bool:
    return order.cancelled_at is None and any(
        line.exceeded is not None and offers[line.offer_id].limits.on_exceed == "cancel"
        for line in order.lines
    )
