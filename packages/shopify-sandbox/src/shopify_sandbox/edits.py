"""Edits of an order by the merchant: units and lines that are removed, raised or added."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shopify_sandbox import fulfillment, ledger, order_stock
from shopify_sandbox.money import Money
from shopify_sandbox.records.catalogue import Variant
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.taxes import ZERO, Tax, Taxation
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import order_news


@dataclass(frozen=True, kw_only=True)
class NewLine:
    """A line to add to an order, for a variant or for something that is in no catalogue.

    A line without a `variant` has a `title`, and a `price` in the shopper's currency. A line
    without `taxes` has those of the order. As at Shopify, an added line never has a selling plan.
    """

    quantity: int
    variant: Variant | None = None
    title: str = ""
    price: Decimal = ZERO
    taxes: tuple[Tax, ...] | None = None
    requires_shipping: bool = False


def edit(
    shop: Shop,
    order: Order,
    changes: dict[LineItem, int],
    added: Sequence[NewLine] = (),
    *,
    restock: bool = True,
) -> None:
    """Change the quantities of lines, and add new lines.

    `changes` are the units to add to each line; a negative number takes units away. With `restock`,
    units that are taken away go back to stock.

    If the order becomes cheaper, the outstanding amount is reduced, but nothing is paid back. If
    the order becomes dearer, the difference is outstanding, and is added to an open payment
    schedule, if there is one.
    """
    action = shop.action()
    for line, units in changes.items():
        if units > 0:
            line.raise_by(units)
        else:
            line.lower(-units)
    lines = [_line(shop, order, each) for each in added]
    order.lines += lines
    order.updated_at = shop.moment()
    ledger.adjust_schedules(shop, order, changes)
    fulfillment.adjust(shop, order, action)
    removed = {line: -units for line, units in changes.items() if units < 0}
    more = {line: units for line, units in changes.items() if units > 0}
    more.update({line: line.quantity for line in lines})
    if restock:
        order_stock.give_back(shop, removed, action)
    _take_stock(shop, more, action)
    order_news.of_edit(shop, order, more, removed, action)
    order_news.of_order(shop, order, "orders/updated", action)


def _line(shop: Shop, order: Order, new: NewLine) -> LineItem:
    variant = new.variant
    price = order.exchange.price(variant.price) if variant else new.price
    taxes = new.taxes
    if taxes is None:
        taxes = order.taxation.taxes if variant is None or variant.taxable else ()
    needed = variant.inventory_item.requires_shipping if variant else new.requires_shipping
    return LineItem(
        id=next(shop.ids),
        variant=variant,
        custom_title=new.title,
        quantity=new.quantity,
        current_quantity=new.quantity,
        ordered_quantity=0,
        unit_price=Money(price, order.currency).amount,
        exchange=order.exchange,
        requires_shipping=needed,
        taxation=Taxation(taxes, order.taxation.included),
    )


def _take_stock(shop: Shop, more: dict[LineItem, int], action: MerchantAction) -> None:
    places = {line: fulfillment.location_for(shop, line.variant) for line in more}
    ids = {line: place.id for line, place in places.items() if place is not None}
    order_stock.take(shop, more, ids, action)
