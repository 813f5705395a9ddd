"""Changes of an order's money: transactions, payment schedules, and the webhooks about both."""

from collections.abc import Collection, Sequence
from decimal import Decimal

from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import GATEWAY, PaymentSchedule, Transaction
from shopify_sandbox.records.taxes import ZERO
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import order_news

MANUAL = "manual"


def record(
    shop: Shop,
    order: Order,
    kind: str,
    amount: Decimal,
    *,
    gateway: str = GATEWAY,
    parent: Transaction | None = None,
    refused: tuple[str, str] | None = None,
    reference: str | None = None,
) -> Transaction:
    """Record a transaction.

    If it failed, `refused` contains the error code and the error message.
    """
    moment = shop.moment()
    made = Transaction(
        id=next(shop.ids),
        kind=kind,
        status="FAILURE" if refused else "SUCCESS",
        amount=amount,
        exchange=order.exchange,
        created_at=moment,
        processed_at=moment,
        gateway=gateway,
        parent=parent,
        error_code=refused[0] if refused else None,
        message=refused[1] if refused else None,
        payment_reference_id=reference,
    )
    order.transactions.append(made)
    order.updated_at = moment
    return made


def receive(
    shop: Shop,
    order: Order,
    amount: Decimal,
    action: MerchantAction,
    *,
    gateway: str = GATEWAY,
    schedule: PaymentSchedule | None = None,
    reference: str | None = None,
) -> Transaction:
    """Record a payment towards the outstanding amount.

    The payment is first applied to `schedule`, then to the other open schedules, earliest first.
    """
    made = record(shop, order, "SALE", amount, gateway=gateway, reference=reference)
    first = [] if schedule is None else [schedule]
    _match_schedules(shop, order, first, paid=True)
    order_news.of_transaction(shop, order, made, action)
    order_news.of_order(shop, order, "orders/updated", action)
    if not order.outstanding:
        order_news.of_order(shop, order, "orders/paid", action)
    return made


def capture(
    shop: Shop, order: Order, authorization: Transaction, amount: Decimal, action: MerchantAction
) -> Transaction:
    """Capture a part of an authorization; one authorization can be captured in several parts."""
    gateway = authorization.gateway
    made = record(shop, order, "CAPTURE", amount, gateway=gateway, parent=authorization)
    order_news.of_transaction(shop, order, made, action)
    order_news.of_order(shop, order, "orders/updated", action)
    if not order.outstanding:
        order_news.of_order(shop, order, "orders/paid", action)
    return made


def void(shop: Shop, order: Order, action: MerchantAction) -> None:
    """Void all money that was authorized and not captured."""
    for each in order.moves("AUTHORIZATION"):
        left = order.capturable(each)
        if left:
            made = record(shop, order, "VOID", left, gateway=each.gateway, parent=each)
            order_news.of_transaction(shop, order, made, action)


def adjust_schedules(shop: Shop, order: Order, changed: Collection[LineItem]) -> None:
    """Match the open schedules to the outstanding amount after an order's lines were changed.

    The schedules that belong to the changed lines are adjusted first. The others follow, the
    earliest first.
    """
    first = [each for each in order.open_schedules if not set(changed).isdisjoint(each.lines)]
    _match_schedules(shop, order, first, paid=False)


def is_due(shop: Shop, schedule: PaymentSchedule) -> bool:
    """Return whether a schedule is open and its due date is not in the future."""
    return schedule.open and schedule.due_at is not None and schedule.due_at <= shop.clock()


def announce_due(shop: Shop, order: Order, action: MerchantAction) -> None:
    """Announce an order's schedules that are due, unless they were announced before."""
    for each in order.open_schedules:
        if order.cancelled_at is None and not each.due_announced and is_due(shop, each):
            each.due_announced = True
            order_news.of_schedule(shop, order, each, action)


def make_due(
    shop: Shop, order: Order, schedules: Sequence[PaymentSchedule], action: MerchantAction
) -> None:
    """Make some of an order's schedules due now."""
    for each in schedules:
        each.due_at = order.updated_at = shop.moment()
    announce_due(shop, order, action)


def _match_schedules(shop: Shop, order: Order, first: list[PaymentSchedule], *, paid: bool) -> None:
    schedules = [*first, *(each for each in order.open_schedules if each not in first)]
    missing = order.payable - sum((each.balance for each in schedules), ZERO)
    if missing > 0 and schedules:
        schedules[0].balance += missing
        schedules[0].total += missing
    for each in schedules:
        taken = min(each.balance, max(ZERO, -missing))
        missing += taken
        each.balance -= taken
        if not paid:
            each.total -= taken
        if not each.balance and order.cancelled_at is None:
            each.completed_at = shop.moment()
