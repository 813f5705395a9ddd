"""Resolvers of amounts in both currencies of an order: prices, taxes and shipping charges."""

import operator
from decimal import Decimal
from typing import Any

from shopify_sandbox.admin.connections import Connection, connection
from shopify_sandbox.admin.records import Info, Resolver
from shopify_sandbox.ids import gid
from shopify_sandbox.money import Bag, Money
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.taxes import Tax


def money(amount: Money) -> dict[str, str]:
    """Return an amount in Shopify's form: without needless decimals, but with at least one."""
    text = f"{amount.amount.normalize():f}"
    return {"amount": text if "." in text else f"{text}.0", "currency_code": amount.currency}


def money_bag(amounts: Bag) -> dict[str, Any]:
    """Return an amount in Shopify's form, in the shop's currency and in the shopper's."""
    return {"shop_money": money(amounts.shop), "presentment_money": money(amounts.presentment)}


def bag(path: str) -> Resolver:
    """Return a resolver that reads an amount from a record's attribute `path`.

    The resolver returns the amount in both currencies of the record's order. The record's method
    `bag` converts it.
    """
    read = operator.attrgetter(path)
    return lambda record, _: money_bag(record.bag(read(record)))


def total(name: str) -> Resolver:
    """Return a resolver of the order's total that is called `name`, in both currencies."""
    return lambda order, _: money_bag(order.total_bag(name))


def tax_lines(about: Order | LineItem, taxes: list[tuple[Tax, Decimal]]) -> list[dict[str, Any]]:
    """Return `taxes`, the taxes of an order or of an order line, as Shopify's tax lines."""
    return [
        {
            "title": tax.title,
            "rate": float(tax.rate),
            "rate_percentage": float(tax.rate * 100),
            "channel_liable": False,
            "source": "Shopify",
            "price_set": money_bag(about.bag(amount)),
        }
        for tax, amount in taxes
    ]


def shipping_lines(order: Order) -> list[dict[str, Any]]:
    """Return an order's shipping lines: one with the shipping charge, or none if it is free."""
    if not order.shipping:
        return []
    price = money_bag(order.bag(order.shipping))
    return [
        {
            # An order's shipping has the id after that of its address.
            "number": order.id + 2,
            "id": gid("ShippingLine", order.id + 2),
            "title": "Standard",
            "code": "Standard",
            "source": "shopify",
            "custom": False,
            "is_removed": False,
            "original_price_set": price,
            "discounted_price_set": price,
            "current_discounted_price_set": money_bag(order.bag(order.current_shipping)),
            "discount_allocations": [],
            "tax_lines": tax_lines(order, order.shipping_taxes(order.shipping)),
        }
    ]


def _shipping_lines(
    order: Order, _: Info, *, include_removals: bool = False, **page: Any
) -> Connection:
    # No shipping of the sandbox is ever removed.
    del include_removals
    return connection(shipping_lines(order), **page)


def _before_taxes(line: LineItem, _: Info) -> dict[str, Any]:
    price = line.current_total
    if line.taxation.included:
        price -= line.tax(line.current_quantity)
    return money_bag(line.bag(price))


FIELDS: dict[str, Resolver] = {
    "LineItem.discountedTotalSet": bag("total"),
    "LineItem.discountedUnitPriceSet": lambda line, _: money_bag(line.bag(line.share(1))),
    "LineItem.originalTotalSet": lambda line, _: money_bag(
        line.bag(line.unit_price * line.quantity)
    ),
    "LineItem.originalUnitPriceSet": bag("unit_price"),
    "LineItem.priceAfterAllDiscountsBeforeTaxesSet": _before_taxes,
    "LineItem.taxLines": lambda line, _, first=None: tax_lines(line, line.taxes(line.quantity))[
        :first
    ],
    "LineItem.totalDiscountSet": bag("discount"),
    "Order.currencyCode": lambda order, _: order.exchange.shop,
    "Order.currentShippingPriceSet": total("current_shipping"),
    "Order.currentSubtotalPriceSet": total("current_subtotal"),
    "Order.currentTaxLines": lambda order, _: tax_lines(order, order.current_taxes),
    "Order.currentTotalDiscountsSet": total("current_discounts"),
    "Order.currentTotalPriceSet": total("current_total"),
    "Order.currentTotalTaxSet": total("current_tax"),
    "Order.netPaymentSet": total("net_payment"),
    "Order.originalTotalPriceSet": total("original_total"),
    "Order.presentmentCurrencyCode": lambda order, _: order.exchange.presentment,
    "Order.shippingLine": lambda order, _: next(iter(shipping_lines(order)), None),
    "Order.shippingLines": _shipping_lines,
    "Order.subtotalPriceSet": total("subtotal"),
    "Order.taxLines": lambda order, _: tax_lines(order, order.taxes),
    "Order.totalCapturableSet": total("authorized"),
    "Order.totalDiscountsSet": total("discounts"),
    "Order.totalOutstandingSet": total("outstanding"),
    "Order.totalPriceSet": total("total"),
    "Order.totalReceivedSet": total("received"),
    "Order.totalRefundedSet": total("refunded"),
    "Order.totalRefundedShippingSet": total("shipping_refunded"),
    "Order.totalShippingPriceSet": total("shipping"),
    "Order.totalTaxSet": total("tax"),
}
