"""Deciding whether an order is held or released, and that its preorders are sent apart."""

from collections.abc import Sequence

from openstoq.errors import Conflict
from openstoq.jobs.work import Work
from openstoq.preorders.offers import store as offers
from openstoq.preorders.orders import rules
from openstoq.preorders.orders.events import OrderDecided
from openstoq.preorders.orders.model import PreorderOrder
from openstoq.preorders.orders.saving import save


async def release(
    work: Work, order: PreorderOrder, *, force: bool, tags: Sequence[str] | None
) -> None:
    """Have an order's holds lifted; `tags` are added with its offers' own, None adds none.

    Raises Conflict when the state or the outstanding balance forbids it.
    """
    obstacle = rules.unreleasable(order, force=force)
    if obstacle is not None:
        raise Conflict(obstacle)
    if tags is not None:
        ids = list(dict.fromkeys(line.offer_id for line in order.lines))
        selling = await offers.all_of(work.db, work.shop_id, ids)
        wanted = [tag for offer in selling for tag in offer.checkout.order_tags]
        order.tags_wanted = list(dict.fromkeys([*order.tags_wanted, *wanted, *tags]))
    order.hold_wanted = False
    order.released_at = work.runtime.clock()
    await _decided(work, order)


async def hold(work: Work, order: PreorderOrder) -> None:
    """Have an order's preorders held, again if it was released; held ones stay as they are."""
    obstacle = rules.obstacle("hold", order)
    if obstacle is not None:
        raise Conflict(obstacle)
    order.hold_wanted = True
    order.released_at = None
    await _decided(work, order)


async def split(work: Work, order: PreorderOrder) -> None:
    """Have preordered and other items sent apart."""
    obstacle = rules.obstacle("split", order)
    if obstacle is not None:
        raise Conflict(obstacle)
    order.split_wanted = True
    await _decided(work, order)


async def tag(work: Work, order: PreorderOrder, add: Sequence[str], remove: Sequence[str]) -> None:
    """Have tags added to an order, and others taken off it."""
    gone, wanted = {tag.casefold() for tag in remove}, {tag.casefold() for tag in add}
    kept = [tag for tag in order.tags_wanted if tag.casefold() not in gone]
    unwanted = [tag for tag in order.tags_unwanted if tag.casefold() not in wanted]
    order.tags_wanted = list(dict.fromkeys([*kept, *add]))
    order.tags_unwanted = list(dict.fromkeys([*unwanted, *remove]))
    await _decided(work, order)


async def _decided(work: Work, order: PreorderOrder) -> None:
    order.revision += 1
    # What the shop refused was about another decision; saving forgets it as well.
    order.sync_error = None
    await save(work, order, before=order.lines)
    await work.publish(OrderDecided(order.order_id))
