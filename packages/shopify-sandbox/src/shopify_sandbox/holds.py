"""Actions of apps and merchants on fulfillment orders before anything is sent."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shopify_sandbox.fulfillment import add, close
from shopify_sandbox.records.fulfillment import FulfillmentHold, FulfillmentOrderLineItem
from shopify_sandbox.records.orders import FulfillmentOrder
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import fulfillment_payloads as payloads
from shopify_sandbox.webhooks.catalogue_payloads import local

Units = dict[FulfillmentOrderLineItem, int]


@dataclass(frozen=True, kw_only=True)
class NewHold:
    """A hold to place; `app_id` is None for the merchant."""

    reason: str
    reason_notes: str | None = None
    handle: str = ""
    app_id: int | None = None


def hold(
    shop: Shop, held: FulfillmentOrder, new: NewHold, units: Units, action: MerchantAction
) -> tuple[FulfillmentHold, FulfillmentOrder | None]:
    """Hold a fulfillment order, or only the given units of it.

    Without `units`, all of the fulfillment order is held. Otherwise the other units are moved to a
    new fulfillment order. Returns the hold and the new fulfillment order, which is None if all
    units are held.
    """
    rest = {each: each.remaining_quantity - units.get(each, 0) for each in held.lines if units}
    free = _move(shop, held, rest) if any(rest.values()) else None
    placed = FulfillmentHold(
        id=next(shop.ids),
        created_at=shop.moment(),
        reason=new.reason,
        reason_notes=new.reason_notes,
        handle=new.handle,
        app_id=new.app_id,
    )
    held.holds.append(placed)
    held.updated_at = shop.moment()
    if held.status != "ON_HOLD":
        held.status = "ON_HOLD"
        shop.announce(
            "fulfillment_orders/placed_on_hold",
            action,
            partial(payloads.placed_on_hold, held, placed, free),
        )
    shop.announce("fulfillment_holds/added", action, partial(payloads.of_hold, held, placed))
    return placed, free


def release(
    shop: Shop, held: FulfillmentOrder, ended: Iterable[FulfillmentHold], action: MerchantAction
) -> None:
    """Release holds of a fulfillment order.

    If no hold is left, the fulfillment order is open again. It is scheduled instead if it was
    scheduled before and its date is still ahead. Then the order's other fulfillment orders that can
    be merged with this one are merged into it.
    """
    for each in list(ended):
        held.holds.remove(each)
        held.updated_at = shop.moment()
        shop.announce("fulfillment_holds/released", action, partial(payloads.of_hold, held, each))
    if held.holds or held.status != "ON_HOLD":
        return
    if held.fulfill_at is not None and held.fulfill_at <= shop.clock():
        held.scheduled = False
    held.status = held.waiting_status
    shop.announce(
        "fulfillment_orders/hold_released", action, partial(payloads.fulfillment_order, held)
    )
    _merge_alike(shop, held, action)


def report_progress(shop: Shop, record: FulfillmentOrder, *, in_progress: bool) -> None:
    """Mark a fulfillment order as being packed, or as not begun."""
    record.status = "IN_PROGRESS" if in_progress else record.waiting_status
    record.updated_at = record.order.updated_at = shop.moment()


def split(
    shop: Shop, original: FulfillmentOrder, units: Units, action: MerchantAction
) -> FulfillmentOrder:
    """Move units into a new fulfillment order, and return the new one."""
    made = _move(shop, original, units)
    shop.announce("fulfillment_orders/split", action, partial(payloads.split, original, made))
    return made


def reschedule(
    shop: Shop, scheduled: FulfillmentOrder, fulfill_at: datetime, action: MerchantAction
) -> None:
    """Move a scheduled fulfillment order to a later or earlier date.

    Then the order's other fulfillment orders that can be merged with this one are merged into it.
    """
    scheduled.fulfill_at = fulfill_at
    scheduled.updated_at = shop.moment()
    shop.announce(
        "fulfillment_orders/rescheduled",
        action,
        partial(payloads.rescheduled, scheduled, local(shop, fulfill_at)),
    )
    _merge_alike(shop, scheduled, action)


def merge(
    shop: Shop, kept: FulfillmentOrder, others: list[FulfillmentOrder], action: MerchantAction
) -> None:
    """Merge the fulfillment orders `others` into `kept`.

    All of them belong to the same order, location and date. A line that `kept` did not have is
    added to `kept` with a new id. The others lose their lines, and are closed.
    """
    intents = {"merge_intents": [_intent(each) for each in (kept, *others)]}
    for other in others:
        for part in other.lines:
            same = [each for each in kept.lines if each.line_item is part.line_item]
            if same:
                same[0].total_quantity += part.total_quantity
                same[0].remaining_quantity += part.remaining_quantity
            else:
                kept.lines.append(replace(part, id=next(shop.ids)))
        other.lines = []
        close(shop, other, "CLOSED")
    kept.updated_at = shop.moment()
    shop.announce("fulfillment_orders/merged", action, partial(payloads.merged, kept, intents))


def _merge_alike(shop: Shop, kept: FulfillmentOrder, action: MerchantAction) -> None:
    others = [each for each in kept.siblings if kept.merges_with(each)]
    if others:
        merge(shop, kept, others, action)


def _intent(merged: FulfillmentOrder) -> dict[str, object]:
    return {
        "fulfillment_order_id": merged.id,
        "fulfillment_order_line_items": [
            {"id": each.id, "quantity": each.remaining_quantity} for each in merged.lines
        ],
    }


def _move(shop: Shop, original: FulfillmentOrder, units: Units) -> FulfillmentOrder:
    moved = {part: quantity for part, quantity in units.items() if quantity}
    for part, quantity in moved.items():
        part.total_quantity -= quantity
        part.remaining_quantity -= quantity
    original.lines = [each for each in original.lines if each.total_quantity]
    original.updated_at = shop.moment()
    return add(
        shop,
        original.order,
        [(part.line_item, quantity) for part, quantity in moved.items()],
        location=original.location,
        fulfill_at=original.fulfill_at,
        scheduled=original.scheduled,
    )
