"""The control API's endpoints for fulfillment: holds, progress, dates and parcels.

The holds are placed for the merchant or for another app, not for the app under test.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from starlette.requests import Request

from shopify_sandbox import fulfillment, holds, shipping
from shopify_sandbox.bodies import Body, Id, NoBody, choice
from shopify_sandbox.clock import rfc3339
from shopify_sandbox.control.errors import MissingError, RefusalError
from shopify_sandbox.records.fulfillment import FulfillmentHold, Tracking
from shopify_sandbox.records.orders import Fulfillment, FulfillmentOrder, Order, fulfillments_of
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import OpenShop

# The app id of each holder: an app that is not under test, and None for the merchant.
HOLDERS = {"merchant": None, "another_app": 4_080_002}
REASONS = (
    "AWAITING_PAYMENT",
    "HIGH_RISK_OF_FRAUD",
    "INCORRECT_ADDRESS",
    "INVENTORY_OUT_OF_STOCK",
    "UNKNOWN_DELIVERY_DATE",
    "OTHER",
)


class Units(Body):
    """A number of units of an order's line."""

    line_item_id: Id
    quantity: int = 1


class HoldRequest(Body):
    """A hold to place, on all of a fulfillment order or on some units of it."""

    by: Annotated[str, choice(*HOLDERS)] = "merchant"
    reason: Annotated[str, choice(*REASONS)] = "OTHER"
    note: str | None = None
    handle: str | None = None
    lines: tuple[Units, ...] = ()


class ReleaseRequest(Body):
    """The hold to release; all holds if `hold_id` is None."""

    hold_id: Id | None = None


class Progress(Body):
    """A report that somebody has begun to pack a fulfillment order, or has not."""

    in_progress: bool = True


class Dispatch(Body):
    """Units to send, and the tracking of their parcel."""

    fulfillment_order_id: Id | None = None
    lines: tuple[Units, ...] = ()
    tracking_company: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None


async def list_fulfillment_orders(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """List an order's fulfillment orders with their holds, and its parcels."""
    return sending_view(_order(opened.shop, request))


async def place_hold(opened: OpenShop, body: HoldRequest, request: Request) -> dict[str, Any]:
    """Hold a fulfillment order, or only the units in `lines`, for the merchant or another app."""
    shop, held = opened.shop, _fulfillment_order(opened.shop, request)
    new = holds.NewHold(
        reason=body.reason,
        reason_notes=body.note,
        handle=body.handle or "",
        app_id=HOLDERS[body.by],
    )
    units = _chosen([held], body.lines).get(held, {}) if body.lines else {}
    if not held.holdable:
        raise RefusalError(f"A fulfillment order that is {held.status} cannot be put on hold.")
    if units and held.status == "ON_HOLD":
        raise RefusalError("Only a fulfillment order without holds can be held in part.")
    placed, rest = holds.hold(shop, held, new, units, shop.action())
    return {
        "hold": hold_view(placed),
        "fulfillment_order": view(held),
        "remaining_fulfillment_order": view(rest) if rest else None,
    }


async def release_holds(opened: OpenShop, body: ReleaseRequest, request: Request) -> dict[str, Any]:
    """Release the hold `hold_id`, whoever placed it, or all holds if it is None."""
    shop, held = opened.shop, _fulfillment_order(opened.shop, request)
    ended = [each for each in held.holds if body.hold_id in (None, each.id)]
    if not ended:
        raise MissingError("There is no such hold on this fulfillment order.")
    holds.release(shop, held, ended, shop.action())
    return view(held)


async def release_order(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Release all holds on an order, whoever placed them.

    The merchant does this, and so does an app that names no hold ids.
    """
    shop, order = opened.shop, _order(opened.shop, request)
    held = [each for each in order.fulfillment_orders if each.holds]
    if not held:
        raise RefusalError("Nothing of this order is on hold.")
    action = shop.action()
    for each in held:
        holds.release(shop, each, each.holds, action)
    return sending_view(order)


async def report_progress(opened: OpenShop, body: Progress, request: Request) -> dict[str, Any]:
    """Mark a fulfillment order as in progress, or as open again."""
    shop, record = opened.shop, _fulfillment_order(opened.shop, request)
    if record.status != ("OPEN" if body.in_progress else "IN_PROGRESS"):
        raise RefusalError(f"A fulfillment order that is {record.status} cannot be marked so.")
    if not body.in_progress and record.sent:
        raise RefusalError("A fulfillment order of which something was sent stays in progress.")
    holds.report_progress(shop, record, in_progress=body.in_progress)
    return view(record)


async def make_ready(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Make a scheduled fulfillment order ready to be sent, as if its date had passed."""
    shop, scheduled = opened.shop, _fulfillment_order(opened.shop, request)
    if not scheduled.scheduled:
        raise RefusalError("Only a scheduled fulfillment order waits for its date.")
    fulfillment.open_scheduled(shop, scheduled, shop.action())
    return view(scheduled)


async def fulfill(opened: OpenShop, body: Dispatch, request: Request) -> dict[str, Any]:
    """Ship units of an order.

    These are all units that can be sent now, only those of one fulfillment order, or only the given
    `lines`.
    """
    shop, order = opened.shop, _order(opened.shop, request)
    number = body.fulfillment_order_id
    tracking = Tracking(
        company=body.tracking_company, number=body.tracking_number, url=body.tracking_url
    )
    able = [
        each
        for each in order.fulfillment_orders
        if "CREATE_FULFILLMENT" in each.supported_actions and number in (None, each.id)
    ]
    parcels = _chosen(able, body.lines) if body.lines else {each: _all(each) for each in able}
    if not parcels:
        raise RefusalError("None of these units can be sent now; release their holds first.")
    action = shop.action()
    for record, units in parcels.items():
        shipping.ship(shop, record, units, tracking, action)
    return sending_view(order)


async def cancel_fulfillment(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Cancel a parcel; its units must be sent again."""
    shop = opened.shop
    parcel = shop.fulfillments.get(request.path_params["id"])
    if parcel is None:
        raise MissingError(f"There is no fulfillment {request.path_params['id']} in this shop.")
    if parcel.status != "SUCCESS":
        raise RefusalError("This fulfillment is already cancelled.")
    if any(each.line_item.returned_quantity for each in parcel.lines):
        raise RefusalError("Units of this fulfillment were returned, so it cannot be cancelled.")
    shipping.cancel(shop, parcel, shop.action())
    return sending_view(parcel.order)


def sending_view(order: Order) -> dict[str, Any]:
    """Show an order's fulfillment orders and its parcels."""
    return {
        "fulfillment_orders": [view(each) for each in order.fulfillment_orders],
        "fulfillments": [parcel_view(each) for each in fulfillments_of(order)],
    }


def view(record: FulfillmentOrder) -> dict[str, Any]:
    """Show a fulfillment order."""
    return {
        "id": record.id,
        "order_id": record.order.id,
        "status": record.status,
        "fulfill_at": rfc3339(record.fulfill_at) if record.fulfill_at else None,
        "location_id": record.location.id,
        "supported_actions": record.supported_actions,
        "holds": [hold_view(each) for each in record.holds],
        "lines": [
            {
                "id": each.id,
                "line_item_id": each.line_item.id,
                "variant_id": each.line_item.variant.id if each.line_item.variant else None,
                "total": each.total_quantity,
                "remaining": each.remaining_quantity,
            }
            for each in record.lines
        ],
    }


def hold_view(record: FulfillmentHold) -> dict[str, Any]:
    """Show a hold; `by` is "app" if the app under test placed it."""
    known = {number: name for name, number in HOLDERS.items()}
    return {
        "id": record.id,
        "by": known.get(record.app_id, "app"),
        "handle": record.handle,
        "reason": record.reason,
        "note": record.reason_notes,
    }


def parcel_view(record: Fulfillment) -> dict[str, Any]:
    """Show a parcel."""
    tracking = record.tracking or Tracking()
    return {
        "id": record.id,
        "name": record.name,
        "status": record.status,
        "fulfillment_order_id": record.fulfillment_order.id,
        "tracking_company": tracking.company,
        "tracking_number": tracking.number,
        "tracking_url": tracking.url,
        "lines": [
            {"line_item_id": each.line_item.id, "quantity": each.quantity} for each in record.lines
        ],
    }


def _order(shop: Shop, request: Request) -> Order:
    found = shop.orders.get(request.path_params["id"])
    if found is None:
        raise MissingError(f"There is no order {request.path_params['id']} in this shop.")
    return found


def _fulfillment_order(shop: Shop, request: Request) -> FulfillmentOrder:
    found = shop.fulfillment_orders.get(request.path_params["id"])
    if found is None:
        number = request.path_params["id"]
        raise MissingError(f"There is no fulfillment order {number} in this shop.")
    return found


def _all(record: FulfillmentOrder) -> holds.Units:
    return {each: each.remaining_quantity for each in record.lines if each.remaining_quantity}


def _chosen(
    records: list[FulfillmentOrder], rows: Sequence[Units]
) -> dict[FulfillmentOrder, holds.Units]:
    """Return the requested units, by the fulfillment order that they are taken from.

    Raises RefusalError if the fulfillment orders have too few units of a line.
    """
    left = {record: _all(record) for record in records}
    chosen: dict[FulfillmentOrder, holds.Units] = {}
    for row in rows:
        missing = row.quantity
        for record, parts in left.items():
            for part in [part for part in parts if part.line_item.id == row.line_item_id]:
                units = min(missing, parts[part])
                if units > 0:
                    parts[part] -= units
                    missing -= units
                    taken = chosen.setdefault(record, {})
                    taken[part] = taken.get(part, 0) + units
        if missing or row.quantity < 1:
            raise RefusalError(
                f"{row.quantity} units of the line {row.line_item_id} cannot be taken now."
            )
    return chosen


OPERATIONS = (
    ("GET", "orders/{id:int}/fulfillment", list_fulfillment_orders),
    ("POST", "orders/{id:int}/fulfill", fulfill),
    ("POST", "fulfillment_orders/{id:int}/holds", place_hold),
    ("POST", "fulfillment_orders/{id:int}/release", release_holds),
    ("POST", "fulfillment_orders/{id:int}/ready", make_ready),
    ("POST", "fulfillment_orders/{id:int}/progress", report_progress),
    ("POST", "orders/{id:int}/release", release_order),
    ("POST", "fulfillments/{id:int}/cancel", cancel_fulfillment),
)
