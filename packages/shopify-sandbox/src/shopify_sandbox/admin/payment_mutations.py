"""The mutation orderCreateMandatePayment, which charges a card that a shopper stored."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from shopify_sandbox import cards, charges
from shopify_sandbox.admin.errors import UserProblem, bad_request
from shopify_sandbox.admin.records import Info, find, shop_of
from shopify_sandbox.ids import shopify_id
from shopify_sandbox.money import Money
from shopify_sandbox.records.charges import Charge
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import PaymentSchedule
from shopify_sandbox.shop import Shop

CODE = "ORDER_MANDATE_PAYMENT_ERROR_CODE"
PLUS = "Shopify Plus"


class RefusedError(Exception):
    """A payment that is refused before it begins, with the user error that says why."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.problem = UserProblem(message, (field,), CODE)


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A requested charge: of a schedule's balance, of an amount, or of all that is outstanding."""

    mandate_id: str
    schedule_id: str | None
    amount: dict[str, str] | None


def charge_mandate(
    _: Any,
    info: Info,
    id: str,
    mandate_id: str,
    idempotency_key: str,
    *,
    auto_capture: bool,
    payment_schedule_id: str | None = None,
    amount: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Begin to charge a card.

    If the key was used for this order before, the earlier charge is returned, and none is begun.
    """
    if not auto_capture:
        raise bad_request("The sandbox shop captures what it charges: leave autoCapture true.")
    shop, order = shop_of(info), find(info, id, Order)
    if order is None:
        return _refused(UserProblem("Order does not exist", ("id",), CODE))
    charge = charges.with_key(shop, order, idempotency_key)
    if charge is None:
        asked = ChargeRequest(mandate_id, payment_schedule_id, amount)
        try:
            charge = _begin(shop, order, idempotency_key, asked)
        except RefusedError as refused:
            return _refused(refused.problem)
        if charge.mandate.card == cards.LOSES_ANSWER:
            info.context.lost_answer = True
    return {
        "job": {"id": charge.job_id, "done": charge.status != "PROCESSING"},
        "payment_reference_id": charge.reference,
        "user_errors": [],
    }


def _refused(problem: UserProblem) -> dict[str, Any]:
    return {"job": None, "payment_reference_id": None, "user_errors": [problem]}


def _begin(shop: Shop, order: Order, key: str, asked: ChargeRequest) -> Charge:
    if order.cancelled_at is not None:
        raise RefusedError("Order has been cancelled", "id")
    mandate = next((each for each in order.mandates if each.id == _number(asked.mandate_id)), None)
    if mandate is None:
        raise RefusedError("Mandate is not available for this order", "mandateId")
    schedule = None if asked.schedule_id is None else _schedule(order, asked.schedule_id)
    if not order.payable:
        raise RefusedError("Order is already paid in full", "id")
    owed = schedule.balance if schedule else order.payable
    amount = owed if asked.amount is None else _amount(shop, order, asked.amount, owed)
    return charges.begin(shop, order, mandate, amount=amount, schedule=schedule, key=key)


def _schedule(order: Order, schedule_id: str) -> PaymentSchedule:
    terms = order.payment_terms
    for each in terms.schedules if terms else ():
        if each.id == _number(schedule_id):
            if not each.open:
                raise RefusedError("Payment schedule is already completed", "paymentScheduleId")
            return each
    raise RefusedError("Payment schedule does not exist", "paymentScheduleId")


def _amount(shop: Shop, order: Order, given: dict[str, str], owed: Decimal) -> Decimal:
    if shop.config.plan != PLUS:
        raise RefusedError("Amount is only available to shops on Shopify Plus", "amount")
    try:
        amount = Money(Decimal(given["amount"]), order.currency).amount
    except InvalidOperation:
        raise RefusedError("Amount is not a number", "amount") from None
    if given["currency_code"] != order.currency:
        raise RefusedError(f"Amount must be in {order.currency}", "amount")
    if not 0 < amount <= owed:
        raise RefusedError("Amount must be more than 0 and at most what is outstanding", "amount")
    return amount


def _number(global_id: str) -> int | None:
    try:
        return shopify_id(global_id)
    except ValueError:
        return None
