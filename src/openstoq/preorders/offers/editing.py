"""Loading an offer for an action, and saving it so that the shop follows."""

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any
from uuid import UUID

from openstoq.actions import capability
from openstoq.actions.context import Context
from openstoq.actions.validation import Path
from openstoq.errors import NotFound
from openstoq.jobs.work import Work
from openstoq.preorders.offers import membership, rules, store, sync
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront import on_variants


async def load(context: Context, offer_id: str, *, lock: bool) -> Offer:
    """Load an offer of the caller's shop; raise NotFound when it has none of that id."""
    try:
        offer = await store.load(context.db, context.shop_id, UUID(offer_id), lock=lock)
    except ValueError:
        offer = None
    if offer is None:
        raise NotFound(f"no offer with the id {offer_id} in this shop")
    if lock:
        offer.before = deepcopy(offer)
    return offer


async def save(work: Work, offer: Offer) -> None:
    """Settle an offer, write it, and have the shop follow.

    Raises Conflict when it was discarded, and Invalid when its documents contradict each other.
    """
    if offer.before is not None:
        rules.check_changeable(offer.before)
    await write(work, offer)


async def write(work: Work, offer: Offer) -> None:
    """Write an offer, discarded or not, and have the shop follow."""
    rules.settle(offer)
    await store.save(work.db, work.shop_id, offer, work.runtime.clock())
    told = offer.before is not None and on_variants(offer.before) == on_variants(offer)
    await membership.touch(work.db, work.shop_id, offer.id, reset_only=told)
    sync.request(work, offer.id)


def lay_over(offer: Offer, changes: Mapping[str, Any], unread: Collection[Path] = ()) -> list[str]:
    """Lay deep-partial documents, by capability, over an offer; return every problem."""
    return capability.lay_over(CAPABILITIES, offer, changes, unread)
