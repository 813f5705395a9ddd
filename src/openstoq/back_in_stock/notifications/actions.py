"""The two actions that read the send log, the list of back-in-stock notifications."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from openstoq.actions.action import ActionSet, Written
from openstoq.actions.context import Context
from openstoq.back_in_stock.notifications import store
from openstoq.back_in_stock.notifications.model import NotificationPage, NotificationView, Status
from openstoq.back_in_stock.notifications.store import Filter
from openstoq.back_in_stock.signups.model import Channel
from openstoq.errors import NotFound
from openstoq.kernel.days import Day, after, start_of
from openstoq.kernel.ids import ProductId, VariantId
from openstoq.kernel.paging import Page

notifications = ActionSet("back_in_stock.notifications", "/back_in_stock/notifications")


@notifications.get(name="list", aliases=("show the send log", "which alerts were sent"))
async def list_notifications(
    context: Context,
    *,
    channel: Channel | None = None,
    status: Status | None = None,
    variant_id: VariantId | None = None,
    product_id: ProductId | None = None,
    from_: Annotated[Day | None, Field(alias="from")] = None,
    to: Day | None = None,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=200)] = 50,
) -> Written[NotificationPage]:
    """List back-in-stock notifications (the send log) of the shop, newest first.

    Statuses: sent: accepted by the mail relay; failed: could not be delivered; blocked: not
    attempted any more, because the contact unsubscribed or is blocked, or the product cannot be
    opened (see blocked_reason); unknown: held back because the relay may already have accepted it. A queued notification with an error is waiting for the relay to become available again. from
    and to are inclusive.
    """
    wanted = Filter(
        channel=channel,
        status=status,
        variant_id=variant_id,
        product_id=product_id,
        since=start_of(from_, context.shop.timezone),
        before=after(to, context.shop.timezone),
    )
    asked = Page(page, per_page)
    json, total = await store.page(context.db, context.shop_id, wanted, asked)
    meta = asked.meta(total).model_dump_json()
    return Written(f'{{"notifications":{json},"meta":{meta}}}'.encode())


@notifications.get("/{id}", aliases=("show one alert", "was this alert sent"))
async def read(context: Context, notification_id: str) -> Written[NotificationView]:
    """Read one back-in-stock notification from the send log."""
    try:
        json = await store.view(context.db, context.shop_id, UUID(notification_id))
    except ValueError:
        json = None
    if json is None:
        raise NotFound(f"no notification with the id {notification_id} in this shop")
    return Written(json.encode())


ACTIONS = tuple(notifications)
