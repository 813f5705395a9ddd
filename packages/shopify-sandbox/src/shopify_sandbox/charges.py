"""Charges of shoppers' saved cards: begun by a caller, carried out in the background."""

from decimal import Decimal
from functools import partial

from shopify_sandbox import cards, ledger
from shopify_sandbox.ids import random_text
from shopify_sandbox.money import Money
from shopify_sandbox.records.charges import Charge
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import GIFT_CARD, Mandate, PaymentSchedule, Transaction
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import order_news

WAITING = "REDIRECT_REQUIRED"


def begin(
    shop: Shop,
    order: Order,
    mandate: Mandate,
    *,
    amount: Decimal,
    schedule: PaymentSchedule | None,
    key: str,
) -> Charge:
    """Begin to charge a card; a background job carries the charge out."""
    charge = Charge(
        reference=random_text(24),
        key=key,
        order=order,
        mandate=mandate,
        amount=amount,
        schedule=schedule,
    )
    shop.charges[charge.reference] = charge
    charge.job_id = shop.work.begin(partial(_carry_out, shop, charge)).id
    return charge


def with_key(shop: Shop, order: Order, key: str) -> Charge | None:
    """Return the order's charge that was begun with this key, or None."""
    found = (each for each in shop.charges.values() if each.order is order and each.key == key)
    return next(found, None)


def authenticate(shop: Shop, charge: Charge, *, succeed: bool) -> None:
    """Finish a charge that waited for the shopper's authentication.

    Without `succeed`, the charge fails. If the order no longer owes the amount, the charge is
    voided.
    """
    action = shop.action()
    if not succeed:
        why = ("AUTHENTICATION_REQUIRED", "The customer did not authenticate.")
        _refuse(shop, charge, "ERROR", why, action)
    elif not _owed(charge):
        charge.status, charge.error = "VOIDED", "It was paid otherwise."
    else:
        _take(shop, charge, action)


def waiting(shop: Shop, order: Order) -> list[Charge]:
    """Return the charges of an order that wait for the shopper's authentication."""
    return [
        each for each in shop.charges.values() if each.order is order and each.status == WAITING
    ]


def pay(shop: Shop, order: Order, amount: Decimal | None = None) -> Transaction:
    """Pay an order with a new card, as a shopper does on the order's payment page.

    Without an `amount`, all that is outstanding and not yet authorized is paid. Charges that wait
    for the shopper's authentication are voided if the order then no longer owes their amounts.
    """
    made = ledger.receive(shop, order, order.payable if amount is None else amount, shop.action())
    for charge in waiting(shop, order):
        if not _owed(charge):
            charge.status, charge.error = "VOIDED", "It was paid otherwise."
    return made


def mark_paid(shop: Shop, order: Order) -> Transaction:
    """Mark the outstanding amount as paid by other means."""
    return ledger.receive(shop, order, order.payable, shop.action(), gateway=ledger.MANUAL)


def _carry_out(shop: Shop, charge: Charge) -> None:
    action = shop.action()
    if not _owed(charge):
        # The order was cancelled, edited or paid since.
        why = ("CANCELLED_PAYMENT", "The order does not owe this amount any more.")
        _refuse(shop, charge, "ERROR", why, action)
        return
    refusal = cards.refusal(charge)
    if refusal is None:
        _take(shop, charge, action)
        return
    status, code, sentence = refusal
    if status == WAITING:
        charge.status, charge.error = status, sentence
    elif status == cards.IN_PART:
        _take_half(shop, charge, (code, sentence), action)
    else:
        _refuse(shop, charge, status, (code, sentence), action)


def _owed(charge: Charge) -> bool:
    schedule = charge.schedule
    left = charge.order.payable if schedule is None else schedule.balance
    return charge.amount <= left


def _take(shop: Shop, charge: Charge, action: MerchantAction) -> None:
    made = ledger.receive(
        shop,
        charge.order,
        charge.amount,
        action,
        schedule=charge.schedule,
        reference=charge.reference,
    )
    charge.status, charge.error = "SUCCESS", None
    charge.transactions.append(made)


def _take_half(shop: Shop, charge: Charge, why: tuple[str, str], action: MerchantAction) -> None:
    """Take half of a charge from a gift card, and have the card decline the rest."""
    half = Money(charge.amount / 2, charge.order.currency).amount
    if not 0 < half < charge.amount:
        _refuse(shop, charge, "ERROR", why, action)
        return
    made = ledger.receive(
        shop,
        charge.order,
        half,
        action,
        gateway=GIFT_CARD,
        schedule=charge.schedule,
        reference=charge.reference,
    )
    charge.transactions.append(made)
    _refuse(shop, charge, cards.IN_PART, why, action, amount=charge.amount - half)


def _refuse(
    shop: Shop,
    charge: Charge,
    status: str,
    why: tuple[str, str],
    action: MerchantAction,
    *,
    amount: Decimal | None = None,
) -> None:
    order = charge.order
    refused = charge.amount if amount is None else amount
    made = ledger.record(shop, order, "SALE", refused, refused=why, reference=charge.reference)
    charge.status, charge.error = status, why[1]
    charge.transactions.append(made)
    order_news.of_transaction(shop, order, made, action)
    order_news.of_order(shop, order, "orders/updated", action)
