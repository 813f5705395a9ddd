"""Parcels: shipping and cancelling them, with the effects on their orders."""

from functools import partial

from shopify_sandbox import ledger, order_stock
from shopify_sandbox.fulfillment import add, close
from shopify_sandbox.holds import Units
from shopify_sandbox.records.fulfillment import FulfillmentLineItem, Tracking
from shopify_sandbox.records.orders import Fulfillment, FulfillmentOrder, fulfillments_of
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import order_news, order_payloads


def ship(
    shop: Shop,
    sent: FulfillmentOrder,
    units: Units,
    tracking: Tracking | None,
    action: MerchantAction,
) -> Fulfillment:
    """Send units of a fulfillment order.

    If the balance of these units is due on fulfillment, it becomes due now.
    """
    moment, order = shop.moment(), sent.order
    parcel = Fulfillment(
        id=next(shop.ids),
        name=f"{order.name}.{len(fulfillments_of(order)) + 1}",
        fulfillment_order=sent,
        lines=[
            FulfillmentLineItem(id=next(shop.ids), line_item=part.line_item, quantity=quantity)
            for part, quantity in units.items()
        ],
        created_at=moment,
        updated_at=moment,
        tracking=tracking,
    )
    for part, quantity in units.items():
        part.remaining_quantity -= quantity
        part.line_item.fulfilled_quantity += quantity
    sent.fulfillments.append(parcel)
    shop.fulfillments[parcel.id] = parcel
    sent.status, sent.updated_at, order.updated_at = "IN_PROGRESS", moment, moment
    if not sent.remaining:
        close(shop, sent, "CLOSED")
    _take_stock(shop, parcel, action)
    shop.announce("fulfillments/create", action, partial(order_payloads.parcel, shop, parcel))
    whole = order.fulfillment_status == "FULFILLED"
    order_news.of_order(
        shop, order, "orders/fulfilled" if whole else "orders/partially_fulfilled", action
    )
    order_news.of_order(shop, order, "orders/updated", action)
    sent_lines = {each.line_item for each in parcel.lines}
    waiting = [each for each in order.open_schedules if each.due_at is None]
    waiting = [each for each in waiting if not sent_lines.isdisjoint(each.lines)]
    if waiting:
        ledger.make_due(shop, order, waiting, action)
    return parcel


def cancel(shop: Shop, parcel: Fulfillment, action: MerchantAction) -> None:
    """Cancel a parcel; its units must then be sent again."""
    moment, record, order = shop.moment(), parcel.fulfillment_order, parcel.order
    parcel.status, parcel.updated_at, order.updated_at = "CANCELLED", moment, moment
    for each in parcel.lines:
        each.line_item.fulfilled_quantity -= each.quantity
    if record.at_work:
        for part in record.lines:
            part.remaining_quantity += sum(
                each.quantity for each in parcel.lines if each.line_item is part.line_item
            )
        if all(part.remaining_quantity == part.total_quantity for part in record.lines):
            record.status = record.waiting_status
        record.updated_at = moment
    else:
        # A fulfillment order that was completed stays closed, and a new one takes its place.
        parts = [(each.line_item, each.quantity) for each in parcel.lines]
        add(shop, order, parts, location=record.location, fulfill_at=record.fulfill_at)
    shop.announce("fulfillments/update", action, partial(order_payloads.parcel, shop, parcel))
    order_news.of_order(shop, order, "orders/updated", action)


def _take_stock(shop: Shop, parcel: Fulfillment, action: MerchantAction) -> None:
    # The stock of most lines was taken when they were sold. Some preorders take it when they are
    # sent.
    wanted = {}
    for each in parcel.lines:
        line = each.line_item
        kept = line.fulfilled_quantity - line.returned_quantity
        short = kept - sum(line.taken.values())
        if short > 0:
            wanted[line] = min(short, each.quantity)
    order_stock.take(shop, wanted, dict.fromkeys(wanted, parcel.location.id), action)
