"""Refunds and cancellations."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from shopify_sandbox import fulfillment, ledger, order_stock
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import Transaction
from shopify_sandbox.records.refunds import Refund, RefundLine, RefundShipping
from shopify_sandbox.records.taxes import ZERO
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import order_news
from shopify_sandbox.work import Job

RESTOCKED = ("CANCEL", "RETURN")


@dataclass(frozen=True, slots=True)
class Part:
    """The amount to pay back from one payment."""

    payment: Transaction
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Returned:
    """Units of a line to take back; `restock_type` is CANCEL, RETURN or NO_RESTOCK."""

    line: LineItem
    quantity: int
    restock_type: str


def refund(
    shop: Shop,
    order: Order,
    action: MerchantAction,
    *,
    parts: Iterable[Part] = (),
    returned: Iterable[Returned] = (),
    shipping: Decimal = ZERO,
    note: str | None = None,
) -> Refund:
    """Take `returned` units back, and pay the money in `parts` back.

    `shipping` is the part of the shipping's price that is given back, without its tax.
    """
    made = Refund(id=next(shop.ids), created_at=shop.moment(), exchange=order.exchange, note=note)
    price = order.current_total
    for each in returned:
        made.lines.append(refunded_line(each, next(shop.ids)))
        each.line.lower(each.quantity)
    if shipping:
        made.shipping = refunded_shipping(order, shipping, next(shop.ids))
        order.shipping_refunded += shipping
    # Money that comes back for units is no discount on the rest of the order.
    due_back = max(price - order.current_total, order.net_payment - order.current_total)
    for part in parts:
        payment = part.payment
        made.transactions.append(
            ledger.record(
                shop, order, "REFUND", part.amount, gateway=payment.gateway, parent=payment
            )
        )
    if order.cancelled_at is None:
        made.discrepancy = max(ZERO, made.total - due_back)
        order.allowances += made.discrepancy
    order.refunds.append(made)
    order.updated_at = made.created_at
    ledger.adjust_schedules(shop, order, [each.line for each in made.lines])
    if made.lines:
        fulfillment.adjust(shop, order, action)
    back = {each.line: each.quantity for each in made.lines if each.restock_type in RESTOCKED}
    order_stock.give_back(shop, back, action)
    for transaction in made.transactions:
        order_news.of_transaction(shop, order, transaction, action)
    order_news.of_refund(shop, order, made, action)
    order_news.of_order(shop, order, "orders/updated", action)
    return made


def refunded_line(asked: Returned, number: int) -> RefundLine:
    """Return the refund line, with the id `number`, that results if units are taken back now.

    The refund line has the units' share of the line's price and tax.
    """
    line, left = asked.line, asked.line.current_quantity - asked.quantity
    return RefundLine(
        id=number,
        line=line,
        quantity=asked.quantity,
        restock_type=asked.restock_type,
        subtotal=line.current_total - line.share(left),
        tax=line.tax(line.current_quantity) - line.tax(left),
    )


def refunded_shipping(order: Order, price: Decimal, number: int) -> RefundShipping:
    """Return the shipping refund, with the id `number`, that results from paying `price` back.

    The refund's tax is the tax on that part of the shipping's price.
    """
    left = order.shipping - order.shipping_refunded
    taxes = order.shipping_taxation
    tax = taxes.tax(left, order.currency) - taxes.tax(left - price, order.currency)
    return RefundShipping(id=number, subtotal=price, tax=tax)


def owed(order: Order, returned: Iterable[Returned], shipping: Decimal = ZERO) -> Decimal:
    """Return the money that must be paid back if units and shipping are taken back.

    The order gets cheaper by their worth. That reduces the outstanding amount first. Only the rest
    is paid back, and never more than the shop has received.
    """
    worth = sum((each.line.worth(each.quantity) for each in returned), ZERO)
    worth += order.shipping_worth(shipping)
    return min(order.net_payment, max(ZERO, worth - order.outstanding))


def spread(order: Order, amount: Decimal) -> list[Part]:
    """Split an amount to pay back over the payments of an order, starting with the newest."""
    parts = []
    for payment in reversed(order.payments):
        share = min(amount, order.refundable(payment))
        amount -= share
        if share:
            parts.append(Part(payment, share))
    return parts


def begin_cancel(
    shop: Shop, order: Order, *, reason: str, pay_back: bool, restock: bool, note: str | None
) -> Job:
    """Begin to cancel an order in the background, and return the job."""
    carry_out = partial(
        cancel, shop, order, reason=reason, pay_back=pay_back, restock=restock, note=note
    )
    return shop.work.begin(carry_out)


def cancel(
    shop: Shop, order: Order, *, reason: str, pay_back: bool, restock: bool, note: str | None
) -> None:
    """Cancel an order: nothing remains to be sent or paid.

    An order that is already cancelled stays as it is.
    """
    if order.cancelled_at is not None:
        return
    action = shop.action()
    order.unpaid_when_cancelled = order.outstanding
    ledger.void(shop, order, action)
    shipping = order.current_shipping
    order.cancelled_at = order.closed_at = shop.moment()
    order.cancel_reason = reason
    kind = "CANCEL" if restock else "NO_RESTOCK"
    refund(
        shop,
        order,
        action,
        parts=spread(order, order.net_payment) if pay_back else (),
        returned=[
            Returned(each, each.current_quantity, kind)
            for each in order.lines
            if each.current_quantity
        ],
        shipping=shipping if pay_back else ZERO,
        note=note,
    )
    order_news.of_order(shop, order, "orders/cancelled", action)


def delete(shop: Shop, order: Order) -> None:
    """Delete an order; the units that it took from stock are not given back."""
    del shop.orders[order.id]
    for each in order.fulfillment_orders:
        shop.fulfillment_orders.pop(each.id, None)
    shop.announce("orders/delete", shop.action(), lambda: {"id": order.id})
