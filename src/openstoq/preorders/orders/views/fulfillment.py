"""The response shapes of an order's fulfillment, beside the functions that fill them."""

from datetime import datetime

from pydantic import BaseModel

from openstoq.preorders.offers.model import Sync
from openstoq.preorders.orders.model import PreorderOrder
from openstoq.preorders.orders.sync.effects import ours


class HoldView(BaseModel):
    """A hold on a fulfillment order: its reason, and whether we or somebody else placed it."""

    id: int
    handle: str | None
    reason: str
    reason_note: str | None
    held_by_us: bool


class FulfillmentLineView(BaseModel):
    """Units of a line within a fulfillment order."""

    line_id: int
    shopify_variant_id: int | None
    quantity: int
    remaining: int
    is_preorder: bool


class FulfillmentOrderView(BaseModel):
    """A fulfillment order: units of lines that are shipped together, and their holds."""

    id: int
    status: str
    location: str | None
    fulfill_at: datetime | None
    held: bool
    holds: list[HoldView]
    lines: list[FulfillmentLineView]


class FulfillmentView(BaseModel):
    """An order's fulfillment orders, who holds them, and whether all or any are held.

    all_held and any_held count only fulfillment orders that have preordered items left to ship.
    """

    all_held: bool
    any_held: bool
    hold_reason_note: str | None
    released_at: datetime | None
    fulfillment_orders: list[FulfillmentOrderView]
    sync: Sync


def fulfillment_view(order: PreorderOrder, hold_reason_note: str | None) -> FulfillmentView:
    """Return the response for an order's fulfillment."""
    held = held_by_us(order)
    preordered = {line.id for line in order.lines}
    return FulfillmentView(
        all_held=bool(held) and all(held),
        any_held=any(held),
        hold_reason_note=hold_reason_note,
        released_at=order.decisions.released_at,
        fulfillment_orders=[
            FulfillmentOrderView(
                id=one.id,
                status=one.status,
                location=one.location,
                fulfill_at=one.fulfill_at,
                held=bool(one.holds),
                holds=[
                    HoldView(
                        id=hold.id,
                        handle=hold.handle,
                        reason=hold.reason,
                        reason_note=hold.note,
                        held_by_us=hold.ours,
                    )
                    for hold in one.holds
                ],
                lines=[
                    FulfillmentLineView(
                        line_id=line.line_id,
                        shopify_variant_id=line.variant_id,
                        quantity=line.total,
                        remaining=line.remaining,
                        is_preorder=line.line_id in preordered,
                    )
                    for line in one.lines
                ],
            )
            for one in order.facts.snapshot.fulfillment_orders
        ],
        sync=sync_view(order),
    )


def held_by_us(order: PreorderOrder) -> list[bool]:
    """Return, for each fulfillment order with preordered items to ship, whether we hold it."""
    preordered = {line.id for line in order.lines}
    return [
        bool(ours(one.holds))
        for one in order.facts.snapshot.fulfillment_orders
        if any(line.line_id in preordered and line.remaining > 0 for line in one.lines)
    ]


def sync_view(order: PreorderOrder) -> Sync:
    """Return whether the sync of an order's decisions to Shopify is done, pending or failed."""
    if order.synced.error is not None:
        return Sync(state="failed", error=order.synced.error)
    behind = order.synced.revision < order.decisions.revision
    return Sync(state="pending" if behind else "synced", error=None)
