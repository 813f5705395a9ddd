"""The mutations tagsAdd, tagsRemove, orderMarkAsPaid and orderCancel."""

from typing import Any

from shopify_sandbox import charges, refunds
from shopify_sandbox.admin.errors import UserProblem, bad_request
from shopify_sandbox.admin.records import Info, find, shop_of
from shopify_sandbox.records.orders import Order
from shopify_sandbox.shop import Shop
from shopify_sandbox.webhooks import order_news

_GONE = "Order does not exist"
LONGEST_NOTE = 255


def add_tags(_: Any, info: Info, id: str, tags: list[str]) -> dict[str, Any]:
    """Add tags to an order; a tag that it already has, in any letter case, is ignored."""
    order, problems = _order_to_tag(info, id)
    if order is not None:
        has = {each.casefold() for each in order.tags}
        new = {each.casefold(): each for each in _split(tags) if each.casefold() not in has}
        retag(shop_of(info), order, [*order.tags, *new.values()])
    return {"node": order, "user_errors": problems}


def remove_tags(_: Any, info: Info, id: str, tags: list[str]) -> dict[str, Any]:
    """Remove tags from an order, in any letter case; a tag that it does not have is ignored."""
    order, problems = _order_to_tag(info, id)
    if order is not None:
        unwanted = {each.casefold() for each in _split(tags)}
        kept = [each for each in order.tags if each.casefold() not in unwanted]
        retag(shop_of(info), order, kept)
    return {"node": order, "user_errors": problems}


def retag(shop: Shop, order: Order, tags: list[str]) -> None:
    """Replace an order's tags; if they changed, send orders/updated webhooks."""
    wanted = sorted(tags)
    if wanted != order.tags:
        order.tags, order.updated_at = wanted, shop.moment()
        order_news.of_order(shop, order, "orders/updated", shop.action())


def mark_as_paid(_: Any, info: Info, input: dict[str, str]) -> dict[str, Any]:
    """Mark the outstanding amount as paid by other means."""
    order = find(info, input["id"], Order)
    if order is None:
        return {"order": None, "user_errors": [UserProblem(_GONE, ("id",))]}
    if not order.can_mark_as_paid:
        problem = UserProblem("Order cannot be marked as paid.", ("id",))
        return {"order": order, "user_errors": [problem]}
    charges.mark_paid(shop_of(info), order)
    return {"order": order, "user_errors": []}


def cancel(
    _: Any,
    info: Info,
    order_id: str,
    reason: str,
    *,
    restock: bool,
    notify_customer: bool = False,
    refund_method: dict[str, bool] | None = None,
    staff_note: str | None = None,
) -> dict[str, Any]:
    """Begin to cancel an order; `notify_customer` is ignored, as the sandbox sends no mails."""
    del notify_customer
    order = find(info, order_id, Order)
    problem = _why_not_cancelled(order, staff_note)
    if problem is not None:
        return {"job": None, "order_cancel_user_errors": [problem], "user_errors": [problem]}
    job = refunds.begin_cancel(
        shop_of(info),
        order,
        reason=reason,
        pay_back=bool((refund_method or {}).get("original_payment_methods_refund")),
        restock=restock,
        note=staff_note,
    )
    return {
        "job": {"id": job.id, "done": job.done},
        "order_cancel_user_errors": [],
        "user_errors": [],
    }


def _why_not_cancelled(order: Order | None, note: str | None) -> UserProblem | None:
    if order is None:
        return UserProblem(_GONE, ("orderId",), "NOT_FOUND")
    if order.cancelled_at is not None:
        return UserProblem("Order has already been cancelled", ("orderId",), "INVALID")
    if any(each.fulfilled_quantity for each in order.lines):
        sentence = "Cannot cancel an order that has been fulfilled"
        return UserProblem(sentence, ("orderId",), "INVALID")
    if len(note or "") > LONGEST_NOTE:
        sentence = f"Staff note is too long (maximum is {LONGEST_NOTE} characters)"
        return UserProblem(sentence, ("staffNote",), "INVALID")
    return None


def _order_to_tag(info: Info, id: str) -> tuple[Order | None, list[UserProblem]]:
    if "/Order/" not in id:
        raise bad_request("The sandbox shop tags orders only.")
    order = find(info, id, Order)
    return order, [] if order is not None else [UserProblem(_GONE, ("id",))]


def _split(tags: list[str]) -> list[str]:
    # A text with commas is several tags.
    return [each.strip() for text in tags for each in text.split(",") if each.strip()]
