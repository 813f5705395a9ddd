"""The bodies of webhooks about fulfillment orders, their holds, and fulfillments."""

from shopify_sandbox.ids import gid
from shopify_sandbox.records.fulfillment import FulfillmentHold, FulfillmentOrderLineItem
from shopify_sandbox.records.orders import FulfillmentOrder
from shopify_sandbox.shop import Payload


def brief(record: FulfillmentOrder) -> Payload:
    """Return the two fields of a fulfillment order that Shopify sends: its id and its status.

    Neither field tells which order the fulfillment order belongs to.
    """
    return {"id": gid("FulfillmentOrder", record.id), "status": record.status.lower()}


def fulfillment_order(record: FulfillmentOrder) -> Payload:
    """Return the body of most fulfillment_orders/ topics: one fulfillment order in brief."""
    return {"fulfillment_order": brief(record)}


def hold(record: FulfillmentHold) -> Payload:
    """Return a hold, as seen by the installed app."""
    return {
        "id": gid("FulfillmentHold", record.id),
        "reason": record.reason.lower(),
        "reason_notes": record.reason_notes,
        "held_by_requesting_app": record.held_by_requesting_app,
        "handle": record.handle,
        "held_by_app": {"id": gid("App", record.app_id)} if record.app_id else None,
    }


def of_hold(held: FulfillmentOrder, placed: FulfillmentHold) -> Payload:
    """Return the body of fulfillment_holds/added and fulfillment_holds/released."""
    return {
        "fulfillment_order": {"id": gid("FulfillmentOrder", held.id)},
        "fulfillment_hold": hold(placed),
    }


def placed_on_hold(
    held: FulfillmentOrder, placed: FulfillmentHold, rest: FulfillmentOrder | None
) -> Payload:
    """Return the body of fulfillment_orders/placed_on_hold; `rest` has the units without a hold."""
    body = {
        "fulfillment_order": {
            **brief(held),
            "fulfillment_holds": [hold(each) for each in held.holds],
        },
        "held_fulfillment_order_line_items": [_units(each) for each in held.lines],
        "created_fulfillment_hold": hold(placed),
    }
    return body if rest is None else {**body, "remaining_fulfillment_order": brief(rest)}


def split(original: FulfillmentOrder, made: FulfillmentOrder) -> Payload:
    """Return the body of fulfillment_orders/split."""
    return {
        "split_line_items": [_units(each) for each in made.lines],
        "fulfillment_order": brief(original),
        "remaining_fulfillment_order": brief(made),
        "replacement_fulfillment_order": None,
    }


def merged(kept: FulfillmentOrder, intents: Payload) -> Payload:
    """Return the body of fulfillment_orders/merged."""
    return {**intents, "fulfillment_order_merges": fulfillment_order(kept)}


def cancelled(record: FulfillmentOrder) -> Payload:
    """Return the body of fulfillment_orders/cancelled, which never names a replacement."""
    return {**fulfillment_order(record), "replacement_fulfillment_order": None}


def rescheduled(record: FulfillmentOrder, fulfill_at: str | None) -> Payload:
    """Return the body of fulfillment_orders/rescheduled.

    `fulfill_at` is the new date, with the shop's UTC offset.
    """
    return {"fulfillment_order": {**brief(record), "fulfill_at": fulfill_at}}


def _units(record: FulfillmentOrderLineItem) -> Payload:
    return {
        "id": gid("FulfillmentOrderLineItem", record.id),
        "quantity": record.remaining_quantity,
    }
