"""Actions on preorder orders: list, read, release, hold, split and cancel them."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.errors import Conflict, NotFound
from openstoq.jobs.work import Work
from openstoq.kernel.days import Day, after, start_of
from openstoq.kernel.ids import CustomerId, VariantId, shopify_id
from openstoq.kernel.paging import Page
from openstoq.kernel.types import Tag, Text
from openstoq.preorders.orders import decisions, rules, store
from openstoq.preorders.orders.model import Part, PreorderOrder, State
from openstoq.preorders.orders.store import Filter
from openstoq.preorders.orders.views.order import OrderPage, OrderView, order_view

NAME, PATH = "preorders.orders", "/preorders/orders"

Tags = Annotated[list[Tag], Field(max_length=50)]


def _listed(value: object) -> object:
    if not isinstance(value, str | list):
        raise ValueError("must be a tag, or a list of tags")  # noqa: TRY004 - pydantic makes it a sentence
    return [value] if isinstance(value, str) else value


_TAG = {"type": "string", "minLength": 1, "maxLength": 40}
TagOrTags = Annotated[
    Tags,
    BeforeValidator(_listed),
    WithJsonSchema(
        {"anyOf": [_TAG, {"type": "array", "maxItems": 50, "items": _TAG}]}, mode="validation"
    ),
]
"""One tag or a list of tags, as a caller may send them."""


async def load(context: Context, order_id: str, *, lock: bool) -> PreorderOrder:
    """Load a preorder by the order's Shopify id or by our id; raise NotFound if there is none."""
    return await find(context, order_id, lock=lock)


async def find(work: Work, order_id: str, *, lock: bool) -> PreorderOrder:
    """Find a preorder by the order's Shopify id or by our id; raise NotFound if there is none."""
    try:
        found = await store.order_ids_of(work.db, work.shop_id, [UUID(order_id)])
    except ValueError:
        found = _number(order_id)
    orders = await store.load(work.db, work.shop_id, found, lock=lock)
    if not orders:
        raise NotFound(
            f"no preorder with the order id {order_id} in this shop; an order is named by its "
            "Shopify id or by the id in our answers, as GET /preorders/orders lists them"
        )
    return next(iter(orders.values()))


orders = ActionSet(NAME, PATH, load=load)


@orders.get(name="list", aliases=("show preorders", "which orders are preorders", "find an order"))
async def list_orders(
    context: Context,
    *,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=250)] = 25,
    state: State | None = None,
    offer_id: UUID | None = None,
    variant_id: VariantId | None = None,
    customer_id: CustomerId | None = None,
    from_: Annotated[Day | None, Field(alias="from")] = None,
    to: Day | None = None,
) -> OrderPage:
    """List preorder orders in this shop, paginated, the newest first.

    state is derived, and the first that applies is given: cancelled, refunded, fulfilled,
    released, then balance_collected, awaiting_balance or placed. from and to are the days, in
    the shop's time zone and inclusive, on which orders were placed.
    """
    asked = Page(page, per_page)
    wanted = Filter(
        state=state,
        offer_id=offer_id,
        variant_id=variant_id,
        customer_id=customer_id,
        since=start_of(from_, context.shop.timezone),
        before=after(to, context.shop.timezone),
    )
    found, total = await store.page(context.db, context.shop_id, wanted, asked)
    return OrderPage(orders=[order_view(one) for one in found], meta=asked.meta(total))


@orders.get("/{id}", aliases=("show a preorder", "state of an order"))
async def read(_: Context, order: PreorderOrder) -> OrderView:
    """Read a preorder order's full representation.

    The id is the order's Shopify id, or the id in our responses.
    """
    return order_view(order)


@orders.post("/{id}/cancel", aliases=("cancel a preorder", "call off a preorder"), destructive=True)
async def cancel(
    context: Context,
    order: PreorderOrder,
    *,
    refund_deposit: bool = False,
    refund_balance: bool = False,
    notify_customer: bool = False,
    cancel_shopify_order: bool = False,
    reason: Text | None = None,
) -> OrderView:
    """Cancel a preorder. Optionally refund deposit / balance and notify the customer.

    Does not cancel the Shopify order, unless cancel_shopify_order is true; sets cancelled_at on
    the preorder. Use the refund flags for refunds. 409 while a charge is under way.
    """
    parts: list[Part] = []
    if refund_deposit:
        parts.append("deposit")
    if refund_balance:
        parts.append("balance")
    obstacle = rules.uncancellable(order, in_shop=cancel_shopify_order, refund=parts)
    if obstacle is not None:
        raise Conflict(obstacle)
    await decisions.cancel(
        context,
        order,
        reason=reason,
        refund=parts,
        notify=notify_customer,
        in_shop=cancel_shopify_order,
    )
    return order_view(order)


@orders.post("/{id}/release", aliases=("ship held order", "release preorder"))
async def release(
    context: Context,
    order: PreorderOrder,
    *,
    force: bool = False,
    tag_with: TagOrTags | None = None,
) -> OrderView:
    """Release the order's fulfillment holds and apply offer-configured order tags.

    Returns 409 if balance hasn't been collected; pass force: true to override. tag_with is an
    additional tag, or a list of them. The order is released in the background: once that is
    done, sync.state is "synced".
    """
    await decisions.release(context, order, force=force, tags=tag_with or [])
    return order_view(order)


@orders.post("/{id}/hold_fulfillments", aliases=("hold a preorder", "do not ship yet"))
async def hold_fulfillments(context: Context, order: PreorderOrder) -> OrderView:
    """Apply fulfillment holds on the preorder order's fulfillment orders.

    Only preordered items are held. The holds are placed in the background: once that is done,
    sync.state is "synced". Does the same as fulfillment/apply_holds, with a different response.
    """
    await decisions.hold(context, order)
    return order_view(order)


@orders.post("/{id}/split_fulfillment_orders", aliases=("ship preorder items apart",))
async def split_fulfillment_orders(context: Context, order: PreorderOrder) -> OrderView:
    """Split the order's fulfillment orders so preorder items ship separately from regular items.

    The orders are split in the background: once that is done, sync.state is "synced", and GET
    fulfillment shows the parts.
    """
    await decisions.split(context, order)
    return order_view(order)


def _number(order_id: str) -> list[int]:
    try:
        return [shopify_id(order_id, "Order")]
    except ValueError:
        return []


ACTIONS = tuple(orders)
