"""Judge an order's new units against its offers' limits, and count them, under locks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from openstoq.jobs.work import Work
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders.intake.compose import Composition
from openstoq.preorders.orders.limits import counts
from openstoq.preorders.orders.limits import rules as limit_rules
from openstoq.preorders.orders.limits.counts import Buyer
from openstoq.preorders.orders.limits.rules import Demand
from openstoq.preorders.orders.model import OVER_LIMIT_TAG, Line, PreorderOrder


async def judge(work: Work, composed: Composition) -> Composition:
    """Decide which of an order's new units count against limits, and which exceed a limit.

    A line that exceeded a limit before is judged again only once its number of units has changed.
    An order that no longer exceeds any limit loses the over-limit tag. A cancelled order is not
    judged.
    """
    order = composed.order
    if order.decisions.cancelled_at is not None or order.facts.cancelled_at is not None:
        return composed
    before = {line.id: line for line in composed.before}
    new_lines = [
        line
        for line in order.lines
        if line.current > line.counted
        and (line.id not in before or line.current != before[line.id].current)
    ]
    if new_lines:
        await _judge_lines(work, order, new_lines, composed.offers)
    # A line without units left no longer exceeds a limit.
    order.lines = tuple(
        line if line.current else replace(line, exceeded=None) for line in order.lines
    )
    order.decisions.exceeded = [line.exceeded for line in order.lines if line.exceeded is not None]
    if not order.decisions.exceeded and OVER_LIMIT_TAG in order.decisions.tags_wanted:
        order.decisions.tags_wanted = [
            tag for tag in order.decisions.tags_wanted if tag != OVER_LIMIT_TAG
        ]
        order.decisions.tags_unwanted = [*order.decisions.tags_unwanted, OVER_LIMIT_TAG]
        order.decisions.revision += 1
    return composed


async def _judge_lines(
    work: Work, order: PreorderOrder, new_lines: Sequence[Line], offers: Mapping[UUID, Offer]
) -> None:
    """Judge lines while their offers and variants are locked.

    Some offers are set to hold orders over a limit. If a line of such an offer exceeds a limit, the
    order is held and gets the over-limit tag.
    """
    await counts.lock(work.db, work.shop_id, order.lines)
    demands = [
        Demand(
            line=line.id,
            offer_id=line.offer_id,
            variant_id=line.variant_id,
            market_id=line.market_id,
            units=line.current,
        )
        for line in new_lines
    ]
    of_offers = {line.offer_id: offers[line.offer_id].own_limits for line in new_lines}
    taken = await counts.count_units(
        work.db,
        work.shop_id,
        demands,
        of_offers,
        by_stock={one for one in of_offers if offers[one].goes_by_stock},
        buyer=Buyer(
            customer_id=order.facts.customer_id, email=order.facts.email, order_id=order.order_id
        ),
    )
    excesses = limit_rules.judge(demands, of_offers, taken)
    judged = {line.id: _judged(line, excesses, offers) for line in new_lines}
    order.lines = tuple(judged.get(line.id, line) for line in order.lines)
    held = any(
        line.exceeded is not None and offers[line.offer_id].limits.on_exceed == "hold"
        for line in order.lines
    )
    if held and OVER_LIMIT_TAG not in order.decisions.tags_wanted:
        order.decisions.hold_wanted = True
        order.decisions.tags_wanted = [*order.decisions.tags_wanted, OVER_LIMIT_TAG]
        order.decisions.revision += 1


def _judged(
    line: Line, excesses: Mapping[int, limit_rules.Excess], offers: Mapping[UUID, Offer]
) -> Line:
    excess = excesses.get(line.id)
    if excess is None:
        return replace(line, counted=line.current, exceeded=None)
    accepted = offers[line.offer_id].limits.on_exceed == "accept"
    return replace(line, counted=line.current if accepted else 0, exceeded=excess.sentence)


def is_to_be_cancelled(composed: Composition) -> bool:
    """Return whether a new order exceeds a limit of an offer that cancels orders over a limit."""
    order, offers = composed.order, composed.offers
    return (
        composed.is_new
        and order.decisions.cancelled_at is None
        and any(
            line.exceeded is not None and offers[line.offer_id].limits.on_exceed == "cancel"
            for line in order.lines
        )
    )
