"""Routing of orders: the creation of fulfillment orders, and their adjustment after edits."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from shopify_sandbox.ids import gid
from shopify_sandbox.records.catalogue import Location, Variant
from shopify_sandbox.records.fulfillment import FulfillmentOrderLineItem
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import FulfillmentOrder, Order
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import fulfillment_payloads as payloads


def route(shop: Shop, order: Order, action: MerchantAction | None = None) -> None:
    """Give a new order its fulfillment orders: one per location and date of delivery."""
    units = {each: each.unfulfilled_quantity for each in order.lines}
    _place(shop, order, units, action or shop.action())


def adjust(shop: Shop, order: Order, action: MerchantAction | None = None) -> None:
    """Make an order's fulfillment orders agree with its lines, after an edit or a cancellation."""
    action = action or shop.action()
    at_work = [each for each in order.fulfillment_orders if each.at_work]
    if order.cancelled_at is not None:
        for each in at_work:
            _end(shop, each, action)
        return
    missing = {}
    for line in order.lines:
        # Units of the newest fulfillment orders are removed first.
        parts = [
            part for each in reversed(at_work) for part in each.lines if part.line_item is line
        ]
        surplus = sum(part.remaining_quantity for part in parts) - line.unfulfilled_quantity
        if surplus < 0:
            missing[line] = -surplus
        for part in parts:
            taken = min(max(surplus, 0), part.remaining_quantity)
            part.total_quantity -= taken
            part.remaining_quantity -= taken
            surplus -= taken
    for each in at_work:
        each.lines = [part for part in each.lines if part.total_quantity]
        if not each.remaining:
            close(shop, each, "CLOSED")
    _place(shop, order, missing, action)


def close(shop: Shop, ended: FulfillmentOrder, status: str) -> None:
    """End a fulfillment order that has nothing left to be sent, with the final `status`."""
    ended.status = status
    ended.holds.clear()
    ended.updated_at = shop.moment()


def open_scheduled(shop: Shop, scheduled: FulfillmentOrder, action: MerchantAction) -> None:
    """Make a scheduled fulfillment order ready to be sent.

    If it is on hold, it is ready only when its holds are released.
    """
    scheduled.scheduled = False
    scheduled.updated_at = shop.moment()
    if scheduled.status == "SCHEDULED":
        scheduled.status = "OPEN"
        shop.announce(
            "fulfillment_orders/scheduled_fulfillment_order_ready",
            action,
            partial(payloads.fulfillment_order, scheduled),
        )


def add(
    shop: Shop,
    order: Order,
    parts: Iterable[tuple[LineItem, int]],
    *,
    location: Location,
    fulfill_at: datetime | None,
    scheduled: bool = False,
) -> FulfillmentOrder:
    """Add a fulfillment order to an order.

    `parts` are the lines that it contains, each with its number of units.
    """
    moment = shop.moment()
    made = FulfillmentOrder(
        id=next(shop.ids),
        order=order,
        location=location,
        created_at=moment,
        updated_at=moment,
        fulfill_at=fulfill_at,
        scheduled=scheduled,
        lines=[
            FulfillmentOrderLineItem(
                id=next(shop.ids), line_item=line, total_quantity=units, remaining_quantity=units
            )
            for line, units in parts
        ],
    )
    made.status = made.waiting_status
    order.fulfillment_orders.append(made)
    shop.fulfillment_orders[made.id] = made
    return made


def location_for(shop: Shop, variant: Variant | None) -> Location | None:
    """Return the location that a variant is sent from; None if the shop has no open location.

    If any open locations fulfill online orders, only these are kept. If any of the locations kept
    stock the variant, only those are kept. Of the locations left, the one with the most available
    stock is chosen. Something that is in no catalogue has no stock, so it is sent from the first
    location left.
    """
    levels = variant.inventory_item.levels if variant else {}
    able = [each for each in shop.locations.values() if each.is_active]
    able = [each for each in able if each.fulfills_online_orders] or able
    stocking = [each for each in able if each.id in levels] or able
    return max(
        stocking,
        key=lambda each: levels[each.id].available if each.id in levels else 0,
        default=None,
    )


def _place(shop: Shop, order: Order, units: dict[LineItem, int], action: MerchantAction) -> None:
    groups: dict[tuple[Location, datetime | None], list[tuple[LineItem, int]]] = {}
    for line, quantity in units.items():
        location = order.origin.location or location_for(shop, line.variant)
        if location is not None and quantity > 0:
            key = (location, _delivery_date(shop, line))
            groups.setdefault(key, []).append((line, quantity))
    # A fulfillment order with ordinary lines is due at once, which Shopify writes as the hour of
    # the order. A fulfillment order of preorders without a delivery date has no date.
    at_once = order.created_at.replace(minute=0, second=0, microsecond=0)
    for (location, date), parts in groups.items():
        ordinary = any(line.selling_plan_id is None for line, _ in parts)
        made = add(
            shop,
            order,
            parts,
            location=location,
            fulfill_at=date or (at_once if ordinary else None),
            scheduled=date is not None,
        )
        shop.announce(
            "fulfillment_orders/order_routing_complete",
            action,
            partial(payloads.fulfillment_order, made),
        )


def _delivery_date(shop: Shop, line: LineItem) -> datetime | None:
    plan = shop.find(gid("SellingPlan", line.selling_plan_id)) if line.selling_plan_id else None
    date: datetime | None = plan.delivery_policy["fulfillment_exact_time"] if plan else None
    return date if date and date > shop.clock() else None


def _end(shop: Shop, ended: FulfillmentOrder, action: MerchantAction) -> None:
    for part in ended.lines:
        part.total_quantity -= part.remaining_quantity
        part.remaining_quantity = 0
    # A fulfillment order that was partly sent is closed; only an untouched one is cancelled.
    if any(part.total_quantity for part in ended.lines):
        close(shop, ended, "CLOSED")
        return
    close(shop, ended, "CANCELLED")
    shop.announce("fulfillment_orders/cancelled", action, partial(payloads.cancelled, ended))
