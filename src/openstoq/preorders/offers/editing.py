"""Load an offer for an action, and save it so that jobs bring the shop up to date."""

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any
from uuid import UUID

from openstoq.actions import capability
from openstoq.actions.context import Context
from openstoq.actions.validation import Path
from openstoq.catalog import unknown_ids
from openstoq.errors import Invalid, NotFound
from openstoq.jobs.work import Work
from openstoq.preorders.offers import rules, store, translation_store
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.plan_group.mapping import plan_group
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.offers.storefront.metafields import on_variants, too_large


async def load(context: Context, offer_id: str, *, lock: bool) -> Offer:
    """Load an offer of the caller's shop; raise NotFound if the shop has no offer with that id.

    With `lock`, the offer's row is locked, and a copy of the loaded offer is kept in `before`.
    """
    try:
        identifier = UUID(offer_id)
    except ValueError:
        offer = None
    else:
        offer = await store.load(context.db, context.shop_id, identifier, lock=lock)
    if offer is None:
        raise NotFound(f"no offer with the id {offer_id} in this shop")
    if lock:
        rules.remember(offer)
        offer.before = deepcopy(offer)
    return offer


async def add(work: Work, offer: Offer) -> None:
    """Make a new offer's documents agree with each other, write the offer, and request its sync.

    Raises Invalid when the offer is too large for the storefront, when it names markets that the
    shop does not have, or when its balance is due on a day that has passed.
    """
    rules.complete(offer)
    rules.check_due_day(offer, work.runtime.clock())
    await _check_markets(work, offer)
    _check_size(offer, {})
    await store.add(work.db, work.shop_id, offer)
    plan_group_jobs.request(work, offer.id)


async def save(work: Work, offer: Offer) -> None:
    """Make an offer's documents agree with each other, write the offer, and request its sync.

    Raises Conflict when the offer is discarded. Raises Invalid when the change adds markets that
    the shop does not have, or when the offer is too large for the storefront. The size is not
    checked when the change pauses the offer. `check_due_day` raises Invalid or Conflict when the
    balance would be due on a day that has passed.
    """
    paused = False
    if offer.before is not None:
        rules.check_changeable(offer.before)
        paused = offer.before.is_live and not offer.is_live
    rules.complete(offer)
    rules.check_due_day(offer, work.runtime.clock())
    await _check_markets(work, offer)
    translations = await write(work, offer)
    if not paused:
        _check_size(offer, translations)


async def write(work: Work, offer: Offer) -> store.Overrides:
    """Save an offer as `save` does, but check nothing; return the offer's translations.

    An offer that is discarded, or too large for the storefront, is therefore saved as well.
    """
    rules.complete(offer)
    now, before = work.runtime.clock(), offer.before
    if before is not None and before.payments.first_type != offer.payments.first_type:
        # The billing widget has the texts of another option now.
        paths = rules.shared_paths(offer)
        await translation_store.share(work.db, work.shop_id, offer.id, paths)
    is_same_there = before is not None and on_variants(before, now) == on_variants(offer, now)
    touching = attachment_store.touching(work.shop_id, offer.id, reset_only=is_same_there)
    translations = await store.save(
        work.db, work.shop_id, offer, now, along=(touching, work.take_record())
    )
    plan_group_jobs.request(work, offer.id)
    if before is not None and plan_group(before, now) == plan_group(offer, now):
        # A change that leaves Shopify's plans as they are, such as one of limits, does not wait
        # for the sync of the plan group.
        storefront_jobs.request(work)
    return translations


async def _check_markets(work: Work, offer: Offer) -> None:
    known = offer.before.markets.market_ids if offer.before is not None else []
    problems = await unknown_ids.problems(
        work.db,
        work.shop_id,
        "markets",
        set(offer.markets.market_ids) - set(known),
        field="markets.market_ids",
    )
    if problems:
        raise Invalid(*problems)


def _check_size(offer: Offer, translations: store.Overrides) -> None:
    problem = too_large(offer, translations)
    if problem is not None:
        raise Invalid(problem)


def lay_over(offer: Offer, changes: Mapping[str, Any], unread: Collection[Path] = ()) -> list[str]:
    """Merge partial documents, keyed by capability, into an offer; return every problem.

    `unread` are the paths of fields that were sent but could not be read.
    """
    return capability.lay_over(CAPABILITIES, offer, changes, unread)
