"""API v1's send_shipping_update: mail a merchant's message to the shoppers of many orders."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from openstoq.actions.context import Context
from openstoq.errors import BadRequest, NotFound
from openstoq.kernel.ids import OrderId, new_id
from openstoq.kernel.types import Clean, Line
from openstoq.preorders.orders import mails, store
from openstoq.web.v1.plan_variants import operation
from openstoq.web.v1.requests import Lenient

MOST_ORDERS = 1000
LONGEST_DESCRIPTION = 5000


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


Said = AfterValidator(_said)


class ShippingUpdateBody(Lenient):
    """A message to the shoppers of the given orders, each named by our id or by Shopify's."""

    order_ids: Annotated[list[UUID], Field(max_length=MOST_ORDERS)] | None = None
    shopify_order_ids: Annotated[list[OrderId], Field(max_length=MOST_ORDERS)] | None = None
    subject: Annotated[Line, Said]
    header: Annotated[Line, Said]
    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION), Clean, Said]


async def send_shipping_update(
    context: Context,
    *,
    order_ids: list[UUID] | None,
    shopify_order_ids: list[int] | None,
    subject: str,
    header: str,
    description: str,
) -> dict[str, Any]:
    """Queue a mail to the shopper of each order; ignore ids of unknown orders."""
    if order_ids and shopify_order_ids:
        raise BadRequest("Provide either order_ids or shopify_order_ids, not both")
    if not order_ids and not shopify_order_ids:
        raise BadRequest("order_ids or shopify_order_ids is required")
    found = await store.find_known(
        context.db, context.shop_id, ids=order_ids or (), order_ids=shopify_order_ids or ()
    )
    if not found:
        raise NotFound("No valid orders found")
    for order_id in found:
        context.enqueue(
            mails.send_shipping_update,
            order_id=order_id,
            notice_id=new_id(),
            subject=subject,
            header=header,
            description=description,
        )
    return {
        "success": True,
        "message": "Shipping updates queued",
        "orders_count": len(found),
    }


OPERATIONS = (
    operation(send_shipping_update, "POST", "/send_shipping_update", request=ShippingUpdateBody),
)
