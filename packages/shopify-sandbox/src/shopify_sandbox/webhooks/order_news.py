"""Announcements of events about orders and their money, which are sent as webhooks."""

from functools import partial

from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import PaymentSchedule, Transaction
from shopify_sandbox.records.refunds import Refund
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import order_payloads, payment_payloads


def of_order(shop: Shop, order: Order, topic: str, action: MerchantAction) -> None:
    """Announce an order under `topic`, such as orders/create, orders/updated or orders/paid."""
    shop.announce(topic, action, partial(order_payloads.order, shop, order))


def of_transaction(shop: Shop, order: Order, made: Transaction, action: MerchantAction) -> None:
    """Announce a transaction, whether it succeeded or was refused."""
    body = partial(payment_payloads.transaction, shop, order, made)
    shop.announce("order_transactions/create", action, body)


def of_refund(shop: Shop, order: Order, made: Refund, action: MerchantAction) -> None:
    """Announce a refund."""
    shop.announce("refunds/create", action, partial(order_payloads.refund, shop, order, made))


def of_schedule(shop: Shop, order: Order, due: PaymentSchedule, action: MerchantAction) -> None:
    """Announce that a schedule is due."""
    body = partial(payment_payloads.schedule, shop, order, due)
    shop.announce("payment_schedules/due", action, body)


def of_edit(
    shop: Shop,
    order: Order,
    added: dict[LineItem, int],
    removed: dict[LineItem, int],
    action: MerchantAction,
) -> None:
    """Announce that units were added to an order, or removed from it."""
    body = partial(order_payloads.edit, shop, order, added, removed)
    shop.announce("orders/edited", action, body)
