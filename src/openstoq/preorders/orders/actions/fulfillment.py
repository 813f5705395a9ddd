"""Actions on the fulfillment of a preorder: its holds, and the reason for them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.kernel.patch import partial_of
from openstoq.kernel.types import Clean
from openstoq.preorders.offers import editing
from openstoq.preorders.offers import store as offers
from openstoq.preorders.orders import decisions
from openstoq.preorders.orders.actions.orders import NAME, PATH, load
from openstoq.preorders.orders.model import PreorderOrder
from openstoq.preorders.orders.views.fulfillment import FulfillmentView, fulfillment_view

Note = Annotated[str, Field(max_length=500), Clean]

fulfillment = ActionSet(f"{NAME}.fulfillment", f"{PATH}/{{id}}/fulfillment", load=load)


class FulfillmentPatch(BaseModel):
    """The body of PATCH fulfillment: only the note is writable."""

    model_config = ConfigDict(extra="forbid")

    hold_reason_note: Note | None = None


@fulfillment.get(name="read", aliases=("is the order held", "who holds the order"))
async def read(context: Context, order: PreorderOrder) -> FulfillmentView:
    """Read the fulfillment hold state and fulfillment-order summary of a preorder order."""
    return await _view(context, order)


async def update(
    context: Context, order: PreorderOrder, changes: dict[str, Any]
) -> FulfillmentView:
    """Update fulfillment attributes on a preorder order.

    Only hold_reason_note is writable. Hold state changes go through release_holds /
    apply_holds; all_held, any_held, and fulfillment_orders are read-only. hold_reason_note is
    the same note that set_hold_reason sets; existing holds on Shopify aren't re-written.
    """
    if "hold_reason_note" in changes:
        await _set_note(context, order, changes["hold_reason_note"])
    return await _view(context, order)


@fulfillment.post("/apply_holds", aliases=("hold the fulfillment",))
async def apply_holds(context: Context, order: PreorderOrder) -> FulfillmentView:
    """Apply fulfillment holds on the order's fulfillment orders. Idempotent.

    Only preordered items are held. Other apps' holds are left alone.
    """
    await decisions.hold(context, order)
    return await _view(context, order)


@fulfillment.post("/release_holds", aliases=("lift the holds",))
async def release_holds(context: Context, order: PreorderOrder) -> FulfillmentView:
    """Release fulfillment holds on the order without applying offer-configured tags.

    Use the top-level release action when you want tags applied too. Unlike release, this action does
    not check that the balance was collected: whoever lifts the holds by hand has decided to ship.
    Repeating it changes nothing. Only our own holds are released.
    """
    if order.state != "released":
        await decisions.release(context, order, force=True, tags=None)
    return await _view(context, order)


@fulfillment.post("/set_hold_reason", aliases=("why is it held", "change the hold note"))
async def set_hold_reason(
    context: Context, order: PreorderOrder, *, reason_note: Note | None
) -> FulfillmentView:
    """Set the hold-reason note that will be used the next time the order is held.

    Updates the note of the offer that sold the order's first preordered line. Existing holds on
    Shopify aren't re-written.
    """
    await _set_note(context, order, reason_note)
    return await _view(context, order)


async def _set_note(context: Context, order: PreorderOrder, note: str | None) -> None:
    offer = await editing.load(context, str(order.lines[0].offer_id), lock=True)
    offer.shipping.fulfillment.hold_reason_note = note
    await editing.save(context, offer)


async def _view(context: Context, order: PreorderOrder) -> FulfillmentView:
    offer = await offers.load(context.db, context.shop_id, order.lines[0].offer_id, lock=False)
    note = offer.shipping.fulfillment.hold_reason_note if offer is not None else None
    return fulfillment_view(order, note)


fulfillment.patch(aliases=("change the hold note",), request=partial_of(FulfillmentPatch))(update)

ACTIONS = tuple(fulfillment)
