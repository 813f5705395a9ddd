"""Releases of our holds that somebody made in Shopify, and what follows from them: no I/O."""

from collections.abc import Collection
from datetime import datetime

from openstoq.commerce.orders import FulfillmentOrder
from openstoq.preorders.orders import rules
from openstoq.preorders.orders.model import HANDLE, PreorderOrder, Snapshot


def follow(
    stored: PreorderOrder, order: PreorderOrder, now: datetime, *, hold_unpaid: bool
) -> bool:
    """React to a release of our holds that somebody made in Shopify.

    A release in Shopify counts as a decision of the merchant, so the order stays released. There is
    one exception: with `hold_unpaid`, an order whose balance is still owed is put back on hold. A
    blanket release by another app would otherwise send goods that are not paid for. Goods that
    somebody packs already cannot be held. A split that the release undid is made again.

    Returns whether the order is put back on hold for the first time. The merchant is told only of
    the first time.
    """
    decisions = order.decisions
    if was_merged(stored, order):
        decisions.revision += 1
    if not was_released(stored, order):
        return False
    if not (hold_unpaid and rules.owes(order) and _can_be_held(order)):
        decisions.hold_wanted, decisions.released_at = None, now
        return False
    decisions.revision += 1
    is_first = decisions.held_again_at is None
    decisions.held_again_at = decisions.held_again_at or now
    return is_first


def was_released(stored: PreorderOrder, order: PreorderOrder) -> bool:
    """Return whether somebody released our holds in Shopify after they had been placed."""
    preordered = {line.id for line in order.lines}
    return (
        stored.decisions.hold_wanted is True
        and stored.synced.revision >= stored.decisions.revision
        and _is_held(stored.facts.snapshot)
        and not _is_held(order.facts.snapshot)
        and any(
            one.status in ("open", "scheduled", "in_progress") and _has_any(one, preordered)
            for one in order.facts.snapshot.fulfillment_orders
        )
    )


def was_merged(stored: PreorderOrder, order: PreorderOrder) -> bool:
    """Return whether a release in Shopify undid our split, which then has to be made again.

    When the last hold of a fulfillment order is released, Shopify merges that fulfillment order
    with similar ones. Fulfillment orders that were merged without a release were merged by the
    merchant, and stay merged.
    """
    decisions = stored.decisions
    if not decisions.split_wanted or stored.synced.revision < decisions.revision:
        return False
    preordered = {line.id for line in order.lines}
    apart = {
        one.id
        for one in stored.facts.snapshot.fulfillment_orders
        if one.holds and not _is_mixed(one, preordered)
    }
    return any(
        one.id in apart and not one.holds and "split" in one.actions and _is_mixed(one, preordered)
        for one in order.facts.snapshot.fulfillment_orders
    )


def _is_mixed(one: FulfillmentOrder, preordered: Collection[int]) -> bool:
    """Return whether a fulfillment order has both preordered and other units to be sent."""
    left = [line.line_id in preordered for line in one.lines if line.remaining > 0]
    return any(left) and not all(left)


def _can_be_held(order: PreorderOrder) -> bool:
    preordered = {line.id for line in order.lines}
    return any(
        "hold" in one.actions and _has_any(one, preordered)
        for one in order.facts.snapshot.fulfillment_orders
    )


def _has_any(one: FulfillmentOrder, line_ids: Collection[int]) -> bool:
    return any(line.line_id in line_ids and line.remaining > 0 for line in one.lines)


def _is_held(snapshot: Snapshot) -> bool:
    return any(
        hold.ours and (hold.handle or "").startswith(HANDLE)
        for one in snapshot.fulfillment_orders
        for hold in one.holds
    )
