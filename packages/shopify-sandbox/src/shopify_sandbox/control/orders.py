"""The control API's endpoints for orders: purchases, and changes that merchants make by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from shopify_sandbox import cards, charges, checkout, fulfillment, ledger, refunds
from shopify_sandbox.admin.order_mutations import retag
from shopify_sandbox.bodies import NoBody
from shopify_sandbox.control import order_origins
from shopify_sandbox.control.errors import RefusalError
from shopify_sandbox.control.order_bodies import (
    Advance,
    Authentication,
    Cancellation,
    Cart,
    CartRow,
    DueRequest,
    OrderChange,
    Pace,
    Payment,
    RefundRequest,
    Shopper,
)
from shopify_sandbox.control.order_finds import check_open, line_of, order_of, read_taxes
from shopify_sandbox.control.order_views import charge_view, order_view
from shopify_sandbox.money import Exchange, Money
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.taxes import ZERO
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import OpenShop


async def list_orders(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List all orders, oldest first."""
    shop = opened.shop
    return {"orders": [order_view(shop, each) for each in shop.orders.values()]}


async def get_order(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Show an order."""
    return order_view(opened.shop, order_of(opened, request))


async def place_order(opened: OpenShop, body: Cart, _: Request) -> dict[str, Any]:
    """Buy a cart as a shopper does."""
    shop = opened.shop
    cart = [_cart_line(shop, each) for each in body.lines]
    shopper = body.customer or Shopper()
    buyer = checkout.Buyer(
        email=shopper.email,
        name=shopper.name,
        phone=shopper.phone,
        locale=shopper.locale or "en",
        country=body.country,
        origin=order_origins.origin_of(shop, body.point_of_sale, body.company),
    )
    try:
        order = checkout.place(
            shop,
            cart,
            buyer,
            card=body.card or cards.WORKS,
            pricing=_pricing(shop, body),
            tags=body.tags,
            note=body.note,
        )
    except checkout.CheckoutError as error:
        raise RefusalError(str(error)) from None
    if body.point_of_sale is not None and body.point_of_sale.carried_out:
        order_origins.hand_over(shop, order)
    return order_view(shop, order)


async def change_order(opened: OpenShop, body: OrderChange, request: Request) -> dict[str, Any]:
    """Change the behaviour of an order's card, or the order's tags."""
    shop, order = opened.shop, order_of(opened, request)
    if body.card is not None:
        _change_card(shop, order, body.card)
    if body.tags is not None:
        retag(shop, order, list(body.tags))
    return order_view(shop, order)


async def delete_order(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Delete an order."""
    order = order_of(opened, request)
    refunds.delete(opened.shop, order)
    return {"deleted": order.id}


async def refund_order(opened: OpenShop, body: RefundRequest, request: Request) -> dict[str, Any]:
    """Refund lines of an order, its shipping, or an amount of money."""
    shop, order = opened.shop, order_of(opened, request)
    returned = []
    for each in body.lines:
        line = line_of(order, each.id)
        if not 0 < each.quantity <= line.current_quantity:
            raise RefusalError("quantity must be at least 1 and at most what is left of the line.")
        kind = "RETURN" if each.quantity > line.unfulfilled_quantity else "CANCEL"
        returned.append(
            refunds.Returned(line, each.quantity, kind if body.restock else "NO_RESTOCK")
        )
    shipping = body.shipping or ZERO
    if shipping > order.current_shipping:
        raise RefusalError("shipping must be at most what is left of the shipping's price.")
    amount = refunds.owed(order, returned, shipping) if body.amount is None else body.amount
    if amount > order.net_payment or not (amount or returned or shipping):
        raise RefusalError("amount must be more than 0 and at most what is left of the payments.")
    refunds.refund(
        shop,
        order,
        shop.action(),
        parts=refunds.spread(order, amount),
        returned=returned,
        shipping=shipping,
        note=body.note,
    )
    return order_view(shop, order)


async def cancel_order(opened: OpenShop, body: Cancellation, request: Request) -> dict[str, Any]:
    """Cancel an order, at once."""
    shop, order = opened.shop, order_of(opened, request)
    check_open(order)
    if any(each.fulfilled_quantity for each in order.lines):
        raise RefusalError("An order of which something was sent cannot be cancelled; refund it.")
    refunds.cancel(
        shop,
        order,
        reason=body.reason,
        pay_back=body.refund,
        restock=body.restock,
        note=body.note,
    )
    return order_view(shop, order)


async def mark_paid(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Mark an order as paid by other means."""
    order = _owing(opened, request)
    charges.mark_paid(opened.shop, order)
    return order_view(opened.shop, order)


async def pay_order(opened: OpenShop, body: Payment, request: Request) -> dict[str, Any]:
    """Pay the outstanding amount, or a part of it, as a shopper does on the payment page.

    The order's `collection_url` is the address of that page.
    """
    order = _owing(opened, request)
    charges.pay(opened.shop, order, _amount(order, body, order.payable))
    return order_view(opened.shop, order)


async def capture_payment(opened: OpenShop, body: Payment, request: Request) -> dict[str, Any]:
    """Capture an authorized amount, or a part of it."""
    shop, order = opened.shop, order_of(opened, request)
    open_ones = [each for each in order.moves("AUTHORIZATION") if order.capturable(each)]
    if not open_ones:
        raise RefusalError("Nothing of this order waits to be captured.")
    amount = _amount(order, body, order.capturable(open_ones[0]))
    ledger.capture(shop, order, open_ones[0], amount, shop.action())
    return order_view(shop, order)


def _amount(order: Order, body: Payment, most: Decimal) -> Decimal:
    amount = most if body.amount is None else Money(body.amount, order.currency).amount
    if not 0 < amount <= most:
        raise RefusalError(f"amount must be more than 0 and at most {most}.")
    return amount


async def authenticate(opened: OpenShop, body: Authentication, request: Request) -> dict[str, Any]:
    """Complete the charges that wait for the shopper's authentication, or let them fail."""
    shop, order = opened.shop, order_of(opened, request)
    waiting = charges.waiting(shop, order)
    if not waiting:
        raise RefusalError("No charge of this order waits for its shopper.")
    for each in waiting:
        charges.authenticate(shop, each, succeed=body.succeed)
    return order_view(shop, order)


async def make_due(opened: OpenShop, body: DueRequest, request: Request) -> dict[str, Any]:
    """Make an order's open payment schedules due now, or only the one with `schedule_id`."""
    order = _owing(opened, request)
    due = [each for each in order.open_schedules if body.schedule_id in (None, each.id)]
    if not due:
        raise RefusalError("The order has no such payment schedule that is open.")
    ledger.make_due(opened.shop, order, due, opened.shop.action())
    return order_view(opened.shop, order)


async def advance_clock(opened: OpenShop, body: Advance, _: Request) -> dict[str, Any]:
    """Move the shop's clock ahead.

    Payment schedules that are due by then are announced. Fulfillment orders whose date has come by
    then are made ready to be sent.
    """
    shop = opened.shop
    shop.advance(timedelta(seconds=body.seconds))
    action = shop.action()
    for order in list(shop.orders.values()):
        ledger.announce_due(shop, order, action)
    for each in list(shop.fulfillment_orders.values()):
        if each.scheduled and each.fulfill_at and each.fulfill_at <= shop.clock():
            fulfillment.open_scheduled(shop, each, action)
    return {"now": shop.clock().isoformat()}


async def list_charges(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List all charges of saved cards, the finished ones too, and the duration of a charge."""
    return _charges(opened)


def _charges(opened: OpenShop) -> dict[str, Any]:
    work = opened.shop.work
    found = opened.shop.charges.values()
    return {
        "delay": work.delay,
        "polls": work.polls,
        "charges": [charge_view(each) for each in found],
    }


async def change_pace(opened: OpenShop, body: Pace, _: Request) -> dict[str, Any]:
    """Set how long charges and cancellations take, in seconds or in polls."""
    work = opened.shop.work
    if body.delay is not None:
        work.delay = body.delay
    if "polls" in body.model_fields_set:
        work.polls = body.polls
    return _charges(opened)


def _owing(opened: OpenShop, request: Request) -> Order:
    order = order_of(opened, request)
    if not order.payable:
        raise RefusalError("This order has no outstanding amount.")
    return order


def _pricing(shop: Shop, body: Cart) -> checkout.Pricing:
    own, paid_in = shop.config.currency, body.presentment
    if paid_in is not None and paid_in.currency == own and paid_in.rate != 1:
        raise RefusalError(f"rate must be 1 for {own}, which is the shop's own currency.")
    return checkout.Pricing(
        shipping=body.shipping or ZERO,
        taxes=read_taxes(body.taxes) or (),
        taxes_included=body.taxes_included,
        shipping_taxes=read_taxes(body.shipping_taxes),
        exchange=Exchange(own, paid_in.currency, paid_in.rate, paid_in.rounding)
        if paid_in
        else None,
        gift_card=body.gift_card or ZERO,
        captures=body.capture == "automatic",
        schedule_by_plan=body.schedules == "per_plan",
    )


def _cart_line(shop: Shop, row: CartRow) -> checkout.CartLine:
    variant = shop.variants.get(row.variant_id)
    plan = None if row.plan_id is None else shop.plan(row.plan_id)
    if variant is None:
        raise RefusalError(f"There is no variant {row.variant_id} in this shop.")
    if row.plan_id is not None and plan is None:
        raise RefusalError(f"There is no selling plan {row.plan_id} in this shop.")
    if row.quantity < 1:
        raise RefusalError("quantity must be at least 1.")
    return checkout.CartLine(
        variant=variant,
        quantity=row.quantity,
        plan=plan,
        properties={name: str(value) for name, value in (row.properties or {}).items()},
        discount=row.discount or ZERO,
        taxes=read_taxes(row.taxes),
    )


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
    ("POST", "orders/{id:int}/refund", refund_order),
    ("POST", "orders/{id:int}/cancel", cancel_order),
    ("POST", "orders/{id:int}/mark_paid", mark_paid),
    ("POST", "orders/{id:int}/pay", pay_order),
    ("POST", "orders/{id:int}/capture", capture_payment),
    ("POST", "orders/{id:int}/authenticate", authenticate),
    ("POST", "orders/{id:int}/due", make_due),
    ("POST", "clock", advance_clock),
    ("GET", "charges", list_charges),
    ("PATCH", "charges", change_pace),
)
