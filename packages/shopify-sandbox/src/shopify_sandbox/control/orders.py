"""The control API of orders: what shoppers buy, and what merchants do to it by themselves."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request

from shopify_sandbox import cards, charges, checkout, fulfillment, ledger, refunds
from shopify_sandbox.admin.order_mutations import retag
from shopify_sandbox.body import Body, BodyError
from shopify_sandbox.control.order_views import charge_view, order_view
from shopify_sandbox.control.views import MissingError
from shopify_sandbox.records.lines import ZERO, LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import OpenShop

REASONS = ("CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF")


async def list_orders(opened: OpenShop, _: Body, __: Request) -> dict[str, Any]:
    """List all orders, oldest first."""
    shop = opened.shop
    return {"orders": [order_view(shop, each) for each in shop.orders.values()]}


async def get_order(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Show an order."""
    return order_view(opened.shop, _order(opened, request))


async def place_order(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Buy something as a shopper does."""
    shop = opened.shop
    cart = [_cart_line(shop, each) for each in body.objects("lines")]
    customer = body.object("customer")
    buyer = checkout.Buyer(
        email=customer.text("email"),
        name=customer.text("name"),
        phone=customer.text("phone"),
        locale=customer.text("locale") or "en",
        country=body.text("country"),
    )
    card, shipping = _card(body.text("card") or cards.WORKS), body.decimal("shipping")
    tags, note = body.texts("tags"), body.text("note")
    customer.finish()
    body.finish()
    try:
        order = checkout.place(
            shop, cart, buyer, card=card, shipping=shipping or ZERO, tags=tags, note=note
        )
    except checkout.CheckoutError as error:
        raise BodyError([str(error)]) from None
    return order_view(shop, order)


async def change_order(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Change how an order's card behaves from now on, or its tags."""
    shop, order = opened.shop, _order(opened, request)
    card = body.text("card")
    tags = body.texts("tags") if "tags" in body else None
    body.finish()
    if card is not None:
        _change_card(shop, order, _card(card))
    if tags is not None:
        retag(shop, order, list(tags))
    return order_view(shop, order)


async def delete_order(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Delete an order."""
    order = _order(opened, request)
    refunds.delete(opened.shop, order)
    return {"deleted": order.id}


async def edit_order(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Lower the quantities of lines; 0 removes one."""
    shop, order = opened.shop, _order(opened, request)
    removed: dict[LineItem, int] = {}
    for each in body.objects("lines"):
        line, quantity = _line(order, each), each.integer("quantity")
        each.finish()
        if not line.fulfilled_quantity <= quantity < line.current_quantity:
            raise BodyError(["quantity must be lower than it is, and at least what was sent."])
        removed[line] = line.current_quantity - quantity
    restock = body.flag("restock", default=True)
    body.finish()
    _open(order)
    if not removed:
        raise BodyError(["lines must name what is to be lowered."])
    refunds.edit(shop, order, removed, restock=restock)
    return order_view(shop, order)


async def refund_order(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Pay money back, or take lines back with what was paid for them."""
    shop, order = opened.shop, _order(opened, request)
    returned = []
    restock = body.flag("restock", default=True)
    for each in body.objects("lines"):
        line, quantity = _line(order, each), each.integer("quantity", 1)
        each.finish()
        if not 0 < quantity <= line.current_quantity:
            raise BodyError(["quantity must be at least 1 and at most what is left of the line."])
        kind = "RETURN" if quantity > line.unfulfilled_quantity else "CANCEL"
        returned.append(refunds.Returned(line, quantity, kind if restock else "NO_RESTOCK"))
    amount, note = body.decimal("amount"), body.text("note")
    body.finish()
    worth = sum((each.line.share(each.quantity) for each in returned), ZERO)
    owed = max(ZERO, worth - order.outstanding)
    amount = owed if amount is None else amount
    if amount > order.net_payment or not (amount or returned):
        raise BodyError(["amount must be more than 0 and at most what is left of the payments."])
    refunds.refund(
        shop,
        order,
        shop.action(),
        parts=refunds.spread(order, amount),
        returned=returned,
        note=note,
    )
    return order_view(shop, order)


async def cancel_order(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Cancel an order, at once."""
    shop, order = opened.shop, _order(opened, request)
    reason = body.choice("reason", REASONS, "CUSTOMER")
    pay_back = body.flag("refund", default=True)
    restock = body.flag("restock", default=True)
    note = body.text("note")
    body.finish()
    _open(order)
    if any(each.fulfilled_quantity for each in order.lines):
        raise BodyError(["An order of which something was sent cannot be cancelled; refund it."])
    refunds.cancel(shop, order, reason=reason, pay_back=pay_back, restock=restock, note=note)
    return order_view(shop, order)


async def mark_paid(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Mark an order as paid by other means."""
    body.finish()
    order = _owing(opened, request)
    charges.mark_paid(opened.shop, order)
    return order_view(opened.shop, order)


async def pay_order(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Pay what is outstanding, as a shopper does on the page that the collection URL leads to."""
    body.finish()
    order = _owing(opened, request)
    charges.pay(opened.shop, order)
    return order_view(opened.shop, order)


async def authenticate(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Finish the charges that wait for the shopper, or fail them."""
    shop, order = opened.shop, _order(opened, request)
    succeed = body.flag("succeed", default=True)
    body.finish()
    waiting = charges.waiting(shop, order)
    if not waiting:
        raise BodyError(["No charge of this order waits for its shopper."])
    for each in waiting:
        charges.authenticate(shop, each, succeed=succeed)
    return order_view(shop, order)


async def make_due(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Move the due date of what is outstanding to this moment."""
    body.finish()
    order = _owing(opened, request)
    if not ledger.move_due_date(opened.shop, order, opened.shop.action(), on_fulfillment=False):
        raise BodyError(["The order has no payment schedule that is open."])
    return order_view(opened.shop, order)


async def advance_clock(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Move the shop's time ahead; what falls due by that is announced."""
    shop = opened.shop
    seconds = body.number("seconds")
    body.finish()
    shop.advance(timedelta(seconds=seconds))
    action = shop.action()
    for order in list(shop.orders.values()):
        ledger.announce_due(shop, order, action)
    for each in list(shop.fulfillment_orders.values()):
        if each.scheduled and each.fulfill_at and each.fulfill_at <= shop.clock():
            fulfillment.open_scheduled(shop, each, action)
    return {"now": shop.clock().isoformat()}


async def list_charges(opened: OpenShop, _: Body, __: Request) -> dict[str, Any]:
    """List every charge of a kept card that was ever begun."""
    work = opened.shop.work
    found = opened.shop.charges.values()
    return {
        "delay": work.delay,
        "polls": work.polls,
        "charges": [charge_view(each) for each in found],
    }


async def change_pace(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Set how long charges and cancellations take: seconds, or how often they are asked after."""
    work = opened.shop.work
    delay = body.number("delay", work.delay)
    polls = body.raw("polls", work.polls)
    body.finish()
    if polls is not None and (not isinstance(polls, int) or polls < 1):
        raise BodyError(["polls must be null or a whole number of at least 1."])
    work.delay, work.polls = delay, polls
    return await list_charges(opened, body, request)


def _order(opened: OpenShop, request: Request) -> Order:
    found = opened.shop.orders.get(request.path_params["id"])
    if found is None:
        raise MissingError(f"There is no order {request.path_params['id']} in this shop.")
    return found


def _open(order: Order) -> None:
    if order.cancelled_at is not None:
        raise BodyError(["The order is cancelled."])


def _owing(opened: OpenShop, request: Request) -> Order:
    order = _order(opened, request)
    if not order.outstanding:
        raise BodyError(["Nothing is outstanding of this order."])
    return order


def _line(order: Order, body: Body) -> LineItem:
    number = body.id("id")
    for each in order.lines:
        if each.id == number:
            return each
    raise BodyError([f"The order has no line {number}."])


def _cart_line(shop: Shop, body: Body) -> checkout.CartLine:
    variant_id, plan_id = body.id("variant_id"), body.id("plan_id")
    quantity, discount = body.integer("quantity", 1), body.decimal("discount")
    properties = body.raw("properties") or {}
    body.finish()
    variant = shop.variants.get(variant_id or 0)
    plan = None if plan_id is None else shop.plan(plan_id)
    if variant is None:
        raise BodyError([f"There is no variant {variant_id} in this shop."])
    if plan_id is not None and plan is None:
        raise BodyError([f"There is no selling plan {plan_id} in this shop."])
    if quantity < 1:
        raise BodyError(["quantity must be at least 1."])
    if not isinstance(properties, dict):
        raise BodyError(["properties must be an object of texts."])
    return checkout.CartLine(
        variant=variant,
        quantity=quantity,
        plan=plan,
        properties={str(name): str(value) for name, value in properties.items()},
        discount=discount or ZERO,
    )


def _card(name: str) -> str:
    if not cards.is_card(name):
        names = ", ".join(cards.CHOICES)
        raise BodyError([f"card must be one of {names}, or declines_ and another number."])
    return name


def _change_card(shop: Shop, order: Order, name: str) -> None:
    if name == cards.NONE:
        order.mandates.clear()
    elif not order.mandates:
        order.mandates.append(cards.vault(shop, name))
    else:
        cards.rename(order.mandates[0], name)


OPERATIONS = (
    ("GET", "orders", list_orders),
    ("POST", "orders", place_order),
    ("GET", "orders/{id:int}", get_order),
    ("PATCH", "orders/{id:int}", change_order),
    ("DELETE", "orders/{id:int}", delete_order),
    ("POST", "orders/{id:int}/edit", edit_order),
    ("POST", "orders/{id:int}/refund", refund_order),
    ("POST", "orders/{id:int}/cancel", cancel_order),
    ("POST", "orders/{id:int}/mark_paid", mark_paid),
    ("POST", "orders/{id:int}/pay", pay_order),
    ("POST", "orders/{id:int}/authenticate", authenticate),
    ("POST", "orders/{id:int}/due", make_due),
    ("POST", "clock", advance_clock),
    ("GET", "charges", list_charges),
    ("PATCH", "charges", change_pace),
)
