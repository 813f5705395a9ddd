"""An order's money: transactions, the schedule that follows them, and the webhooks about both."""

from decimal import Decimal

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
    """Record a transaction; `refused` is the error code and sentence of one that failed."""
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
    reference: str | None = None,
) -> Transaction:
    """Record and announce a payment towards the outstanding amount."""
    made = record(shop, order, "SALE", amount, gateway=gateway, reference=reference)
    adjust_schedule(shop, order, paid=amount)
    order_news.of_transaction(shop, order, made, action)
    order_news.of_order(shop, order, "orders/updated", action)
    if not order.outstanding:
        order_news.of_order(shop, order, "orders/paid", action)
    return made


def adjust_schedule(shop: Shop, order: Order, paid: Decimal = ZERO) -> None:
    """Set the open schedule's balance to the outstanding amount; `paid` was just received."""
    schedule = order.open_schedule
    if schedule is None:
        return
    schedule.total -= schedule.balance - order.outstanding - paid
    schedule.balance = order.outstanding
    if not schedule.balance and order.cancelled_at is None:
        schedule.completed_at = shop.moment()


def is_due(shop: Shop, schedule: PaymentSchedule) -> bool:
    """Return whether a schedule is open and its due date is not in the future."""
    return schedule.open and schedule.due_at is not None and schedule.due_at <= shop.clock()


def announce_due(shop: Shop, order: Order, action: MerchantAction) -> None:
    """Announce that an order's open schedule is due, if it is and was not announced before."""
    schedule = order.open_schedule
    if (
        order.cancelled_at is None
        and schedule is not None
        and not schedule.due_announced
        and is_due(shop, schedule)
    ):
        schedule.due_announced = True
        order_news.of_schedule(shop, order, schedule, action)


def move_due_date(
    shop: Shop, order: Order, action: MerchantAction, *, on_fulfillment: bool
) -> bool:
    """Make an order's open schedule due now; return whether there was one to make due.

    `on_fulfillment` leaves a schedule with a due date alone: it does not wait for fulfillment.
    """
    schedule = order.open_schedule
    if schedule is None or (on_fulfillment and schedule.due_at is not None):
        return False
    schedule.due_at = shop.moment()
    order.updated_at = shop.moment()
    announce_due(shop, order, action)
    return True
